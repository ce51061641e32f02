//! How long a cell takes: a stream like TPC-H's `lineitem`, made here, is decoded and encoded many times.
//!
//!     cargo run --release -p hygge-pgcopy --example speed [rounds]
//!
//! Prints nanoseconds for each row and, a column at a time, for each cell: the fastest of the rounds, and the median.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what is made and counted here is small"
)]

use std::hint::black_box;
use std::time::Instant;

use arrow_array::RecordBatch;
use hygge_pgcopy::{Catalogue, Column, Decoder, Encoder, Limits, ReadPlan, Stop, Target, WritePlan};

/// Rows that are different, and how often they come: what is read from a socket lies in one buffer again and again, in the
/// processor's memory, where it was just put.
const DIFFERENT: usize = 1_250;
const TIMES: usize = 48;
const ROWS: usize = DIFFERENT * TIMES;
/// Batches as large as a run makes them.
const LIMITS: Limits = Limits { rows: 8_192, bytes: 4 << 20, row: 1 << 30 };

/// A column, its type, and how its value in a row is made.
struct Kind {
    name: &'static str,
    oid: u32,
    typmod: i32,
    make: fn(&mut Chance, &mut Vec<u8>),
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const NUMERIC_15_2: i32 = ((15 << 16) | 2) + 4;

fn lineitem() -> Vec<Kind> {
    let int = |name, make| Kind { name, oid: 23, typmod: -1, make };
    let money = |name, make| Kind { name, oid: 1700, typmod: NUMERIC_15_2, make };
    let char = |name, length, make| Kind { name, oid: 1042, typmod: length + 4, make };
    let date = |name, make| Kind { name, oid: 1082, typmod: -1, make };
    vec![
        Kind { name: "l_orderkey", oid: 20, typmod: -1, make: |c, out| out.extend(c.below(6_000_000).to_be_bytes()) },
        int("l_partkey", |c, out| number(c, 200_000, out)),
        int("l_suppkey", |c, out| number(c, 10_000, out)),
        int("l_linenumber", |c, out| number(c, 7, out)),
        money("l_quantity", |c, out| numeric((1 + c.below(50)) * 100, out)),
        money("l_extendedprice", |c, out| numeric(90_000 + c.below(10_000_000), out)),
        money("l_discount", |c, out| numeric(c.below(11), out)),
        money("l_tax", |c, out| numeric(c.below(9), out)),
        char("l_returnflag", 1, |c, out| out.push(b"ANR"[index(c, 3)])),
        char("l_linestatus", 1, |c, out| out.push(b"OF"[index(c, 2)])),
        date("l_shipdate", |c, out| number(c, 2_500, out)),
        date("l_commitdate", |c, out| number(c, 2_500, out)),
        date("l_receiptdate", |c, out| number(c, 2_500, out)),
        char("l_shipinstruct", 25, |c, out| {
            let word = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"][index(c, 4)];
            out.extend(format!("{word:25}").bytes());
        }),
        char("l_shipmode", 10, |c, out| {
            let word = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"][index(c, 7)];
            out.extend(format!("{word:10}").bytes());
        }),
        Kind {
            name: "l_comment",
            oid: 1043,
            typmod: 48,
            make: |c, out| {
                let length = 10 + index(c, 34);
                out.extend(b"carefully final deposits detect slyly agai. furiously".iter().take(length));
            },
        },
    ]
}

/// Kinds that `lineitem` has none of.
fn others() -> Vec<Kind> {
    let kind = |name, oid, make| Kind { name, oid, typmod: -1, make };
    vec![
        kind("bool", 16, |c, out| out.push(index(c, 2) as u8)),
        kind("float8", 701, |c, out| out.extend((c.below(1 << 30) as f64).to_be_bytes())),
        kind("timestamptz", 1184, |c, out| out.extend((c.below(1 << 31) << 20).to_be_bytes())),
        kind("uuid", 2950, |c, out| out.extend((0..16).map(|_| index(c, 256) as u8))),
        kind("numeric", 1700, |c, out| numeric(c.below(10_000_000), out)),
        kind("jsonb", 3802, |c, out| out.extend(format!("\x01{{\"a\": {}}}", c.below(1000)).bytes())),
        kind("inet", 869, |c, out| out.extend([2, 32, 0, 4, 10, index(c, 256) as u8, 0, index(c, 256) as u8])),
        kind("int4[]", 1007, |c, out| {
            out.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 4, 0, 0, 0, 1]);
            for _ in 0..4 {
                out.extend([0, 0, 0, 4]);
                number(c, 1000, out);
            }
        }),
    ]
}

