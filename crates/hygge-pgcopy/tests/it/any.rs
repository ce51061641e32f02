//! What must hold for any bytes. The fuzz targets and the test that replays their corpora share it.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, IntervalMonthDayNanoArray, PrimitiveArray, RecordBatch,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::{DataType, Field, Schema};
use hygge_pgcopy::{
    Catalogue, Column, Decoder, Encoder, ErrorKind, Intervals, Limits, ReadPlan, Result, Stop, Target, Unfit, WritePlan,
};

/// The head of a stream.
pub(crate) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Types by the byte that chooses them: number, modifier, dimensions.
const TYPES: &[(u32, i32, u32)] = &[
    (16, -1, 0),
    (21, -1, 0),
    (23, -1, 0),
    (20, -1, 0),
    (26, -1, 0),
    (5069, -1, 0),
    (700, -1, 0),
    (701, -1, 0),
    (1700, -1, 0),
    // numeric(15,2), numeric(38,10), numeric(76,38), numeric(3,-2)
    (1700, 983_046, 0),
    (1700, 2_490_382, 0),
    (1700, 4_980_778, 0),
    (1700, 198_658, 0),
    (790, -1, 0),
    (1082, -1, 0),
    (1083, -1, 0),
    (1266, -1, 0),
    (1114, -1, 0),
    (1184, -1, 0),
    (1186, -1, 0),
    (25, -1, 0),
    (1043, 9, 0),
    (1042, 9, 0),
    (19, -1, 0),
    (18, -1, 0),
    (17, -1, 0),
    (2950, -1, 0),
    (114, -1, 0),
    (3802, -1, 0),
    (142, -1, 0),
    (869, -1, 0),
    (650, -1, 0),
    (829, -1, 0),
    (774, -1, 0),
    (1560, 11, 0),
    (1562, -1, 0),
    (3220, -1, 0),
    (27, -1, 0),
    // int4[], int4[][], text[], numeric[], place[]
    (1007, -1, 1),
    (1007, -1, 2),
    (1009, -1, 1),
    (1231, -1, 1),
    (90_001, -1, 1),
    // a row, an enum, a domain, a range, pgvector's types
    (90_000, -1, 0),
    (90_002, -1, 0),
    (90_003, -1, 0),
    (3904, -1, 0),
    (90_010, -1, 0),
    (90_010, 3, 0),
    (90_011, -1, 0),
];

/// What a server would tell of them.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);

