//! Every Arrow type, with values that tell whether it arrives.

use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, FixedSizeListBuilder, Int32Builder, Int64Builder, LargeListBuilder, ListBuilder,
    MapBuilder, StringBuilder,
};
use arrow_array::types::{Int8Type, Int32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal64Array,
    Decimal128Array, Decimal256Array, DictionaryArray, DurationMicrosecondArray, DurationMillisecondArray,
    DurationNanosecondArray, DurationSecondArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, IntervalDayTimeArray, IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray, NullArray,
    RunArray, StringArray, StructArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, UnionArray, make_array, new_null_array,
};
use arrow_buffer::{IntervalDayTime, IntervalMonthDayNano, NullBuffer, i256};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, TimeUnit};

/// A type, and values of it.
pub(crate) struct Case {
    /// As the tables of the documentation call it.
    pub(crate) name: String,
    /// Values that every store holds which takes the type, and a NULL.
    pub(crate) usual: ArrayRef,
    /// Values that a store may have no room for, by what people call them.
    pub(crate) odd: Vec<(&'static str, ArrayRef)>,
}

impl Case {
    fn of(usual: ArrayRef) -> Self {
        Self { name: usual.data_type().to_string(), usual, odd: Vec::new() }
    }

    fn named(name: &str, usual: ArrayRef) -> Self {
        Self { name: name.to_owned(), ..Self::of(usual) }
    }

    fn odd(mut self, name: &'static str, value: ArrayRef) -> Self {
        assert_eq!(value.data_type(), self.usual.data_type(), "{name}");
        self.odd.push((name, value));
        self
    }

    /// The usual values, and behind them all odd ones.
    pub(crate) fn all(&self) -> ArrayRef {
        let arrays: Vec<&dyn Array> =
            std::iter::once(self.usual.as_ref()).chain(self.odd.iter().map(|(_, value)| value.as_ref())).collect();
        if arrays.len() == 1 {
            Arc::clone(&self.usual)
        } else {
            arrow_select::concat::concat(&arrays).expect("one type")
        }
    }
}

fn nulls<T>(values: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
    values.into_iter().map(Some).chain([None]).collect()
}

/// Every case, in the order of the tables.
pub(crate) fn cases() -> Vec<Case> {
    let mut all =
        vec![Case::of(Arc::new(NullArray::new(3))), Case::of(Arc::new(BooleanArray::from(nulls([true, false]))))];
    all.extend(integers());
    all.extend(floats());
    all.extend(decimals());
    all.extend(dates_and_times());
    all.extend(spans());
    all.extend(texts_and_bytes());
    all.extend(nested());
    all.extend(dictionaries());
    all.extend(others());
    all
}

fn integers() -> Vec<Case> {
    macro_rules! ints {
        ($($array:ident $t:ty),*) => {
            vec![$(Case::of(Arc::new($array::from(nulls([<$t>::MIN, <$t>::MAX, 0, 7]))))),*]
        };
    }
    let mut all = ints!(Int8Array i8, Int16Array i16, Int32Array i32, Int64Array i64, UInt8Array u8, UInt16Array u16, UInt32Array u32);
    all.push(
        Case::of(Arc::new(UInt64Array::from(nulls([0, 7, i64::MAX.unsigned_abs()]))))
            .odd("2^63 and beyond", Arc::new(UInt64Array::from(vec![1 << 63, u64::MAX]))),
    );
    all
}

fn floats() -> Vec<Case> {
    macro_rules! floats {
        ($array:ident, $t:ty, $usual:expr) => {{
            let minus_zero: $t = -0.0;
            Case::of(Arc::new($array::from(nulls($usual))))
                .odd("-0.0", Arc::new($array::from(vec![minus_zero])))
                .odd("infinity", Arc::new($array::from(vec![<$t>::INFINITY, <$t>::NEG_INFINITY])))
                .odd("NaN", Arc::new($array::from(vec![<$t>::NAN])))
        }};
    }
    // Extremes, subnormals, and numbers that take all their digits.
    let wide = floats!(Float32Array, f32, [0.5, -65504.0, 3.0, 6.0e-8, 0.099_975_586, 65504.0]);
    let half = |array: &ArrayRef| cast(array, &DataType::Float16).expect("a half");
    let mut halves = Case::of(half(&wide.usual));
    for (name, value) in &wide.odd {
        halves = halves.odd(name, half(value));
    }
    let single = [f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), 0.1, 16_777_216.0, 1.0e-10, 3.0, 1.0e10];
    let double = [
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        0.1,
        0.1 + 0.2,
        1e23,
        9_007_199_254_740_994.0,
        5e-324,
        1e16,
        3.0,
    ];
    vec![halves, floats!(Float32Array, f32, single), floats!(Float64Array, f64, double)]
}

