//! Every family of types: its values by chance, spelled as the server takes them, and what the server is asked to show.

use crate::seeded::Chance;

/// A type, and how to make and to show its values.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    /// What it is called in this test.
    pub(crate) name: &'static str,
    /// As it is declared.
    pub(crate) declared: &'static str,
    /// Makes a value.
    pub(crate) make: fn(&mut Chance) -> String,
    /// What the server shows; `{}` is the column. By default the column itself.
    pub(crate) shown: &'static str,
    /// Values that have been trouble to somebody.
    pub(crate) known: &'static [&'static str],
    /// Whether its binary form is neither read nor written.
    pub(crate) by_its_text: bool,
}

const DAYS: &str = "{} - date '1970-01-01'";
/// Times within are told as numbers; a row of NULLs is not NULL.
const PLACE: &str = "CASE WHEN {} IS DISTINCT FROM NULL THEN
  ROW(({}).x, ({}).label, (extract(epoch FROM ({}).at) * 1000000)::int8, ({}).price, ({}).tags, ({}).\"Odd name\")::text END";
const MICROS: &str = "(extract(epoch FROM {}) * 1000000)::int8";
/// The epoch of a timestamp at the end of its range is rounded by the server; those of its date and its time are not.
const MOMENT: &str =
    "(({}::date - date '1970-01-01')::numeric * 86400000000 + extract(epoch FROM {}::time) * 1000000)::int8";

/// What must be there before a table of all families can be.
pub(crate) const BEFORE: &str = "
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE EXTENSION IF NOT EXISTS cube;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy', 'it''s \"fine\"', 'null');
CREATE DOMAIN positive AS int4 CHECK (VALUE > 0);
CREATE DOMAIN cents AS numeric(12,2);
CREATE DOMAIN small_cents AS cents CHECK (VALUE < 1000);
CREATE TYPE place AS (x int4, label text, at timestamp, price numeric(10,2), tags text[], \"Odd name\" uuid);
CREATE TYPE inner_row AS (n int8, p place);
CREATE TYPE with_range AS (r int4range, n int4);
";

macro_rules! family {
    ($name:literal, $declared:literal, $make:expr, $shown:expr, $known:expr) => {
        Family { name: $name, declared: $declared, make: $make, shown: $shown, known: $known, by_its_text: false }
    };
    ($name:literal, $declared:literal, $make:expr, $known:expr) => {
        family!($name, $declared, $make, "{}", $known)
    };
    ($name:literal, $declared:literal, $make:expr) => {
        family!($name, $declared, $make, "{}", &[])
    };
}

/// All of them.
pub(crate) fn families() -> Vec<Family> {
    let mut all = numbers();
    all.extend(decimals());
    all.extend(times());
    all.extend(texts());
    all.extend(networks());
    all.extend(nested());
    all.extend(by_their_text().into_iter().map(|family| Family { by_its_text: true, ..family }));
    all
}

fn numbers() -> Vec<Family> {
    vec![
        family!("bool", "boolean", |c| c.of(&["t", "f"]).to_string()),
        family!("int2", "smallint", |c| signed(c, 15), &["-32768", "32767", "0"]),
        family!("int4", "integer", |c| signed(c, 31), &["-2147483648", "2147483647"]),
        family!("int8", "bigint", |c| signed(c, 63), &["-9223372036854775808", "9223372036854775807"]),
        family!("oid", "oid", |c| c.sized(32).to_string(), &["4294967295"]),
        family!("xid", "xid", |c| c.sized(32).to_string()),
        family!("cid", "cid", |c| c.sized(32).to_string()),
        family!("xid8", "xid8", |c| c.sized(64).to_string(), &["18446744073709551615"]),
        family!(
            "float4",
            "real",
            float4,
            &["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "1.1754944e-38"]
        ),
        family!(
            "float8",
            "double precision",
            float8,
            &["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1", "1e23"]
        ),
        family!(
            "money",
            "money",
            |c| format!("{}.{:02}", signed(c, 50), c.below(100)),
            "{}::numeric",
            &["-92233720368547758.08", "92233720368547758.07", "0", "-0.01"]
        ),
        family!("lsn", "pg_lsn", |c| format!("{:X}/{:X}", c.sized(32), c.sized(32)), &["0/0", "FFFFFFFF/FFFFFFFF"]),
        family!("tid", "tid", |c| format!("({},{})", c.sized(32), c.sized(16)), &["(4294967295,65535)"]),
        family!(
            "char1",
            "\"char\"",
            |c| char::from(u8::try_from(c.between(32, 126)).expect("ASCII")).to_string(),
            &[""]
        ),
    ]
}

fn decimals() -> Vec<Family> {
    vec![
        family!(
            "numeric",
            "numeric",
            |c| digits(c, 40, 40),
            &[
                "NaN",
                "Infinity",
                "-Infinity",
                "0",
                "0.0",
                "0.000",
                "-0.1",
                "1.10",
                "10000",
                "100000000",
                "0.0001",
                "0.00001",
                "9999.9999",
                "10000.0001",
                "1000000000000000000000000000000",
                "123456789.000000001",
                "1e-100",
                "1e100",
                "12345678901234567890123456789012345678901234567890.1234567890"
            ]
        ),
        family!("numeric_wide", "numeric(1000,500)", |c| digits(c, 499, 500), &["NaN", "1e499", "1e-500"]),
        family!(
            "numeric_15_2",
            "numeric(15,2)",
            |c| digits(c, 13, 2),
            &[
                "9999999999999.99",
                "-9999999999999.99",
                "0.01",
                "-0.01",
                "0.1",
                "1",
                "100",
                "10000",
                "100000000",
                "1000000000000",
                "0"
            ]
        ),
        family!("numeric_9_0", "numeric(9)", |c| digits(c, 9, 0), &["999999999", "-999999999"]),
        family!("numeric_18_4", "numeric(18,4)", |c| digits(c, 14, 4), &["0.0001", "99999999999999.9999"]),
        family!("numeric_5_5", "numeric(5,5)", |c| digits(c, 0, 5), &["0.99999", "0.00001"]),
        family!("numeric_38_10", "numeric(38,10)", |c| digits(c, 28, 10), &["9999999999999999999999999999.9999999999"]),
        family!(
            "numeric_38_0",
            "numeric(38,0)",
            |c| digits(c, 38, 0),
            &["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"]
        ),
        family!(
            "numeric_76_38",
            "numeric(76,38)",
            |c| digits(c, 38, 38),
            &["99999999999999999999999999999999999999.99999999999999999999999999999999999999"]
        ),
        family!("numeric_76_3", "numeric(76,3)", |c| digits(c, 73, 3)),
        family!("numeric_3_m2", "numeric(3,-2)", |c| format!("{}00", signed(c, 9)), &["99900", "-99900", "0"]),
        family!("numeric_3_7", "numeric(3,7)", |c| format!("0.0000{:03}", c.below(1000)), &["0.0000999", "-0.0000001"]),
        family!("numeric_30_m20", "numeric(30,-20)", |c| format!("{}e20", signed(c, 50))),
    ]
}

fn times() -> Vec<Family> {
    vec![
        family!(
            "date",
            "date",
            date,
            DAYS,
            &[
                "1970-01-01",
                "2000-01-01",
                "1999-12-31",
                "0001-01-01",
                "0001-12-31 BC",
                "4714-11-24 BC",
                "5874897-12-31",
                "1900-02-28",
                "2000-02-29"
            ]
        ),
        family!("time", "time", time, MICROS, &["00:00", "24:00", "23:59:59.999999", "00:00:00.000001"]),
        family!("time_3", "time(3)", time, MICROS, &["24:00", "23:59:59.9994"]),
        family!(
            "timetz",
            "time with time zone",
            |c| format!("{}{}", time(c), zone(c)),
            &[
                "00:00+00",
                "24:00-15:59",
                "12:00+05:45",
                "12:00:00.1+01:02:03",
                "23:59:59.999999-15:59:59",
                "00:00+15:59:59"
            ]
        ),
        family!(
            "timestamp",
            "timestamp",
            |c| format!("{} {}", when(c), time(c)),
            MOMENT,
            &[
                "1970-01-01",
                "2000-01-01",
                "1969-12-31 23:59:59.999999",
                "4714-11-24 00:00:00 BC",
                "0001-01-01 00:00:00 BC",
                "294247-01-10 04:00:54.775807"
            ]
        ),
        family!(
            "timestamp_0",
            "timestamp(0)",
            |c| format!("{} {}", when(c), time(c)),
            MOMENT,
            &["1999-12-31 23:59:59.6"]
        ),
        family!(
            "timestamptz",
            "timestamp with time zone",
            |c| format!("{} {}{}", when(c), time(c), zone(c)),
            MOMENT,
            &["1970-01-01 00:00+00", "4714-11-24 00:00:00+00 BC", "294247-01-10 04:00:54.775807+00"]
        ),
        family!(
            "interval",
            "interval",
            interval,
            &[
                "0",
                "1 year",
                "-1 year",
                "14 months",
                "-14 months",
                "1 mon -1 day",
                "-1 day +00:00:01",
                "1 day -00:00:00.000001",
                "178000000 years",
                "2147483647 days",
                "2562047788:00:54.775807",
                "-2562047788:00:54.775807",
                "-1 year -2 mons +3 days -04:05:06",
                "1 year 2 mons 3 days 04:05:06.789",
                "-00:00:00.1",
                "100:00:00"
            ]
        ),
    ]
}

fn texts() -> Vec<Family> {
    vec![
        family!(
            "text",
            "text",
            |c| text(c, 30),
            &["", " ", "\t", "\\", "null", "NULL", "\u{1F600}", "e\u{301}", "line\nline\r\n", "\u{1}\u{7f}"]
        ),
        family!("long_text", "text", |c| text(c, 3000)),
        family!("varchar", "character varying(12)", |c| text(c, 12), &["", "            "]),
        family!("char", "character(7)", |c| text(c, 7), &["", "a", "abcdefg", "\u{1F600}"]),
        family!("char_1", "character(1)", |c| c.of(&["A", "N", "R", "\u{e9}", ""]).to_string()),
        family!("name", "name", |c| text(c, 15), &["", "a name"]),
        family!("citext", "citext", |c| text(c, 20), &["", "MiXed"]),
        family!("mood", "mood", |c| c.of(&["sad", "ok", "very happy", "it's \"fine\"", "null"]).to_string()),
        family!("bytea", "bytea", |c| hex(c, 40), &["\\x", "\\x00", "\\xdeadbeef"]),
        family!(
            "uuid",
            "uuid",
            |c| format!("{:016x}{:016x}", c.next(), c.next()),
            &["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
        ),
        family!(
            "json",
            "json",
            json,
            &["{}", "  [1, 2]  ", "\"\"", "null", "{\"a\":1,\"a\":2}", "1e400", "\"\\u0000\""]
        ),
        family!("jsonb", "jsonb", json, &["{}", "{\"b\":1,\"aa\":2}", "1.10", "-0", "\"\\u00e9\""]),
        family!(
            "jsonpath",
            "jsonpath",
            |c| format!("$.a[{}] ? (@ > {})", c.below(9), c.below(99)),
            &["$", "strict $.x"]
        ),
        family!(
            "xml",
            "xml",
            |c| format!("<a b=\"{}\">{}</a>", c.below(10), words(c)),
            &[
                "",
                "plain",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
                "<?xml version=\"1.1\" standalone=\"yes\"?><a/>"
            ]
        ),
        family!("ltree", "ltree", |c| format!("a{}.b{}.c_{}", c.below(9), c.below(9), c.below(9)), &["", "Top"]),
    ]
}

fn networks() -> Vec<Family> {
    vec![
        family!(
            "inet",
            "inet",
            |c| inet(c, false),
            &[
                "0.0.0.0",
                "255.255.255.255/0",
                "::",
                "::1",
                "::/0",
                "::ffff:1.2.3.4",
                "::1.2.3.4",
                "1::",
                "1:0:0:2::",
                "2001:db8::1/64"
            ]
        ),
        family!(
            "cidr",
            "cidr",
            |c| inet(c, true),
            &["0.0.0.0/0", "10.0.0.0/8", "::/0", "::1/128", "::ffff:1.2.3.4/128", "2001:db8::/32"]
        ),
        family!("macaddr", "macaddr", |c| mac(c, 6), &["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]),
        family!("macaddr8", "macaddr8", |c| mac(c, 8)),
        family!("bit", "bit(11)", |c| bits(c, 11)),
        family!("bit_64", "bit(64)", |c| bits(c, 64)),
        family!(
            "varbit",
            "bit varying",
            |c| {
                let n = c.below(70);
                bits(c, n)
            },
            &["", "1", "00000000", "000000001"]
        ),
    ]
}

fn nested() -> Vec<Family> {
    vec![
        family!("ints", "integer[]", |c| array(c, |c| signed(c, 31)), &["{}", "{NULL}", "{NULL,NULL,1}"]),
        family!(
            "texts",
            "text[]",
            |c| array(c, |c| quoted(&text(c, 12))),
            &["{}", "{\"\"}", "{null,\"null\",\"NULL\"}", "{\"a,b\",\"{\",\"\\\\\",\"\\\"\"}"]
        ),
        family!("numerics", "numeric(10,3)[]", |c| array(c, |c| digits(c, 7, 3))),
        family!("free_numerics", "numeric[]", |c| array(c, |c| digits(c, 20, 20)), &["{NaN,Infinity,1e50}"]),
        family!("bools", "boolean[]", |c| array(c, |c| c.of(&["t", "f"]).to_string())),
        family!("moods", "mood[]", |c| array(c, |c| quoted(if c.one_in(2) { "sad" } else { "very happy" }))),
        family!("uuids", "uuid[]", |c| array(c, |c| format!("{:016x}{:016x}", c.next(), c.next()))),
        family!("byteas", "bytea[]", |c| array(c, |c| quoted(&hex(c, 9)))),
        family!("inets", "inet[]", |c| array(c, |c| inet(c, false))),
        family!("jsonbs", "jsonb[]", |c| array(c, |c| quoted(&json(c)))),
        family!("grid", "integer[][]", |c| grid(c, false), &["{}", "{{1}}", "{{1,2},{3,NULL}}"]),
        family!("cube3", "text[][][]", |c| grid(c, true), &["{{{a,b},{c,d}}}"]),
        family!("positive", "positive", |c| (c.sized(30) + 1).to_string()),
        family!("small_cents", "small_cents", |c| format!("{}.{:02}", c.below(999), c.below(100))),
        family!("positives", "positive[]", |c| array(c, |c| (c.sized(30) + 1).to_string())),
        family!("place", "place", |c| place(c), PLACE, &["(,,,,,)", "(1,\"\",2000-01-01,1.10,{},)"]),
        family!(
            "places",
            "place[]",
            |c| array(c, |c| quoted(&place_without_time(c))),
            &["{}", "{NULL}", "{\"(,,,,,)\",NULL}"]
        ),
        family!(
            "inner_row",
            "inner_row",
            |c| format!("({},{})", signed(c, 40), quoted_in_row(&place_without_time(c))),
            &["(,)", "(1,)"]
        ),
    ]
}

fn by_their_text() -> Vec<Family> {
    vec![
        family!("int4range", "int4range", |c| range(c), &["empty", "(,)", "[1,)", "(,5]"]),
        family!("numrange", "numrange", |c| range(c)),
        family!(
            "tsrange",
            "tsrange",
            |c| format!("[2000-01-01 {},2001-01-01 {})", time(c), time(c)),
            &["empty", "[infinity,infinity]"]
        ),
        family!("multirange", "int4multirange", |c| format!("{{{},[200000,200001)}}", range(c)), &["{}"]),
        family!("ranges", "int4range[]", |c| array(c, |c| quoted(&range(c)))),
        family!("with_range", "with_range", |c| format!("({},{})", quoted_in_row(&range(c)), c.below(9))),
        family!(
            "hstore",
            "hstore",
            |c| format!("{}=>{},\"k 2\"=>NULL", quoted(&words(c)), quoted(&text(c, 9))),
            &["", "a=>1"]
        ),
        family!(
            "tsvector",
            "tsvector",
            |c| format!("{}:1A,3 {}", c.of(&["fat", "cat"]), c.of(&["rat", "'a b'"])),
            &["", "'x':1,2B"]
        ),
        family!("tsquery", "tsquery", |c| format!("{} & !{}", c.of(&["fat", "cat"]), c.of(&["rat", "dog"]))),
        family!("point", "point", |c| format!("({},{})", float8(c), float8(c)), &["(NaN,Infinity)"]),
        family!("box", "box", |c| format!("({},1),(2,{})", c.below(9), c.below(9))),
        family!("path", "path", |c| format!("[({},0),(1,1)]", c.below(9)), &["((0,0),(1,1))"]),
        family!("circle", "circle", |c| format!("<(1,2),{}>", c.below(9))),
        family!("cube", "cube", |c| format!("({}, 2),(3, {})", c.below(9), c.below(9)), &["(0)"]),
        family!("regclass", "regclass", |c| c.of(&["pg_class", "pg_type"]).to_string(), &["0"]),
        family!("int2vector", "int2vector", |c| format!("{} {}", c.below(9), c.below(9)), &[""]),
        family!("boxes", "box[]", |c| format!("{{({},1),(0,0);(2,2),(1,1)}}", c.below(9)), "{}::text[]", &[]),
        family!("snapshot", "pg_snapshot", |c| {
            let n = c.below(1000) + 1;
            format!("{n}:{}:", n + c.below(9))
        }),
    ]
}

fn signed(c: &mut Chance, bits: u32) -> String {
    let sign = if c.one_in(2) { "-" } else { "" };
    format!("{sign}{}", c.sized(bits))
}

fn float4(c: &mut Chance) -> String {
    let bits = u32::try_from(c.next() >> 32).expect("32 bits");
    finite(&format!("{:e}", f32::from_bits(bits)))
}

fn float8(c: &mut Chance) -> String {
    finite(&format!("{:e}", f64::from_bits(c.next())))
}

fn finite(text: &str) -> String {
    if text.contains("inf") || text.contains("NaN") { "0.5".to_owned() } else { text.to_owned() }
}

/// A number of up to so many digits before and behind the point; long ones and short ones as often.
fn digits(c: &mut Chance, before: u64, behind: u64) -> String {
    let run = |c: &mut Chance, most: u64| -> String {
        let count = c.below(most + 1);
        // Zeros and nines in runs are where digits of base 10,000 go wrong.
        let kind = c.below(6);
        (0..count)
            .map(|_| match kind {
                0 => '0',
                1 => '9',
                _ => char::from(b'0' + u8::try_from(c.below(10)).expect("a digit")),
            })
            .collect()
    };
    let sign = if c.one_in(2) { "-" } else { "" };
    let (whole, fraction) = (run(c, before), run(c, behind));
    if fraction.is_empty() { format!("{sign}0{whole}") } else { format!("{sign}0{whole}.{fraction}") }
}

fn date(c: &mut Chance) -> String {
    let year = if c.one_in(3) { 1 + c.below(5_000_000) } else { 1 + c.below(2100) };
    let bc = if year <= 4713 && c.one_in(5) { " BC" } else { "" };
    format!("{year:04}-{:02}-{:02}{bc}", 1 + c.below(12), 1 + c.below(28))
}

/// A date that a timestamp can hold.
fn when(c: &mut Chance) -> String {
    let year = if c.one_in(3) { 1 + c.below(290_000) } else { 1900 + c.below(200) };
    format!("{year:04}-{:02}-{:02}", 1 + c.below(12), 1 + c.below(28))
}

fn time(c: &mut Chance) -> String {
    let seconds = format!("{:02}:{:02}:{:02}", c.below(24), c.below(60), c.below(60));
    if c.one_in(2) { seconds } else { format!("{seconds}.{:06}", c.below(1_000_000)) }
}

fn zone(c: &mut Chance) -> String {
    let sign = if c.one_in(2) { '-' } else { '+' };
    let hours = c.below(15);
    match c.below(3) {
        0 => format!("{sign}{hours:02}"),
        1 => format!("{sign}{hours:02}:{:02}", c.below(60)),
        _ => format!("{sign}{hours:02}:{:02}:{:02}", c.below(60), c.below(60)),
    }
}

fn interval(c: &mut Chance) -> String {
    let mut parts = Vec::new();
    if c.one_in(2) {
        parts.push(format!("{} mons", signed(c, 30)));
    }
    if c.one_in(2) {
        parts.push(format!("{} days", signed(c, 31)));
    }
    if c.one_in(2) || parts.is_empty() {
        parts.push(format!("{} microseconds", signed(c, 53)));
    }
    parts.join(" ")
}

fn text(c: &mut Chance, most: u64) -> String {
    const ODD: [char; 16] =
        ['\t', '\n', '\\', '"', '\'', ',', '{', '}', '(', ')', ' ', '\u{e9}', '\u{20ac}', '\u{1F600}', '\u{1}', ';'];
    let odd = c.one_in(3);
    (0..c.below(most + 1))
        .map(|_| {
            if odd && c.one_in(3) { *c.of(&ODD) } else { char::from(u8::try_from(c.between(97, 122)).expect("ASCII")) }
        })
        .collect()
}

fn words(c: &mut Chance) -> String {
    (0..=c.below(4)).map(|_| *c.of(&["ant", "bee", "cat", "dog"])).collect::<Vec<_>>().join(" ")
}

fn hex(c: &mut Chance, most: u64) -> String {
    let digits: Vec<String> = (0..c.below(most + 1)).map(|_| format!("{:02x}", c.below(256))).collect();
    format!("\\x{}", digits.concat())
}

fn json(c: &mut Chance) -> String {
    match c.below(5) {
        0 => signed(c, 60),
        1 => format!("{{\"k{}\": [1, null, true, {}]}}", c.below(9), signed(c, 30)),
        2 => format!("\"{}\"", words(c)),
        3 => format!("[{}, {{\"a\": {{\"b\": {}.{}}}}}]", c.below(99), signed(c, 64), c.below(1000)),
        _ => "null".to_owned(),
    }
}

fn inet(c: &mut Chance, net: bool) -> String {
    if c.one_in(2) {
        let bits = c.below(33);
        let address = u32::try_from(c.next() >> 32).expect("32 bits");
        let address = if net {
            u32::try_from(u64::from(address) >> (32 - bits) << (32 - bits)).expect("32 bits")
        } else {
            address
        };
        return format!("{}/{bits}", std::net::Ipv4Addr::from(address));
    }
    let bits = c.below(129);
    let words: [u16; 8] =
        std::array::from_fn(|_| if c.one_in(2) { 0 } else { u16::try_from(c.sized(16)).expect("16 bits") });
    let mut address = u128::from(std::net::Ipv6Addr::from(words));
    if net {
        let spare = u32::try_from(128 - bits).expect("small");
        address = address.unbounded_shr(spare).unbounded_shl(spare);
    }
    format!("{}/{bits}", std::net::Ipv6Addr::from(address))
}

fn mac(c: &mut Chance, count: u64) -> String {
    (0..count).map(|_| format!("{:02x}", c.below(256))).collect::<Vec<_>>().join(":")
}

fn bits(c: &mut Chance, count: u64) -> String {
    (0..count).map(|_| *c.of(&['0', '1'])).collect()
}

fn array(c: &mut Chance, item: fn(&mut Chance) -> String) -> String {
    let items: Vec<String> = (0..c.below(6)).map(|_| if c.one_in(5) { "NULL".to_owned() } else { item(c) }).collect();
    format!("{{{}}}", items.join(","))
}

fn grid(c: &mut Chance, deeper: bool) -> String {
    let (rows, columns) = (1 + c.below(3), 1 + c.below(3));
    let list = |items: Vec<String>| format!("{{{}}}", items.join(","));
    let row = |c: &mut Chance| {
        list((0..columns).map(|_| if c.one_in(4) { "NULL".to_owned() } else { c.below(99).to_string() }).collect())
    };
    if deeper {
        list((0..2).map(|_| list((0..rows).map(|_| row(c)).collect())).collect())
    } else {
        list((0..rows).map(|_| row(c)).collect())
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn quoted_in_row(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
}

fn place(c: &mut Chance) -> String {
    format!(
        "({},{},{} {},{},{},{:016x}{:016x})",
        signed(c, 30),
        quoted_in_row(&text(c, 9)),
        when(c),
        time(c),
        digits(c, 8, 2),
        quoted_in_row(&array(c, |c| quoted(&text(c, 5)))),
        c.next(),
        c.next()
    )
}

/// As the server would show it, so that no time is in it that the test would have to show.
fn place_without_time(c: &mut Chance) -> String {
    format!(
        "({},{},,{}.{:02},{},)",
        c.sized(20),
        quoted_in_row(&text(c, 9)),
        c.below(1000),
        c.below(100),
        quoted_in_row(&array(c, |c| quoted(&text(c, 5))))
    )
}

fn range(c: &mut Chance) -> String {
    let from = c.below(1000);
    format!("[{from},{})", from + c.below(1000))
}