fn catalogue() -> Catalogue {
    let mut types = String::new();
    let mut tell = |oid: u32, name: &str, rest: &str| {
        let comma = if types.is_empty() { "" } else { "," };
        let kind = if rest.contains("\"kind\"") { "" } else { r#""kind":"b","# };
        let element = if rest.contains("\"element\"") { "" } else { r#""element":0,"# };
        let base = if rest.contains("\"base\"") { "" } else { r#""base":0,"# };
        let labels = if rest.contains("\"labels\"") { "" } else { r#""labels":null,"# };
        let attributes = if rest.contains("\"attributes\"") { "" } else { r#""attributes":null,"# };
        let _ = write!(
            types,
            r#"{comma}{{"oid":{oid},"schema":"pg_catalog","name":"{name}",{kind}{element}{base}{labels}{attributes}{rest}
            "delimiter":",","typmod":-1,"dimensions":0,"output":"f","send":"{name}_send","own_cast":false}}"#
        );
    };
    let plain: &[u32] = &[
        16, 17, 18, 19, 20, 21, 23, 25, 26, 27, 114, 142, 650, 700, 701, 774, 790, 829, 869, 1042, 1043, 1082, 1083,
        1114, 1184, 1186, 1266, 1560, 1562, 1700, 2950, 3220, 3802, 5069,
    ];
    for oid in plain {
        tell(*oid, "base", "");
    }
    for (oid, element) in [(1007, 23), (1009, 25), (1231, 1700), (90_001, 90_000)] {
        tell(oid, "array", &format!(r#""element":{element},"#));
    }
    let part = |name: &str, oid: u32| format!(r#"{{"name":"{name}","type_oid":{oid},"typmod":-1,"dimensions":0}}"#);
    let parts = format!(r#""attributes":[{},{},{}],"#, part("n", 23), part("t", 25), part("l", 1007));
    tell(90_000, "place", &format!(r#""kind":"c",{parts}"#));
    tell(90_002, "mood", r#""kind":"e","labels":["a","bc"],"#);
    tell(90_003, "positive", r#""kind":"d","base":23,"#);
    tell(3904, "int4range", r#""kind":"r","#);
    tell(90_010, "vector", "");
    tell(90_011, "halfvec", "");
    Catalogue::parse(&format!(r#"{{"version":170000,"money":2,"names":[],"types":[{types}]}}"#)).expect("as a server")
}

/// Columns that the first bytes choose, and what is left of them.
fn chosen(bytes: &[u8]) -> Option<(Vec<Column>, u8, &[u8])> {
    let (&[count, how], rest) = bytes.split_first_chunk::<2>()?;
    let count = usize::from(count % 6);
    let (kinds, rest) = rest.split_at_checked(count)?;
    let column = |(at, kind): (usize, &u8)| {
        let (oid, typmod, dimensions) = TYPES[usize::from(*kind) % TYPES.len()];
        let unfit = [Unfit::Error, Unfit::Null, Unfit::Text][usize::from(how >> 6) % 3];
        let intervals = if how & 0x20 == 0 { Intervals::Text } else { Intervals::Arrow };
        Column { dimensions, unfit, intervals, ..Column::new(format!("c{at}"), oid, typmod) }
    };
    Some((kinds.iter().enumerate().map(column).collect(), how, rest))
}

const LIMITS: Limits = Limits { rows: 7, bytes: 4 << 10, row: 1 << 20 };

/// All rows in one batch.
const ONE: Limits = Limits { rows: 1 << 20, bytes: usize::MAX, row: 1 << 20 };

/// Everything is kept as text: two errors are the same if they read the same.
type Outcome = Result<Vec<RecordBatch>, String>;

/// Decodes a stream in pieces of a size.
fn by_pieces(plan: &ReadPlan, stream: &[u8], size: usize, limits: Limits) -> Outcome {
    let mut decoder = Decoder::new(plan, limits);
    let mut batches = Vec::new();
    let mut run = || -> Result<()> {
        for mut piece in stream.chunks(size) {
            while !piece.is_empty() {
                let taken = decoder.push(piece)?;
                assert!(taken > 0 || decoder.is_full(), "it goes on");
                piece = &piece[taken..];
                if decoder.is_full() {
                    batches.extend(decoder.take()?);
                }
            }
        }
        Ok(())
    };
    let outcome = run().and_then(|()| decoder.finish());
    batches.extend(outcome.map_err(|error| error.to_string())?);
    Ok(batches)
}

/// The same as messages of a size, given in pieces of another.
fn by_messages(plan: &ReadPlan, stream: &[u8], size: usize) -> Outcome {
    let mut wire = Vec::new();
    for piece in stream.chunks(size) {
        wire.push(b'd');
        wire.extend((u32::try_from(piece.len()).expect("short") + 4).to_be_bytes());
        wire.extend(piece);
    }
    let mut decoder = Decoder::new(plan, LIMITS);
    let (mut batches, mut at, mut end) = (Vec::new(), 0, 0);
    let mut run = || -> Result<()> {
        while end < wire.len() {
            end = wire.len().min(end + 2 * size + 3);
            loop {
                let (taken, stop) = decoder.messages(&wire[at..end])?;
                at += taken;
                match stop {
                    Stop::Full => batches.extend(decoder.take()?),
                    Stop::More => break,
                    Stop::Other(kind) => panic!("a message of kind {kind}"),
                }
            }
        }
        Ok(())
    };
    let outcome = run().and_then(|()| decoder.finish());
    batches.extend(outcome.map_err(|error| error.to_string())?);
    Ok(batches)
}

/// Any bytes as a stream: the same in pieces of any size, sound or an error, and never large.
pub(crate) fn decode(bytes: &[u8]) {
    let Some((columns, how, rest)) = chosen(bytes) else { return };
    let plan = ReadPlan::new(&CATALOGUE, &columns).expect("all can be carried");
    let stream = if how & 1 == 0 { [HEAD, rest].concat() } else { rest.to_vec() };
    let whole = by_pieces(&plan, &stream, usize::MAX, LIMITS);
    for size in [1, 5, 64, 5_000] {
        assert_eq!(by_pieces(&plan, &stream, size, LIMITS), whole, "in pieces of {size}");
        assert_eq!(by_messages(&plan, &stream, size), whole, "in messages of {size}");
    }
    for batch in whole.iter().flatten() {
        for column in batch.columns() {
            column.to_data().validate_full().expect("a sound column");
        }
        assert!(batch.num_rows() <= LIMITS.rows);
    }
}

/// Columns to write to that are those that were read.
fn targets(columns: &[Column]) -> Vec<Target> {
    let target =
        |c: &Column| Target { name: c.name.clone(), type_oid: c.type_oid, typmod: c.typmod, nullable: c.nullable };
    columns.iter().map(target).collect()
}

/// A stream of batches, or nothing where a value is refused.
fn written(plan: &WritePlan, batches: &[RecordBatch]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(plan);
    let mut out = Vec::new();
    for batch in batches {
        let mut rows = encoder.batch(batch).expect("the same schema");
        loop {
            let limit = out.len() + 1;
            match rows.write(&mut out, limit) {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Value, "{error:?}");
                    assert!(error.row_number().is_some() && error.column().is_some(), "{error:?}");
                    return None;
                }
            }
        }
    }
    encoder.finish(&mut out);
    Some(out)
}

/// Whatever is read can be written or is refused by its row, and is read again as what it was.
pub(crate) fn round(bytes: &[u8]) {
    let Some((columns, _, rest)) = chosen(bytes) else { return };
    let plan = ReadPlan::new(&CATALOGUE, &columns).expect("all can be carried");
    let Ok(batches) = by_pieces(&plan, &[HEAD, rest].concat(), usize::MAX, ONE) else { return };
    let Ok(writing) = WritePlan::new(&CATALOGUE, &plan.schema(), &targets(&columns)) else { return };
    let Some(stream) = written(&writing, &batches) else { return };
    if writing.format() == hygge_pgcopy::Format::Binary {
        let again = by_pieces(&plan, &stream, usize::MAX, ONE).expect("what is written can be read");
        assert_eq!(again.len(), batches.len());
        assert_eq!(again, batches);
    }
}

/// Takes bytes off the front.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let (mut out, count) = ([0; N], N.min(self.0.len()));
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        out
    }

    fn byte(&mut self) -> u8 {
        let [byte] = self.fixed();
        byte
    }

    fn some(&mut self) -> Vec<u8> {
        let count = usize::from(self.byte() % 24).min(self.0.len());
        let (out, rest) = self.0.split_at(count);
        self.0 = rest;
        out.to_vec()
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.byte().is_multiple_of(8) { None } else { Some(value(self)) }
    }
}

fn primitive<T: ArrowPrimitiveType>(bytes: &mut Bytes<'_>, rows: usize, read: fn([u8; 8]) -> T::Native) -> ArrayRef {
    let values: Vec<Option<T::Native>> = (0..rows).map(|_| bytes.maybe(|bytes| read(bytes.fixed()))).collect();
    Arc::new(values.into_iter().collect::<PrimitiveArray<T>>())
}

fn halves(bytes: [u8; 8]) -> (i32, i32) {
    let half = |at: usize| i32::from_be_bytes(std::array::from_fn(|index| bytes[at + index]));
    (half(0), half(4))
}

/// Values of an Arrow type, made of bytes.
fn array(kind: u8, rows: usize, bytes: &mut Bytes<'_>) -> ArrayRef {
    match kind % 16 {
        0 => Arc::new((0..rows).map(|_| bytes.maybe(|bytes| bytes.byte() & 1 == 1)).collect::<BooleanArray>()),
        1 => primitive::<Int16Type>(bytes, rows, |[a, b, ..]| i16::from_be_bytes([a, b])),
        2 => primitive::<Int32Type>(bytes, rows, |b| halves(b).0),
        3 => primitive::<Int64Type>(bytes, rows, i64::from_be_bytes),
        4 => primitive::<Float32Type>(bytes, rows, |b| f32::from_bits(halves(b).0.cast_unsigned())),
        5 => primitive::<Float64Type>(bytes, rows, f64::from_be_bytes),
        6 => primitive::<Date32Type>(bytes, rows, |b| halves(b).0),
        7 => {
            let number = |b: &mut Bytes<'_>| (i128::from_be_bytes(b.fixed()) % 10_i128.pow(38)) >> (b.byte() % 120);
            let values: Vec<_> = (0..rows).map(|_| bytes.maybe(number)).collect();
            let scale = i8::from_be_bytes(bytes.fixed()) % 38;
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).expect("below its most"))
        }
        8 => Arc::new(
            (0..rows).map(|_| bytes.maybe(|b| i64::from_be_bytes(b.fixed()))).collect::<TimestampMicrosecondArray>(),
        ),
        9 => Arc::new(
            (0..rows).map(|_| bytes.maybe(|b| i64::from_be_bytes(b.fixed()))).collect::<TimestampNanosecondArray>(),
        ),
        10 => Arc::new(
            (0..rows).map(|_| bytes.maybe(|b| i64::from_be_bytes(b.fixed()) >> 27)).collect::<Time64MicrosecondArray>(),
        ),
        11 => {
            let span = |b: &mut Bytes<'_>| {
                let (months, days) = halves(b.fixed());
                IntervalMonthDayNano { months, days, nanoseconds: i64::from_be_bytes(b.fixed()) / 1000 * 1000 }
            };
            Arc::new((0..rows).map(|_| bytes.maybe(span)).collect::<IntervalMonthDayNanoArray>())
        }
        12 => {
            let mut texts = StringBuilder::new();
            for _ in 0..rows {
                texts.append_option(bytes.maybe(|b| String::from_utf8_lossy(&b.some()).into_owned()));
            }
            Arc::new(texts.finish())
        }
        13 => {
            let mut blobs = BinaryBuilder::new();
            for _ in 0..rows {
                blobs.append_option(bytes.maybe(Bytes::some));
            }
            Arc::new(blobs.finish())
        }
        14 => {
            let mut lists = ListBuilder::new(Int32Builder::new());
            for _ in 0..rows {
                let list =
                    bytes.maybe(|b| (0..b.byte() % 4).map(|_| b.maybe(|b| halves(b.fixed()).0)).collect::<Vec<_>>());
                lists.append_option(list);
            }
            Arc::new(lists.finish())
        }
        _ if bytes.byte() & 1 == 0 => {
            Arc::new((0..rows).map(|_| bytes.maybe(|b| u64::from_be_bytes(b.fixed()))).collect::<UInt64Array>())
        }
        _ => {
            let mut fixed = FixedSizeBinaryBuilder::new(16);
            for _ in 0..rows {
                match bytes.maybe(Bytes::fixed::<16>) {
                    Some(value) => fixed.append_value(value).expect("16 bytes"),
                    None => fixed.append_null(),
                }
            }
            Arc::new(fixed.finish())
        }
    }
}

/// Any values into any types: refused by the plan, refused by their row, or read again as what they were.
pub(crate) fn encode(bytes: &[u8]) {
    let Some((columns, how, rest)) = chosen(bytes) else { return };
    let (rows, mut bytes) = (usize::from(how % 9), Bytes(rest));
    for column in columns {
        let kind = bytes.byte();
        let values = array(kind, rows, &mut bytes);
        let schema = Arc::new(Schema::new(vec![Field::new("c", values.data_type().clone(), true)]));
        let text = *values.data_type() == DataType::Utf8;
        let intervals = if text { Intervals::Text } else { Intervals::Arrow };
        let column = Column { intervals, unfit: Unfit::Error, ..column };
        let Ok(plan) = WritePlan::new(&CATALOGUE, &schema, &targets(std::slice::from_ref(&column))) else { continue };
        let batch = RecordBatch::try_new(schema, vec![Arc::clone(&values)]).expect("one column");
        let Some(stream) = written(&plan, &[batch]) else { continue };
        if plan.format() != hygge_pgcopy::Format::Binary {
            continue;
        }
        let reading = ReadPlan::new(&CATALOGUE, std::slice::from_ref(&column)).expect("can be carried");
        let parts: Vec<ArrayRef> = match by_pieces(&reading, &stream, usize::MAX, ONE) {
            Ok(batches) => batches.iter().map(|batch| Arc::clone(batch.column(0))).collect(),
            // A text may spell what its column holds and Arrow's type does not, as NaN, and an array may have dimensions of its
            // own.
            Err(error) => {
                let other = text || values.data_type().is_nested();
                assert!(other && error.ends_with("may not"), "of {}: {error}", values.data_type());
                continue;
            }
        };
        let mut row = 0;
        for part in parts {
            if part.data_type() == values.data_type() {
                assert_eq!(part.as_ref(), values.slice(row, part.len()).as_ref());
            }
            row += part.len();
        }
        assert_eq!(row, rows);
    }
}
