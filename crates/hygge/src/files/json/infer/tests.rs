use super::*;

fn seen(values: &[&str]) -> Seen {
    let mut seen = Seen::default();
    for value in values {
        let text = format!("{value} ");
        assert_eq!(seen.look::<false>(text.as_bytes(), 0, 1, &mut 0), Ok(value.len()), "{value}");
    }
    seen
}

fn told(values: &[&str]) -> Told {
    seen(values).told(Telling::default())
}

#[test]
fn a_place_gets_the_type_that_keeps_every_value() {
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for (values, wanted) in [
        (vec!["1", "-2", "null"], DataType::Int64),
        (vec!["9223372036854775807"], DataType::Int64),
        (vec!["9223372036854775808", "1"], DataType::UInt64),
        (vec!["18446744073709551615"], DataType::UInt64),
        (vec!["9223372036854775808", "-1"], DataType::Decimal128(38, 0)),
        (vec!["18446744073709551616"], DataType::Decimal128(38, 0)),
        (vec!["-9223372036854775809"], DataType::Decimal128(38, 0)),
        (vec!["0", "0.25"], DataType::Float64),
        (vec!["9007199254740992", "0.5"], DataType::Float64),
        (vec!["1e5"], DataType::Float64),
        (vec!["-0"], DataType::Float64),
        (vec!["1.10", "\"NaN\"", "\"-Infinity\""], DataType::Float64),
        (vec!["\"NaN\""], DataType::Utf8),
        (vec!["true", "false"], DataType::Boolean),
        (vec!["\"2013-01-01\""], DataType::Date32),
        (vec!["\"2013-02-30\""], DataType::Utf8),
        (vec!["\"2013-01-01\"", "\"2013-01-01 05:00:00\""], DataType::Utf8),
        (vec!["\"2013-01-01 05:00:00\"", "\"2013-01-01T05:00\""], local),
        (vec!["\"2013-01-01T05:00:00Z\"", "\"2013-01-01T05:00:00.5+02:00\""], instant),
        (vec!["\"2013-01-01T05:00:00Z\"", "\"2013-01-01T05:00:00\""], DataType::Utf8),
        (vec!["\"2013-01-01T05:00:00.123456789\""], DataType::Utf8),
        (vec!["\"\"", "\"2013-01-01\""], DataType::Utf8),
        (vec!["\"\\u0032013-01-01\""], DataType::Utf8),
    ] {
        assert_eq!(told(&values), Told { data_type: wanted, form: Form::Values, why: vec![] }, "{values:?}");
    }
}

#[test]
fn what_no_type_keeps_is_the_json_of_each_value() {
    let digits = "1".repeat(39);
    for (values, why) in [
        (vec!["9007199254740993", "0.5"], Why::Inexact),
        (vec!["1e400"], Why::Inexact),
        (vec!["3.14159265358979323846"], Why::Inexact),
        (vec![digits.as_str()], Why::Inexact),
        (vec!["1", "\"1\""], Why::Mixed),
        (vec!["true", "1"], Why::Mixed),
        (vec!["{\"a\":1}", "1"], Why::Mixed),
        (vec!["[1]", "{}"], Why::Mixed),
        (vec!["{}", "null"], Why::NoKeys),
    ] {
        let wanted = Told { data_type: DataType::Utf8, form: Form::Json, why: vec![(String::new(), why)] };
        assert_eq!(told(&values), wanted, "{values:?}");
    }
    assert_eq!(told(&["null"]).why, [(String::new(), Why::Empty)]);
}

#[test]
fn objects_and_lists_are_joined() {
    let found = told(&["{\"b\":1,\"a\":[]}", "{\"a\":[{\"x\":1}],\"c\":null}", "{\"a\":[null,{\"x\":\"t\"}]}"]);
    assert_eq!(found.data_type.to_string(), "Struct(\"b\": Int64, \"a\": List(Struct(\"x\": Utf8)), \"c\": Utf8)");
    let json = Form::Nested(vec![Form::Nested(vec![Form::Json])]);
    assert_eq!(found.form, Form::Nested(vec![Form::Values, json, Form::Values]));
    assert_eq!(found.why, [(".a[].x".to_owned(), Why::Mixed), (".c".to_owned(), Why::Empty)]);
    let text = seen(&["{\"a\":1}"]).told(Telling { nested_as_text: true });
    assert_eq!((text.form, text.why), (Form::Json, vec![]));
}

#[test]
fn keys_that_are_data_are_no_columns() {
    let object = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(","));
    assert_eq!(told(&[&object(MOST_KEYS)]).why, []);
    assert_eq!(told(&[&object(MOST_KEYS + 1)]).why, [(String::new(), Why::ManyKeys)]);
    let deep = format!("{}1{}", "[".repeat(TYPED_DEPTH + 1), "]".repeat(TYPED_DEPTH + 1));
    assert_eq!(told(&[&deep]).why, [("[]".repeat(TYPED_DEPTH), Why::Deep)]);
}

#[test]
fn a_column_goes_on_being_what_it_was_where_the_new_values_fit() {
    let fits = |values: &[&str], data_type: &DataType| seen(values).fits(data_type, &Form::Values);
    assert!(fits(&["1"], &DataType::Float64) && fits(&["1"], &DataType::UInt64) && !fits(&["-1"], &DataType::UInt64));
    assert!(!fits(&["1"], &DataType::Utf8) && fits(&["\"2013-01-01\""], &DataType::Utf8));
    assert!(fits(&["null"], &DataType::Date32) && !fits(&["0.5"], &DataType::Int64));
    assert!(!fits(&["9007199254740993"], &DataType::Float64));
    assert!(seen(&["1", "\"a\""]).fits(&DataType::Utf8, &Form::Json));
    let of = |text: &str| seen(&[text]).told(Telling::default()).data_type;
    assert!(fits(&["{\"a\":1}"], &of("{\"b\":\"x\",\"a\":0.5}")) && !fits(&["{\"c\":1}"], &of("{\"a\":1}")));
    assert!(fits(&["[1]", "[]"], &of("[0.5]")) && !fits(&["[\"a\"]"], &of("[1]")));
}
