//! Streams cut anywhere, damaged, too large, and of other tables.

use arrow_array::RecordBatch;
use hygge_pgcopy::{Catalogue, Column, Decoder, ErrorKind, Limits, ReadPlan, Stop, Unfit};
use hygge_testing::postgres::Server;

use crate::asked::{decode, plan, stream};
use crate::families::{BEFORE, families};
use crate::oracle::fill;
use crate::seeded::{Chance, soak};

const HEAD: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = [0xFF, 0xFF];

/// Types of a server, as it would tell of them.
fn catalogue() -> Catalogue {
    let base = |oid: u32, name: &str| {
        format!(
            r#"{{"oid":{oid},"schema":"pg_catalog","name":"{name}","kind":"b","element":0,"delimiter":",","base":0,"typmod":-1,"dimensions":0,
            "output":"pg_catalog.{name}out","send":"{name}send","own_cast":false,"labels":null,"attributes":null}}"#
        )
    };
    let types = [(23, "int4"), (25, "text"), (1082, "date"), (1700, "numeric"), (1560, "bit")]
        .map(|(oid, name)| base(oid, name));
    let array = base(1007, "_int4").replace(r#""element":0"#, r#""element":23"#);
    let names =
        r#"[[23,-1,"integer"],[25,-1,"text"],[1082,-1,"date"],[1700,-1,"numeric"],[1700,655366,"numeric(10,2)"]]"#;
    let json = format!(r#"{{"version":150018,"money":2,"names":{names},"types":[{},{array}]}}"#, types.join(","));
    Catalogue::parse(&json).expect("as a server answers")
}

fn planned(columns: &[Column]) -> ReadPlan {
    ReadPlan::new(&catalogue(), columns).expect("can be carried")
}

fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut out = i16::try_from(cells.len()).expect("few").to_be_bytes().to_vec();
    for cell in cells {
        let length = cell.map_or(-1, |cell| i32::try_from(cell.len()).expect("short"));
        out.extend(length.to_be_bytes());
        out.extend(cell.unwrap_or_default());
    }
    out
}

fn whole(rows: &[Vec<u8>]) -> Vec<u8> {
    [&HEAD[..], &rows.concat(), &END].concat()
}

/// A number and a text.
fn two() -> ReadPlan {
    planned(&[Column::new("n", 23, -1), Column { nullable: false, ..Column::new("t", 25, -1) }])
}

fn failure(plan: &ReadPlan, stream: &[u8]) -> hygge_pgcopy::Error {
    decode(plan, stream, Limits::default()).expect_err("an error")
}

/// Where the rows of a sound stream end, the head being part of the first.
fn row_ends(stream: &[u8], columns: usize) -> Vec<usize> {
    let (mut at, mut ends) = (HEAD.len(), Vec::new());
    while stream[at..at + 2] != END {
        at += 2;
        for _ in 0..columns {
            let length = i32::from_be_bytes(stream[at..at + 4].try_into().expect("four bytes"));
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        ends.push(at);
    }
    ends.push(at + 2);
    ends
}

/// Puts pieces of a stream into messages, with what a server sends behind them.
fn wire<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        out.push(b'd');
        out.extend((u32::try_from(piece.len()).expect("short") + 4).to_be_bytes());
        out.extend(piece);
    }
    out.extend(b"c\0\0\0\x04");
    out
}

fn by_messages(plan: &ReadPlan, wire: &[u8], limits: Limits, mut piece: impl FnMut() -> usize) -> Vec<RecordBatch> {
    let mut decoder = Decoder::new(plan, limits);
    let (mut batches, mut at, mut end) = (Vec::new(), 0, 0);
    loop {
        end = wire.len().min(end + piece());
        loop {
            let (taken, stop) = decoder.messages(&wire[at..end]).expect("decodes");
            at += taken;
            match stop {
                Stop::Full => batches.extend(decoder.take().expect("a batch")),
                Stop::More => break,
                Stop::Other(kind) => {
                    assert_eq!(kind, b'c', "the message behind the stream");
                    assert_eq!(at, wire.len() - 5, "all before it");
                    batches.extend(decoder.finish().expect("whole"));
                    return batches;
                }
            }
        }
        assert!(end < wire.len(), "the end was not found");
    }
}

