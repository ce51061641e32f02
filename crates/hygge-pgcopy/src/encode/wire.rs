//! What a column of a table takes on the wire, with the conditions that its declaration adds.

use std::collections::HashSet;

use crate::catalogue::{Attribute, Catalogue, Oid, Shape, Type};
use crate::plan::precision_and_scale;

/// How deep types may lie within types.
const DEPTH_LIMIT: u32 = 60;

/// A type, as it is to be sent.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Bool,
    Int2,
    Int4,
    Int8,
    /// oid, xid, cid
    Uint4,
    /// xid8
    Uint8,
    Float4,
    Float8,
    Numeric(Option<Digits>),
    /// With so many decimals.
    Money(u8),
    Date,
    /// With so many decimals of a second at most.
    Time(u32),
    TimeTz(u32),
    Timestamp {
        zoned: bool,
        decimals: u32,
    },
    Interval(Span),
    Text(Length),
    Enum(HashSet<String>),
    Json,
    Xml,
    /// Text behind a byte that says 1.
    Versioned,
    /// One byte.
    Char,
    Bytes,
    Uuid,
    /// pgvector's, of so many dimensions or of any number.
    Vector(Option<i32>),
    HalfVector(Option<i32>),
    Inet {
        cidr: bool,
    },
    Macaddr,
    Macaddr8,
    /// Of so many bits, or of up to so many.
    Bits {
        exactly: bool,
        count: Option<i32>,
    },
    Lsn,
    Tid,
    Array {
        element: Oid,
        item: Box<Wire>,
        /// What stands between items in its text.
        delimiter: u8,
    },
    Row(Vec<(Attribute, Wire)>),
    /// Its binary form is not written here; it takes text.
    Foreign,
}

/// What `numeric(p,s)` takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits {
    pub(crate) precision: i32,
    pub(crate) scale: i32,
}

/// How long a text may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    Any,
    /// So many characters at most.
    Most(usize),
    /// So many, neither more nor fewer: the server would pad it.
    Exactly(usize),
    /// So many bytes at most.
    Bytes(usize),
}

/// What an interval may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Whole ones of these, in months, days and microseconds; what is below them is none.
    pub(crate) lowest: Lowest,
    /// Decimals of a second at most.
    pub(crate) decimals: u32,
}

/// The smallest field of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lowest {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Wire {
    /// What a type takes; none if the server told nothing of it, or it is no type of values.
    pub(crate) fn of(catalogue: &Catalogue, oid: Oid, typmod: i32) -> Option<Self> {
        of(catalogue, oid, typmod, 0)
    }

    /// Whether it or a part of it is one that is found.
    pub(crate) fn any(&self, found: &impl Fn(&Self) -> bool) -> bool {
        found(self)
            || match self {
                Self::Array { item, .. } => item.any(found),
                Self::Row(parts) => parts.iter().any(|(_, part)| part.any(found)),
                _ => false,
            }
    }
}

fn of(catalogue: &Catalogue, oid: Oid, typmod: i32, depth: u32) -> Option<Wire> {
    let found = catalogue.get(oid).filter(|_| depth <= DEPTH_LIMIT)?;
    Some(match &found.shape {
        Shape::Base => base(found, typmod, catalogue.money_digits()),
        Shape::Enum { labels } => Wire::Enum(labels.iter().cloned().collect()),
        Shape::Range => Wire::Foreign,
        Shape::Domain { base, typmod, .. } => of(catalogue, *base, *typmod, depth + 1)?,
        Shape::Pseudo => return None,
        Shape::Array { element, delimiter } => Wire::Array {
            element: *element,
            item: Box::new(of(catalogue, *element, typmod, depth + 1)?),
            delimiter: u8::try_from(*delimiter).unwrap_or(b','),
        },
        Shape::Composite { attributes } => {
            let mut parts = Vec::with_capacity(attributes.len());
            for part in attributes {
                parts.push((part.clone(), of(catalogue, part.type_oid, part.typmod, depth + 1)?));
            }
            Wire::Row(parts)
        }
    })
}

fn base(found: &Type, typmod: i32, money_digits: u8) -> Wire {
    let positive = (typmod > 0).then_some(typmod);
    // Lengths are told with four bytes that every value once had in front.
    let characters = usize::try_from(typmod - 4).ok().filter(|_| typmod >= 4);
    let decimals = u32::try_from(typmod).map_or(6, |digits| digits.min(6));
    match found.oid {
        16 => Wire::Bool,
        21 => Wire::Int2,
        23 => Wire::Int4,
        20 => Wire::Int8,
        26 | 28 | 29 => Wire::Uint4,
        5069 => Wire::Uint8,
        700 => Wire::Float4,
        701 => Wire::Float8,
        1700 => Wire::Numeric(precision_and_scale(typmod).map(|(precision, scale)| Digits { precision, scale })),
        790 => Wire::Money(money_digits),
        1082 => Wire::Date,
        1083 => Wire::Time(decimals),
        1266 => Wire::TimeTz(decimals),
        1114 => Wire::Timestamp { zoned: false, decimals },
        1184 => Wire::Timestamp { zoned: true, decimals },
        1186 => Wire::Interval(span(typmod)),
        114 => Wire::Json,
        142 => Wire::Xml,
        // jsonb, jsonpath
        3802 | 4072 => Wire::Versioned,
        25 | 1790 => Wire::Text(Length::Any),
        1043 => Wire::Text(characters.map_or(Length::Any, Length::Most)),
        1042 => Wire::Text(characters.map_or(Length::Any, Length::Exactly)),
        19 => Wire::Text(Length::Bytes(63)),
        18 => Wire::Char,
        17 => Wire::Bytes,
        2950 => Wire::Uuid,
        869 => Wire::Inet { cidr: false },
        650 => Wire::Inet { cidr: true },
        829 => Wire::Macaddr,
        774 => Wire::Macaddr8,
        1560 => Wire::Bits { exactly: true, count: positive },
        1562 => Wire::Bits { exactly: false, count: positive },
        3220 => Wire::Lsn,
        27 => Wire::Tid,
        _ => match (found.name.as_str(), found.send.as_deref()) {
            ("citext", Some("citextsend")) => Wire::Text(Length::Any),
            ("ltree", Some("ltree_send")) | ("lquery", Some("lquery_send")) | ("ltxtquery", Some("ltxtq_send")) => {
                Wire::Versioned
            }
            ("geometry", Some("geometry_send")) | ("geography", Some("geography_send")) => Wire::Bytes,
            ("vector", Some("vector_send")) => Wire::Vector(positive),
            ("halfvec", Some("halfvec_send")) => Wire::HalfVector(positive),
            _ => Wire::Foreign,
        },
    }
}

/// What `interval day to second (3)` and its like take.
fn span(typmod: i32) -> Span {
    if typmod < 0 {
        return Span { lowest: Lowest::Second, decimals: 6 };
    }
    let (fields, decimals) = (typmod >> 16 & 0x7FFF, typmod & 0xFFFF);
    let has = |bit: i32| fields & 1 << bit != 0;
    let lowest = match () {
        () if has(12) => Lowest::Second,
        () if has(11) => Lowest::Minute,
        () if has(10) => Lowest::Hour,
        () if has(3) => Lowest::Day,
        () if has(1) => Lowest::Month,
        () if has(2) => Lowest::Year,
        () => Lowest::Second,
    };
    Span { lowest, decimals: decimals.unsigned_abs().min(6) }
}