fn decimals() -> Vec<Case> {
    macro_rules! decimals {
        ($array:ident, $p:expr, $s:expr, $most:expr) => {
            Case::of(Arc::new(
                $array::from(nulls([$most, -$most, 0, 5, -110])).with_precision_and_scale($p, $s).expect("fits"),
            ))
        };
    }
    let wide = |p, s: i8, digits: usize| {
        let most = i256::from_string(&"9".repeat(digits)).expect("a number");
        let values = nulls([most, -most, i256::ZERO, i256::from_i128(5), i256::from_i128(-110)]);
        Case::of(Arc::new(Decimal256Array::from(values).with_precision_and_scale(p, s).expect("fits")))
    };
    vec![
        decimals!(Decimal32Array, 9, 2, 999_999_999),
        decimals!(Decimal64Array, 18, 2, 10_i64.pow(18) - 1),
        decimals!(Decimal128Array, 38, 10, 10_i128.pow(38) - 1),
        decimals!(Decimal128Array, 38, 38, 10_i128.pow(38) - 1),
        decimals!(Decimal128Array, 10, -2, 10_i128.pow(10) - 1),
        decimals!(Decimal128Array, 38, -3, 10_i128.pow(38) - 1),
        wide(38, 10, 38),
        wide(76, 10, 76),
        wide(76, -4, 76),
    ]
}

/// Days since 1970 of the first day of year 1, of year 0 and the last of 9999.
const YEAR_1: i64 = -719_162;
const YEAR_0: i64 = -719_528;
const LAST_DAY: i64 = 2_932_896;

fn dates_and_times() -> Vec<Case> {
    let days = |days: &[i64]| -> ArrayRef {
        Arc::new(days.iter().map(|d| Some(i32::try_from(*d).expect("fits"))).collect::<Date32Array>())
    };
    let millis =
        |days: &[i64]| -> ArrayRef { Arc::new(days.iter().map(|d| Some(d * 86_400_000)).collect::<Date64Array>()) };
    let with_null = |array: ArrayRef| -> ArrayRef {
        let none = new_null_array(array.data_type(), 1);
        arrow_select::concat::concat(&[&array, &none]).expect("one type")
    };
    let usual = [0, -1, 15_706, YEAR_1, LAST_DAY];
    let beyond = [LAST_DAY + 1, YEAR_0 - 1];
    let far = "years before 0 and beyond 9999";
    let mut all = vec![
        Case::of(with_null(days(&usual)))
            .odd("year 0", days(&[YEAR_0]))
            .odd(far, days(&beyond))
            .odd("the last that the type holds", days(&[i64::from(i32::MIN), i64::from(i32::MAX)])),
        Case::of(with_null(millis(&usual)))
            .odd("year 0", millis(&[YEAR_0]))
            .odd(far, millis(&beyond))
            .odd("a time of day", Arc::new(Date64Array::from(vec![1])))
            .odd("a time of day before 1970", Arc::new(Date64Array::from(vec![-1])))
            .odd("days that 32 bits do not count", millis(&[i64::from(i32::MAX) + 1])),
    ];
    macro_rules! clock {
        ($array:ident, $day:expr, $step:expr) => {
            Case::of(Arc::new($array::from(nulls([0, $day - 1, 1, $day / 2 + $step]))))
                .odd("24:00", Arc::new($array::from(vec![$day])))
                .odd("before midnight", Arc::new($array::from(vec![-1])))
        };
    }
    all.push(clock!(Time32SecondArray, 86_400, 1));
    all.push(clock!(Time32MillisecondArray, 86_400_000, 500));
    all.push(clock!(Time64MicrosecondArray, 86_400_000_000, 500_000));
    all.push(clock!(Time64NanosecondArray, 86_400_000_000_000, 500_000_000));
    for zone in [None, Some("UTC")] {
        all.extend(stamps(zone));
    }
    let oslo = stamps(Some("Europe/Oslo")).swap_remove(2);
    all.push(oslo);
    let india = stamps(Some("+05:30")).swap_remove(3);
    all.push(india);
    all
}