#[test]
fn pieces_of_any_size_make_the_same_batches() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let families = families();
    let mut chance = Chance::new(7);
    fill(&server, "t", &families, 250, &mut chance);
    let plan = plan(&server, "t", |_| ());
    let stream = stream(&server, "t", &plan);
    let limits = Limits { rows: 90, bytes: 1 << 18, ..Limits::default() };
    let batches = decode(&plan, &stream, limits).expect("decodes");
    assert!(batches.len() > 2 && batches[0].num_rows() < 90, "some end by their bytes: {}", batches.len());

    let cut = |sizes: &mut dyn FnMut() -> usize| {
        let mut decoder = Decoder::new(&plan, limits);
        let (mut found, mut at) = (Vec::new(), 0);
        while at < stream.len() {
            let end = stream.len().min(at + sizes());
            while at < end {
                at += decoder.push(&stream[at..end]).expect("decodes");
                if decoder.is_full() {
                    found.extend(decoder.take().expect("a batch"));
                }
            }
        }
        found.extend(decoder.finish().expect("whole"));
        found
    };
    for size in [1, 2, 3, 7, 100, 4095, 4096, 5000, 70_000] {
        assert!(cut(&mut || size) == batches, "pieces of {size} bytes");
    }
    for _ in 0..20 {
        assert!(cut(&mut || usize::try_from(chance.sized(18)).expect("small") + 1) == batches, "pieces by chance");
    }
    let ends = row_ends(&stream, families.len());
    let mut sizes = ends.iter().scan(0, |from, end| Some(end - std::mem::replace(from, *end)));
    assert!(cut(&mut || sizes.next().expect("a row")) == batches, "a row at a time");

    // As messages: a row each, as servers send them; several rows each; cut in the middle of rows.
    let cuts = |ends: &[usize]| {
        let pieces = ends.iter().scan(0, |from, end| Some(&stream[std::mem::replace(from, *end)..*end]));
        wire(pieces.collect::<Vec<_>>().into_iter())
    };
    let some: Vec<usize> = ends.iter().copied().filter(|end| *end == stream.len() || chance.one_in(3)).collect();
    let mut anywhere: Vec<usize> =
        (0..500).map(|_| usize::try_from(chance.below(stream.len() as u64)).expect("small")).collect();
    anywhere.push(stream.len());
    anywhere.sort_unstable();
    for (kind, ends) in [("a row", &ends), ("some rows", &some), ("anything", &anywhere)] {
        let wire = cuts(ends);
        for size in [1, 13, 4096, 65_536, usize::MAX / 2] {
            assert!(by_messages(&plan, &wire, limits, || size) == batches, "{kind} a message, {size} bytes at once");
        }
        let mut chance = Chance::new(9);
        let by_chance = by_messages(&plan, &wire, limits, || usize::try_from(chance.sized(17)).expect("small") + 1);
        assert!(by_chance == batches, "{kind} a message, pieces by chance");
    }
}

#[test]
fn a_stream_that_is_cut_is_never_whole() {
    let rows: Vec<Vec<u8>> = (0..3_i32).map(|n| row(&[Some(&n.to_be_bytes()), Some(b"text")])).collect();
    let stream = whole(&rows);
    for end in 0..stream.len() {
        let error = decode(&two(), &stream[..end], Limits::default()).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Stream);
        assert!(error.to_string().starts_with("the stream ends before its own end"), "{error}");
    }
    assert_eq!(decode(&two(), &stream, Limits::default()).expect("whole")[0].num_rows(), 3);
    let error = failure(&two(), &[&stream[..], b"x"].concat());
    assert_eq!(error.to_string(), "bytes come after the end of the stream");
}