fn index(c: &mut Chance, end: u64) -> usize {
    c.below(end) as usize
}

fn number(c: &mut Chance, end: u64, out: &mut Vec<u8>) {
    out.extend((c.below(end) as u32).to_be_bytes());
}

/// A count of hundredths.
fn numeric(hundredths: u64, out: &mut Vec<u8>) {
    let whole = hundredths / 100;
    let mut digits = vec![(whole / 10_000) as u16, (whole % 10_000) as u16, (hundredths % 100 * 100) as u16];
    let mut weight = 1_i16;
    while digits.first() == Some(&0) {
        digits.remove(0);
        weight -= 1;
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let weight = if digits.is_empty() { 0 } else { weight };
    out.extend((digits.len() as u16).to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend([0, 0, 0, 2]);
    for digit in digits {
        out.extend(digit.to_be_bytes());
    }
}

fn catalogue() -> Catalogue {
    let base = |oid: u32, name: &str, element: u32| {
        format!(
            r#"{{"oid":{oid},"schema":"pg_catalog","name":"{name}","kind":"b","element":{element},"delimiter":",","base":0,
            "typmod":-1,"dimensions":0,"output":"x","send":null,"own_cast":false,"labels":null,"attributes":null}}"#
        )
    };
    let known = [16, 20, 23, 701, 869, 1042, 1043, 1082, 1184, 1700, 2950, 3802].map(|oid| base(oid, "x", 0));
    let types = format!("{},{}", known.join(","), base(1007, "_int4", 23));
    Catalogue::parse(&format!(r#"{{"version":150018,"money":2,"names":[],"types":[{types}]}}"#))
        .expect("as a server answers")
}

const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: &[u8] = &[0xFF, 0xFF];

/// Rows of a stream, without its head and end.
fn rows(kinds: &[&Kind]) -> Vec<Vec<u8>> {
    let mut chance = Chance(1);
    let row = |_| {
        let mut out = (kinds.len() as u16).to_be_bytes().to_vec();
        for kind in kinds {
            let at = out.len();
            out.extend([0; 4]);
            (kind.make)(&mut chance, &mut out);
            let length = (out.len() - at - 4) as u32;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        out
    };
    (0..DIFFERENT).map(row).collect()
}

fn plan(kinds: &[&Kind]) -> ReadPlan {
    let columns: Vec<Column> = kinds.iter().map(|kind| Column::new(kind.name, kind.oid, kind.typmod)).collect();
    ReadPlan::new(&catalogue(), &columns).expect("known types")
}

/// By messages of the protocol, each a row.
fn messages(plan: &ReadPlan, wire: &[u8], mut each: impl FnMut(RecordBatch)) {
    let mut decoder = Decoder::new(plan, LIMITS);
    decoder.push(HEAD).expect("sound");
    for _ in 0..TIMES {
        let mut at = 0;
        loop {
            let (taken, stop) = decoder.messages(&wire[at..]).expect("sound");
            at += taken;
            match stop {
                Stop::Full => decoder.take().expect("sound").into_iter().for_each(&mut each),
                Stop::More => break,
                Stop::Other(kind) => panic!("a message of kind {kind}"),
            }
        }
    }
    decoder.push(END).expect("sound");
    decoder.finish().expect("whole").into_iter().for_each(each);
}

/// By pieces of the stream.
fn pushes(plan: &ReadPlan, pieces: &[Vec<u8>]) {
    let mut decoder = Decoder::new(plan, LIMITS);
    decoder.push(HEAD).expect("sound");
    for piece in (0..TIMES).flat_map(|_| pieces) {
        let mut at = 0;
        while at < piece.len() {
            at += decoder.push(&piece[at..]).expect("sound");
            if decoder.is_full() {
                black_box(decoder.take().expect("sound"));
            }
        }
    }
    decoder.push(END).expect("sound");
    black_box(decoder.finish().expect("whole"));
}

fn gathered(plan: &ReadPlan, wire: &[u8]) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    messages(plan, wire, |batch| batches.push(batch));
    batches
}

/// The fastest and the median of the rounds, in nanoseconds a row.
fn time(rounds: usize, mut work: impl FnMut()) -> (f64, f64) {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_nanos() as f64 / ROWS as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[rounds / 2])
}

fn say(what: &str, (best, median): (f64, f64)) {
    println!("{what:28} {best:8.1} {median:8.1}");
}

fn wire(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        out.push(b'd');
        out.extend((row.len() as u32 + 4).to_be_bytes());
        out.extend(row);
    }
    out
}