fn stamps(zone: Option<&str>) -> Vec<Case> {
    let zone = |array: ArrayRef| -> ArrayRef {
        let DataType::Timestamp(unit, _) = array.data_type() else { unreachable!("timestamps only") };
        let to = DataType::Timestamp(*unit, zone.map(Into::into));
        let data = array.to_data().into_builder().data_type(to).build().expect("the same numbers");
        make_array(data)
    };
    macro_rules! stamp {
        ($array:ident, $per:expr) => {{
            let per: i64 = $per;
            let day = 86_400 * per;
            let usual = nulls([0, 1, -1, per / 2, 1_357_016_400 * per, YEAR_1 * day, LAST_DAY * day + day - 1]);
            Case::of(zone(Arc::new($array::from(usual))))
                .odd("year 0", zone(Arc::new($array::from(vec![YEAR_0 * day]))))
                .odd(
                    "years before 0 and beyond 9999",
                    zone(Arc::new($array::from(vec![(LAST_DAY + 1) * day, YEAR_0 * day - 1]))),
                )
                .odd("the last that the type holds", zone(Arc::new($array::from(vec![i64::MIN, i64::MAX]))))
        }};
    }
    // Nanoseconds end in 2262.
    let fine =
        nulls([0, 1, -1, 500_000_000, 1_357_016_400_000_000_000, 1_357_016_400_123_456_000, -86_400_000_000_001]);
    vec![
        stamp!(TimestampSecondArray, 1),
        stamp!(TimestampMillisecondArray, 1000),
        stamp!(TimestampMicrosecondArray, 1_000_000),
        Case::of(zone(Arc::new(TimestampNanosecondArray::from(fine)))).odd(
            "the last that the type holds",
            zone(Arc::new(TimestampNanosecondArray::from(vec![i64::MIN, i64::MAX]))),
        ),
    ]
}

fn spans() -> Vec<Case> {
    macro_rules! durations {
        ($($array:ident),*) => {
            vec![$(
                Case::of(Arc::new($array::from(nulls([0, -1, 86_400, 1_000_000_007]))))
                    .odd("the last that the type holds", Arc::new($array::from(vec![i64::MIN, i64::MAX])))
            ),*]
        };
    }
    let mut all =
        durations!(DurationSecondArray, DurationMillisecondArray, DurationMicrosecondArray, DurationNanosecondArray);
    all.push(Case::of(Arc::new(IntervalYearMonthArray::from(nulls([0, -1, 14])))));
    all.push(Case::of(Arc::new(IntervalDayTimeArray::from(nulls([IntervalDayTime::new(1, -500)])))));
    all.push(Case::of(Arc::new(IntervalMonthDayNanoArray::from(nulls([IntervalMonthDayNano::new(1, -2, 3)])))));
    all
}