#[test]
fn damage_is_told_with_its_row_and_column() {
    let n = |n: i32| n.to_be_bytes();
    let good = row(&[Some(&n(1)), Some(b"a")]);
    let bad = |row: Vec<u8>| failure(&two(), &whole(&[good.clone(), good.clone(), row])).to_string();
    assert_eq!(bad(row(&[Some(&n(1))])), "row 3: a row of 1 columns, where 2 were asked for");
    assert_eq!(
        bad(row(&[Some(b"abc"), Some(b"a")])),
        "row 3, column n: a value of another length than its type has; the type is integer"
    );
    assert_eq!(bad(row(&[Some(&n(1)), Some(b"\xff")])), "row 3, column t: text that is not UTF-8; the type is text");
    assert_eq!(
        bad(row(&[Some(&n(1)), None])),
        "row 3, column t: NULL in a column that is declared NOT NULL; the type is text"
    );
    let mut negative = good.clone();
    negative[2..6].copy_from_slice(&n(-2));
    assert_eq!(bad(negative), "row 3, column n: a value whose length is below zero");
    for length in [i32::MIN, -3] {
        let mut other = good.clone();
        other.truncate(6);
        other[2..6].copy_from_slice(&n(length));
        assert_eq!(bad(other), "row 3, column n: a value whose length is below zero");
    }
    // What is wrong earlier is told first, whatever finds it.
    let both = [row(&[Some(b"abc"), Some(b"a")]), row(&[Some(&n(1))])];
    assert!(failure(&two(), &whole(&both)).to_string().starts_with("row 1, column n"));

    let start = |bytes: &[u8]| failure(&two(), bytes).to_string();
    assert_eq!(start(b"PGCOPX"), "the stream does not begin as a COPY in the binary format does");
    let mut flags = whole(&[]);
    flags[12] = 1;
    assert!(start(&flags).contains("flags"), "{}", start(&flags));
    // Flags that need not be known, and what follows the head, are passed over.
    flags[12] = 0;
    flags[14] = 1;
    flags[18] = 3;
    flags.splice(19..19, [1, 2, 3]);
    assert!(decode(&two(), &flags, Limits::default()).expect("whole").is_empty());
    flags[15] = 0x80;
    assert_eq!(start(&flags), "the head of the stream is damaged");
}

#[test]
fn a_decoder_that_failed_goes_no_further() {
    let mut decoder = Decoder::new(&two(), Limits::default());
    decoder.push(b"rubbish").expect_err("no head");
    assert_eq!(decoder.push(b"x").expect_err("failed").kind(), ErrorKind::Misuse);
    assert_eq!(decoder.take().expect_err("failed").kind(), ErrorKind::Misuse);
    assert_eq!(decoder.finish().expect_err("failed").kind(), ErrorKind::Misuse);
}

#[test]
fn any_damage_is_survived() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let families = families();
    let mut chance = Chance::new(11);
    fill(&server, "t", &families, 40, &mut chance);
    let plan = plan(&server, "t", |_| ());
    let stream = stream(&server, "t", &plan);
    let (mut told, mut sound) = (0, 0);
    for _ in 0..if soak() { 50_000 } else { 500 } {
        let mut damaged = stream.clone();
        for _ in 0..=chance.below(3) {
            let at = usize::try_from(chance.below(damaged.len() as u64)).expect("small");
            match chance.below(4) {
                0 => damaged[at] ^= 1 << chance.below(8),
                1 => damaged[at] = *chance.of(&[0, 0xFF, 0x7F, 0x80]),
                2 => damaged.truncate(at + 1),
                _ => damaged.splice(at..at, [0; 3]).for_each(drop),
            }
        }
        match decode(&plan, &damaged, Limits::default()) {
            Ok(batches) => {
                sound += 1;
                for column in batches.iter().flat_map(RecordBatch::columns) {
                    column.to_data().validate_full().expect("a sound column");
                }
            }
            Err(error) => {
                told += 1;
                assert_ne!(error.kind(), ErrorKind::Misuse, "{error:?}");
            }
        }
    }
    assert!(told > 100 && sound > 20, "{told} were told, {sound} were sound");
}

