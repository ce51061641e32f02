//! The canonical kinds: what a value is, apart from how it is carried.

use arrow_schema::{DataType, TimeUnit};

/// What a column's values are for the tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No value at all.
    Null,
    /// Whole numbers of any width and sign, and booleans as 0 and 1.
    Int,
    /// Decimals, by their value: trailing zeros do not count.
    Decimal,
    /// Floating point as 64 bits, with one NaN and one zero.
    Float,
    /// Days since 1970-01-01.
    Date,
    /// Nanoseconds since midnight.
    Time,
    /// Nanoseconds since 1970-01-01 in UTC.
    Instant,
    /// Nanoseconds since 1970-01-01 on the wall's clock.
    Local,
    /// Nanoseconds.
    Duration,
    /// Months, days and nanoseconds, each by itself.
    Interval,
    /// UTF-8 text, byte by byte.
    Text,
    /// Bytes.
    Bytes,
    /// Lists, structs, maps and unions, item by item.
    Nested,
}

impl Kind {
    /// The kind of an Arrow type.
    #[must_use]
    pub fn of(data_type: &DataType) -> Self {
        use DataType as T;
        match data_type {
            T::Null => Self::Null,
            T::Boolean | T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
                Self::Int
            }
            T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..) => Self::Decimal,
            T::Float16 | T::Float32 | T::Float64 => Self::Float,
            T::Date32 | T::Date64 => Self::Date,
            T::Time32(_) | T::Time64(_) => Self::Time,
            T::Timestamp(_, Some(_)) => Self::Instant,
            T::Timestamp(_, None) => Self::Local,
            T::Duration(_) => Self::Duration,
            T::Interval(_) => Self::Interval,
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Self::Text,
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => Self::Bytes,
            T::Dictionary(_, values) => Self::of(values),
            T::RunEndEncoded(_, values) => Self::of(values.data_type()),
            T::List(_)
            | T::LargeList(_)
            | T::FixedSizeList(..)
            | T::ListView(_)
            | T::LargeListView(_)
            | T::Struct(_)
            | T::Map(..)
            | T::Union(..) => Self::Nested,
        }
    }
}

/// How many nanoseconds one of the unit is.
pub(super) fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}