fn texts_and_bytes() -> Vec<Case> {
    // Empty, blank, beyond the BMP, composed and not, with marks that formats use, with what looks like another type.
    let texts = nulls([
        "",
        " ",
        " edge ",
        "café",
        "cafe\u{301}",
        "𝄞 🏔️",
        "a\"b",
        "a,b",
        "a;b",
        "\"",
        "line\nbreak",
        "line\r\nbreak",
        "\r",
        "NULL",
        "null",
        "NA",
        "\\N",
        "1.10",
        "007",
        "true",
        "2013-01-01",
        "'; DROP TABLE t; --",
        "\u{feff}mark",
        "=1+1",
        "-",
        "a\\b",
        "a string longer than what a view holds inside",
    ]);
    let texts = StringArray::from(texts);
    let null_inside = StringArray::from(vec!["a\0b", "\0"]);
    let bytes = BinaryArray::from(nulls([
        b"".as_slice(),
        b"\xff\xfe",
        b"text",
        b"\x00",
        b"12",
        b"more bytes than what a view holds inside",
    ]));
    let mut all: Vec<Case> = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View]
        .iter()
        .map(|to| Case::of(cast(&texts, to).expect("text")).odd("NUL in a text", cast(&null_inside, to).expect("text")))
        .collect();
    let wider = [DataType::Binary, DataType::LargeBinary, DataType::BinaryView];
    all.extend(wider.iter().map(|to| Case::of(cast(&bytes, to).expect("bytes"))));
    for width in [16, 1, 0_i32] {
        let mut fixed = FixedSizeBinaryBuilder::new(width);
        fixed.append_value(vec![7; usize::try_from(width).expect("small")]).expect("fits");
        fixed.append_value(vec![0; usize::try_from(width).expect("small")]).expect("fits");
        fixed.append_null();
        all.push(Case::of(Arc::new(fixed.finish())));
    }
    all
}

fn lists() -> ListArray {
    let mut list = ListBuilder::new(Int32Builder::new());
    list.append_value([Some(1), None, Some(i32::MIN)]);
    list.append_value([]);
    list.append_null();
    list.append_value([None]);
    list.finish()
}

fn structs() -> StructArray {
    let columns: Vec<(Arc<Field>, ArrayRef)> = vec![
        (
            Arc::new(Field::new("n", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)])),
        ),
        (
            Arc::new(Field::new("t", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some(""), None, Some("x"), Some("𝄞")])),
        ),
    ];
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    // The third is NULL though its parts are not.
    StructArray::new(fields.into(), arrays, Some(NullBuffer::from(vec![true, true, false, true])))
}

fn nested() -> Vec<Case> {
    let list = lists();
    let mut large = LargeListBuilder::new(Int32Builder::new());
    large.append_value([Some(1), None]);
    large.append_value([]);
    large.append_null();
    let mut pairs = FixedSizeListBuilder::new(Int32Builder::new(), 2);
    pairs.values().append_slice(&[1, 2]);
    pairs.append(true);
    pairs.values().append_nulls(2);
    pairs.append(false);
    pairs.values().append_option(None);
    pairs.values().append_value(4);
    pairs.append(true);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("");
    map.values().append_null();
    map.append(true).expect("as many keys as values");
    map.append(false).expect("none");
    map.append(true).expect("none");
    let seconds = TimestampSecondArray::from(vec![Some(-1), None]);
    let inner = Arc::new(Field::new("at", seconds.data_type().clone(), true));
    let odd_struct = StructArray::new(vec![inner].into(), vec![Arc::new(seconds)], None);
    let listed = |values: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([1, values.len() - 1, 0]);
        Arc::new(ListArray::new(field, offsets, values, None))
    };
    let views = |to: &DataType| cast(&list, to).expect("a view of lists");
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let took: ArrayRef = Arc::new(DurationSecondArray::from(vec![1, 2]));
    let empty = StructArray::new_empty_fields(2, Some(NullBuffer::from(vec![true, false])));
    vec![
        Case::named("List", Arc::new(list.clone())),
        Case::named("LargeList", Arc::new(large.finish())),
        Case::named("FixedSizeList", Arc::new(pairs.finish())),
        Case::named("ListView", views(&DataType::ListView(Arc::clone(&item)))),
        Case::named("LargeListView", views(&DataType::LargeListView(item))),
        Case::named("List of List", listed(Arc::new(list))),
        Case::named("List of Struct", listed(Arc::new(structs()))),
        Case::named("List of Duration", listed(took)),
        Case::named("Struct", Arc::new(structs())),
        Case::named("Struct of Timestamp(s)", Arc::new(odd_struct)),
        Case::named("Struct without fields", Arc::new(empty)),
        Case::named("Map", Arc::new(map.finish())),
    ]
}