#[test]
fn batches_end_by_rows_and_by_bytes() {
    let rows: Vec<Vec<u8>> = (0..1000_i32).map(|n| row(&[Some(&n.to_be_bytes()), Some(&[b'x'; 90])])).collect();
    let sizes = |limits: Limits| -> Vec<usize> {
        decode(&two(), &whole(&rows), limits).expect("decodes").iter().map(RecordBatch::num_rows).collect()
    };
    assert_eq!(sizes(Limits { rows: 400, ..Limits::default() }), [400, 400, 200]);
    let by_bytes = sizes(Limits { bytes: 10_000, ..Limits::default() });
    assert!(by_bytes.iter().rev().skip(1).all(|rows| (50..=100).contains(rows)), "{by_bytes:?}");
    assert_eq!(by_bytes.iter().sum::<usize>(), 1000);
    // Few bytes that become much text count as what they become.
    let plan = planned(&[Column::new("v", 1700, -1)]);
    let wide = [0, 1, 0x40, 0, 0, 0, 0, 0, 0, 1];
    let stream = whole(&vec![row(&[Some(&wide)]); 100]);
    let batches = decode(&plan, &stream, Limits { bytes: 200_000, ..Limits::default() }).expect("decodes");
    assert!(batches.len() >= 25, "{}", batches.len());
    for batch in &batches {
        assert!(batch.get_array_memory_size() < 1_000_000);
    }
}

#[test]
fn a_row_above_the_limit_is_told_before_it_has_come() {
    let limits = Limits { row: 1000, ..Limits::default() };
    let mut decoder = Decoder::new(&two(), limits);
    let mut start = [&HEAD[..], &row(&[Some(&[0; 4]), Some(b"a")])].concat();
    start.extend(&row(&[Some(&[0; 4]), None])[..10]);
    start.extend(5_000_i32.to_be_bytes());
    let error = decoder.push(&start).expect_err("too long");
    assert_eq!(error.to_string(), "row 2, column t: a row of 5014 bytes, more than the 1000 that there are for one");
    assert!(error.advice().is_some());
    // In one piece with all of it, too.
    let stream = whole(&[row(&[Some(&[0; 4]), Some(&[b'a'; 5000])])]);
    let error = decode(&two(), &stream, limits).expect_err("too long");
    assert!(error.to_string().starts_with("row 1, column t: a row of 5014 bytes"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_settled_as_declared() {
    let numeric = 655_366;
    let infinity = i32::MAX.to_be_bytes();
    let nan = [0, 0, 0, 0, 0xC0, 0, 0, 0];
    let rows = [
        row(&[Some(&0_i32.to_be_bytes()), Some(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 7])]),
        row(&[Some(&infinity), Some(&nan)]),
    ];
    let columns = |unfit: Unfit| {
        [Column { unfit, ..Column::new("d", 1082, -1) }, Column { unfit, ..Column::new("p", 1700, numeric) }]
    };
    let error = failure(&planned(&columns(Unfit::Error)), &whole(&rows));
    assert_eq!(error.to_string(), "row 2, column d: infinity, which date may hold and Date32 may not");
    assert_eq!(error.kind(), ErrorKind::Value);
    let error = failure(&planned(&columns(Unfit::Error)[1..]), &whole(&[row(&[Some(&nan)])]));
    assert_eq!(error.to_string(), "row 1, column p: NaN, which numeric(10,2) may hold and Decimal128(10, 2) may not");

    let plan = planned(&columns(Unfit::Null));
    let mut decoder = Decoder::new(&plan, Limits::default());
    decoder.push(&whole(&rows)).expect("decodes");
    let batch = decoder.take().expect("decodes").expect("rows");
    assert_eq!((decoder.replaced(0), decoder.replaced(1)), (1, 1));
    assert!(batch.columns().iter().all(|column| column.is_valid(0) && column.is_null(1)));

    let plan = planned(&columns(Unfit::Text));
    assert_eq!(
        plan.select_list(),
        "pg_catalog.textin(pg_catalog.dateout(\"d\")), pg_catalog.textin(pg_catalog.numericout(\"p\"))"
    );
}

#[test]
fn the_fuzzing_corpora_of_copy_are_survived() {
    let survive = |name: &str, target: fn(&[u8])| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut count = 0;
        for entry in std::fs::read_dir(folder).expect("the corpus") {
            target(&std::fs::read(entry.expect("a file").path()).expect("can be read"));
            count += 1;
        }
        assert!(count > 15, "{name} has {count} files");
    };
    survive("pgcopy_decode", crate::any::decode);
    survive("pgcopy_decode", crate::any::round);
    survive("pgcopy_encode", crate::any::encode);
}