fn encode(write: &WritePlan, batches: &[RecordBatch], out: &mut Vec<u8>) {
    let mut encoder = Encoder::new(write);
    for batch in batches {
        let mut rows = encoder.batch(batch).expect("the same schema");
        loop {
            out.clear();
            let done = rows.write(out, 64 << 10).expect("fits");
            black_box(out.as_slice());
            if done {
                break;
            }
        }
    }
    encoder.finish(out);
}

fn write_plan(kinds: &[&Kind], batches: &[RecordBatch]) -> WritePlan {
    let targets: Vec<Target> = kinds
        .iter()
        .map(|kind| Target { name: kind.name.into(), type_oid: kind.oid, typmod: kind.typmod, nullable: true })
        .collect();
    WritePlan::new(&catalogue(), &batches[0].schema(), &targets).expect("the same types")
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(30);
    let all = lineitem();
    let kinds: Vec<&Kind> = all.iter().collect();
    let (plan_all, rows_all) = (plan(&kinds), rows(&kinds));
    let (whole, wire_all) = (rows_all.concat(), wire(&rows_all));
    println!(
        "{:28} {:>8} {:>8}   ns a row of {} bytes",
        "lineitem, 16 columns",
        "best",
        "median",
        whole.len() / DIFFERENT
    );
    say(
        "decode, messages of a buffer",
        time(rounds, || messages(&plan_all, &wire_all, |batch| drop(black_box(batch)))),
    );
    if std::env::args().len() > 2 {
        return;
    }
    say("decode, a row at a time", time(rounds, || pushes(&plan_all, &rows_all)));
    say("decode, a buffer at once", time(rounds, || pushes(&plan_all, std::slice::from_ref(&whole))));
    let batches = gathered(&plan_all, &wire_all);
    let write = write_plan(&kinds, &batches);
    let mut out = Vec::new();
    if std::env::args().len() > 2 {
        return;
    }
    say("encode, 64 KiB at a time", time(rounds, || encode(&write, &batches, &mut out)));

    println!("\n{:28} {:>8} {:>8} {:>8} {:>8}   ns a cell", "one column", "decode", "median", "encode", "median");
    for kind in all.iter().chain(&others()) {
        let kinds = [kind];
        let (plan, wire) = (plan(&kinds), wire(&rows(&kinds)));
        let read = time(rounds, || messages(&plan, &wire, |batch| drop(black_box(batch))));
        let batches = gathered(&plan, &wire);
        let write = write_plan(&kinds, &batches);
        let written = time(rounds, || encode(&write, &batches, &mut out));
        println!("{:28} {:8.1} {:8.1} {:8.1} {:8.1}", kind.name, read.0, read.1, written.0, written.1);
    }
}
