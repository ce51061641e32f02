//! The types that are read from their binary form, and what they become.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

use super::{EXTENSION_METADATA, EXTENSION_NAME, Intervals, Node};
use crate::catalogue::{Attribute, Oid, Type};

/// What comes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Scalar(Scalar),
    /// An array of so many dimensions, of items of a type.
    List {
        depth: u32,
        element: Oid,
        item: Box<Node>,
    },
    /// A row of these parts.
    Struct(Vec<(Attribute, Node)>),
}

/// A value that is not made of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    /// Four bytes without sign: oid, xid, cid.
    Uint4,
    Uint8,
    Float4,
    Float8,
    /// A numeric of at most 38 digits.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// One of at most 76.
    WideDecimal {
        precision: u8,
        scale: u8,
    },
    Money,
    Date,
    Time,
    /// Microseconds since 2000, of a clock on the wall or of all clocks.
    Timestamp,
    Interval,
    Text,
    /// Text behind a byte that says 1.
    Versioned,
    /// One byte, which is a character unless it is zero.
    Char,
    Bytes,
    Uuid,
    /// pgvector's `vector`, of so many dimensions or of any number.
    Vector {
        dimensions: Option<i32>,
    },
    HalfVector {
        dimensions: Option<i32>,
    },
    /// What is written out as the server would.
    Rendered(Render),
}

/// Types that become the text that the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Render {
    Numeric,
    TimeTz,
    Interval,
    Inet,
    Cidr,
    Macaddr,
    Macaddr8,
    Bits,
    Lsn,
    Tid,
}

impl Scalar {
    /// Whether there are values that the Arrow type cannot hold.
    pub(crate) fn partial(self) -> bool {
        matches!(self, Self::Decimal { .. } | Self::WideDecimal { .. } | Self::Date | Self::Timestamp | Self::Interval)
    }
}

/// What vectors are made of.
fn number(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, false))
}

/// Types whose binary form is their text.
pub(crate) fn text_like(oid: Oid) -> bool {
    // text, varchar, bpchar, name, json, xml, unknown, refcursor, cstring
    matches!(oid, 25 | 1043 | 1042 | 19 | 114 | 142 | 705 | 1790 | 2275)
}