/// A dictionary whose keys and values both have a NULL.
fn dictionary(values: &dyn Array) -> ArrayRef {
    let none = new_null_array(values.data_type(), 1);
    let n = i32::try_from(values.len()).expect("few");
    let values = arrow_select::concat::concat(&[values, &none]).expect("one type");
    let keys = Int32Array::from(vec![Some(0), None, Some(n), Some(n - 1), Some(0)]);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, values))
}

fn dictionaries() -> Vec<Case> {
    let texts = StringArray::from(vec!["a", "", "𝄞"]);
    let text = |to: &DataType| dictionary(&cast(&texts, to).expect("text"));
    let narrow: DictionaryArray<Int8Type> = vec![Some("x"), None, Some("y")].into_iter().collect();
    let wide = DictionaryArray::<UInt64Type>::new(UInt64Array::from(vec![Some(0), None]), Arc::new(texts.clone()));
    let mut fixed = FixedSizeBinaryBuilder::new(4);
    fixed.append_value(b"four").expect("fits");
    let number = Decimal128Array::from(vec![110, -5]).with_precision_and_scale(10, 2).expect("fits");
    let halves = cast(&Float32Array::from(vec![0.5, -2.0]), &DataType::Float16).expect("halves");
    let inner = text(&DataType::Utf8);
    let keys = Int32Array::from(vec![Some(3), Some(0), None, Some(2), Some(1)]);
    let twice = DictionaryArray::<Int32Type>::new(keys, inner);
    vec![
        Case::of(text(&DataType::Utf8)),
        Case::of(Arc::new(narrow)),
        Case::of(Arc::new(wide)),
        Case::of(text(&DataType::LargeUtf8)),
        Case::of(text(&DataType::Utf8View)),
        Case::of(dictionary(&BinaryArray::from(vec![b"".as_slice(), b"\xff"]))),
        Case::of(dictionary(&fixed.finish())),
        Case::of(dictionary(&Int64Array::from(vec![i64::MIN, 7]))),
        Case::of(dictionary(&BooleanArray::from(vec![true, false]))),
        Case::of(dictionary(&halves)),
        Case::of(dictionary(&Float64Array::from(vec![0.1, -1.5]))),
        Case::of(dictionary(&number)),
        Case::of(dictionary(&Date32Array::from(vec![-1, 15_706]))),
        Case::of(dictionary(&TimestampSecondArray::from(vec![-1, 0]))),
        Case::named("Dictionary of List", dictionary(&lists())),
        Case::named("Dictionary of Struct", dictionary(&structs())),
        Case::named("Dictionary of Dictionary", Arc::new(twice)),
    ]
}

fn others() -> Vec<Case> {
    let ends = Int32Array::from(vec![2, 3]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &StringArray::from(vec![Some("a"), None])).expect("two runs");
    let fields = arrow_schema::UnionFields::from_fields(vec![
        Field::new("n", DataType::Int32, true),
        Field::new("t", DataType::Utf8, true),
    ]);
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let ids: arrow_buffer::ScalarBuffer<i8> = vec![0, 1].into();
    let offsets: arrow_buffer::ScalarBuffer<i32> = vec![0, 1].into();
    let union = |offsets| {
        UnionArray::try_new(fields.clone(), ids.clone(), offsets, vec![Arc::clone(&numbers), Arc::clone(&words)])
            .expect("a union")
    };
    vec![
        Case::named("RunEndEncoded", Arc::new(runs)),
        Case::named("Union, sparse", Arc::new(union(None))),
        Case::named("Union, dense", Arc::new(union(Some(offsets)))),
    ]
}

#[test]
fn all_units_and_widths_are_there() {
    let all = cases();
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        for zone in [None, Some("UTC".into())] {
            let wanted = DataType::Timestamp(unit, zone);
            assert!(all.iter().any(|case| *case.usual.data_type() == wanted), "{wanted}");
        }
        assert!(all.iter().any(|case| *case.usual.data_type() == DataType::Duration(unit)), "{unit:?}");
    }
    let mut names: Vec<&str> = all.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len(), "two cases of one name");
}