/// How a type of its own form is carried; none where its binary form is not read.
pub(super) fn scalar(found: &Type, typmod: i32, money_digits: u8, intervals: Intervals) -> Option<Node> {
    use DataType as T;
    use TimeUnit::Microsecond;
    let plain = |scalar: Scalar, data_type: DataType| {
        Some(Node { form: Form::Scalar(scalar), data_type, metadata: HashMap::new() })
    };
    let extension = |scalar: Scalar, data_type: DataType, name: &str| {
        let metadata = [(EXTENSION_NAME, name), (EXTENSION_METADATA, "")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Some(Node { form: Form::Scalar(scalar), data_type, metadata })
    };
    let rendered = |render: Render| plain(Scalar::Rendered(render), T::Utf8);
    match found.oid {
        16 => plain(Scalar::Bool, T::Boolean),
        21 => plain(Scalar::Int2, T::Int16),
        23 => plain(Scalar::Int4, T::Int32),
        20 => plain(Scalar::Int8, T::Int64),
        // oid, xid, cid
        26 | 28 | 29 => plain(Scalar::Uint4, T::UInt32),
        // xid8
        5069 => plain(Scalar::Uint8, T::UInt64),
        700 => plain(Scalar::Float4, T::Float32),
        701 => plain(Scalar::Float8, T::Float64),
        1700 => Some(numeric(typmod)),
        790 => plain(Scalar::Money, T::Decimal128(19, money_digits.min(19).cast_signed())),
        1082 => plain(Scalar::Date, T::Date32),
        1083 => plain(Scalar::Time, T::Time64(Microsecond)),
        1266 => rendered(Render::TimeTz),
        1114 => plain(Scalar::Timestamp, T::Timestamp(Microsecond, None)),
        1184 => plain(Scalar::Timestamp, T::Timestamp(Microsecond, Some(Arc::from("UTC")))),
        1186 => match intervals {
            Intervals::Text => rendered(Render::Interval),
            Intervals::Arrow => plain(Scalar::Interval, T::Interval(IntervalUnit::MonthDayNano)),
        },
        114 => extension(Scalar::Text, T::Utf8, "arrow.json"),
        3802 => extension(Scalar::Versioned, T::Utf8, "arrow.json"),
        // jsonpath
        4072 => plain(Scalar::Versioned, T::Utf8),
        oid if text_like(oid) => plain(Scalar::Text, T::Utf8),
        18 => plain(Scalar::Char, T::Utf8),
        17 => plain(Scalar::Bytes, T::Binary),
        2950 => extension(Scalar::Uuid, T::FixedSizeBinary(16), "arrow.uuid"),
        869 => rendered(Render::Inet),
        650 => rendered(Render::Cidr),
        829 => rendered(Render::Macaddr),
        774 => rendered(Render::Macaddr8),
        1560 | 1562 => rendered(Render::Bits),
        3220 => rendered(Render::Lsn),
        27 => rendered(Render::Tid),
        _ => {
            let (scalar, data_type) = of_an_extension(found, typmod)?;
            plain(scalar, data_type)
        }
    }
}

/// Types of extensions have no number of their own: what sends them tells what they are.
fn of_an_extension(found: &Type, typmod: i32) -> Option<(Scalar, DataType)> {
    use DataType as T;
    let dimensions = (typmod > 0).then_some(typmod);
    let vector = |item: DataType| match dimensions {
        Some(count) => T::FixedSizeList(number(item), count),
        None => T::List(number(item)),
    };
    Some(match (found.name.as_str(), found.send.as_deref()?) {
        ("citext", "citextsend") => (Scalar::Text, T::Utf8),
        ("ltree", "ltree_send") | ("lquery", "lquery_send") | ("ltxtquery", "ltxtq_send") => {
            (Scalar::Versioned, T::Utf8)
        }
        // EWKB, as PostGIS takes it back.
        ("geometry", "geometry_send") | ("geography", "geography_send") => (Scalar::Bytes, T::Binary),
        ("vector", "vector_send") => (Scalar::Vector { dimensions }, vector(T::Float32)),
        ("halfvec", "halfvec_send") => (Scalar::HalfVector { dimensions }, vector(T::Float16)),
        _ => return None,
    })
}

/// A decimal where every value is one, else text.
fn numeric(typmod: i32) -> Node {
    let (scalar, data_type) = decimal(typmod).unwrap_or((Scalar::Rendered(Render::Numeric), DataType::Utf8));
    Node { form: Form::Scalar(scalar), data_type, metadata: HashMap::new() }
}

fn decimal(typmod: i32) -> Option<(Scalar, DataType)> {
    let (precision, scale) = precision_and_scale(typmod)?;
    // A scale below zero stands for zeros before the point, which are written out; one above the precision for zeros
    // behind it.
    let digits = precision + (-scale).max(0);
    let scale = u8::try_from(scale.max(0)).ok()?;
    let precision = u8::try_from(digits).ok()?.max(scale);
    match precision {
        1..=38 => Some((Scalar::Decimal { precision, scale }, DataType::Decimal128(precision, scale.cast_signed()))),
        39..=76 => {
            Some((Scalar::WideDecimal { precision, scale }, DataType::Decimal256(precision, scale.cast_signed())))
        }
        _ => None,
    }
}

/// What `numeric(p,s)` was declared with.
pub(crate) fn precision_and_scale(typmod: i32) -> Option<(i32, i32)> {
    let bits = typmod.checked_sub(4).filter(|_| typmod >= 4)?;
    // Eleven bits with a sign since version 15; before, all scales were from 0 to 1000.
    let scale = ((bits & 0x7FF) ^ 0x400) - 0x400;
    Some((bits >> 16 & 0xFFFF, scale))
}

/// Lists within lists, one for each dimension.
pub(super) fn list(of: Node, element: Oid, depth: u32) -> Node {
    let mut data_type = DataType::List(Arc::new(of.field("item", true)));
    for _ in 1..depth {
        data_type = DataType::List(Arc::new(Field::new("item", data_type, true)));
    }
    Node { form: Form::List { depth, element, item: Box::new(of) }, data_type, metadata: HashMap::new() }
}

pub(super) fn structure(parts: Vec<(Attribute, Node)>) -> Node {
    let fields = parts.iter().map(|(part, node)| node.field(&part.name, true));
    let data_type = DataType::Struct(fields.collect());
    Node { form: Form::Struct(parts), data_type, metadata: HashMap::new() }
}
