//! One strategy for each column, chosen once.

use arrow_array::ArrayRef;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer};

use super::bytes::{Bytes, Plain, Uuids, Versioned};
use super::cells::Cells;
use super::decimal::{Decimals, WideDecimals};
use super::fixed::{Booleans, Fixed};
use super::nested::{Lists, Structs};
use super::render::{Bits, Characters, Inet, IntervalText, Lsn, Macaddr, Macaddr8, NumericText, Rendered, Tid, TimeTz};
use super::times;
use super::vector::Vectors;
use crate::error::{Fit, Misfit};
use crate::plan::{Form, Node, Render, Scalar};

/// Gathers the values of one column.
pub(super) trait Column: Send {
    /// Takes the cells of a block. What is wrong comes with the row within the block.
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)>;

    /// Gives the values, and begins anew.
    fn finish(&mut self) -> Result<ArrayRef, Late>;

    /// How many values became NULL because the type cannot hold them.
    fn replaced(&self) -> u64;
}

/// What is found wrong when a column ends.
#[derive(Debug)]
pub(super) enum Late {
    /// A row of the batch, counted from 0.
    Row(usize, Misfit),
    /// Anything else.
    Whole(String),
}

/// The rows without a value.
#[derive(Debug)]
pub(super) struct Nulls {
    rows: Vec<u32>,
    /// Whether a value that the type cannot hold becomes NULL.
    lenient: bool,
    replaced: u64,
}

impl Nulls {
    pub(super) fn new(lenient: bool) -> Self {
        Self { rows: Vec::new(), lenient, replaced: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, row: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "a column has at most 2^31 values")]
        self.rows.push(row as u32);
    }

    /// Settles a value that does not fit.
    pub(super) fn settle(&mut self, row: usize, misfit: Misfit) -> Fit<()> {
        match misfit {
            Misfit::Unfit(_) if self.lenient => {
                self.replaced += 1;
                self.push(row);
                Ok(())
            }
            misfit => Err(misfit),
        }
    }

    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Gives the validity of so many rows, and begins anew.
    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.rows.is_empty() {
            return None;
        }
        let mut valid = BooleanBufferBuilder::new(rows);
        valid.append_n(rows, true);
        for row in self.rows.drain(..) {
            valid.set_bit(row as usize, false);
        }
        let valid: BooleanBuffer = valid.finish();
        Some(NullBuffer::new(valid))
    }
}

/// The strategy for a type.
pub(super) fn column(node: &Node, lenient: bool) -> Box<dyn Column> {
    let data_type = &node.data_type;
    match &node.form {
        Form::Scalar(scalar) => of_scalar(*scalar, node, lenient),
        Form::List { depth, element, item } => {
            Box::new(Lists::new(data_type, *depth, *element, column(item, lenient), lenient))
        }
        Form::Struct(parts) => Box::new(Structs::new(data_type, parts, lenient)),
    }
}

fn of_scalar(scalar: Scalar, node: &Node, lenient: bool) -> Box<dyn Column> {
    let data_type = &node.data_type;
    macro_rules! fixed {
        ($t:ty, $convert:expr) => {
            Box::new(Fixed::<$t, _, _>::new(data_type, lenient, $convert))
        };
    }
    match scalar {
        Scalar::Bool => Box::new(Booleans::new(lenient)),
        Scalar::Int2 => fixed!(Int16Type, |v| Ok(i16::from_be_bytes(v))),
        Scalar::Int4 => fixed!(Int32Type, |v| Ok(i32::from_be_bytes(v))),
        Scalar::Int8 => fixed!(Int64Type, |v| Ok(i64::from_be_bytes(v))),
        Scalar::Uint4 => fixed!(UInt32Type, |v| Ok(u32::from_be_bytes(v))),
        Scalar::Uint8 => fixed!(UInt64Type, |v| Ok(u64::from_be_bytes(v))),
        Scalar::Float4 => fixed!(Float32Type, |v| Ok(f32::from_be_bytes(v))),
        Scalar::Float8 => fixed!(Float64Type, |v| Ok(f64::from_be_bytes(v))),
        Scalar::Money => fixed!(Decimal128Type, |v| Ok(i128::from(i64::from_be_bytes(v)))),
        Scalar::Date => fixed!(Date32Type, times::date),
        Scalar::Time => fixed!(Time64MicrosecondType, times::time),
        Scalar::Timestamp => fixed!(TimestampMicrosecondType, times::timestamp),
        Scalar::Interval => fixed!(IntervalMonthDayNanoType, times::interval),
        Scalar::Decimal { precision, scale } => Box::new(Decimals::new(precision, scale, lenient)),
        Scalar::WideDecimal { precision, scale } => Box::new(WideDecimals::new(precision, scale, lenient)),
        Scalar::Text => Box::new(Bytes::<Plain>::text(lenient)),
        Scalar::Versioned => Box::new(Bytes::<Versioned>::text(lenient)),
        Scalar::Bytes => Box::new(Bytes::<Plain>::binary(lenient)),
        Scalar::Uuid => Box::new(Uuids::new(lenient)),
        Scalar::Char => Box::new(Rendered::<Characters>::new(lenient)),
        Scalar::Vector { dimensions } => Box::new(Vectors::<Float32Type>::new(data_type, dimensions, lenient)),
        Scalar::HalfVector { dimensions } => {
            Box::new(Vectors::<arrow_array::types::Float16Type>::new(data_type, dimensions, lenient))
        }
        Scalar::Rendered(render) => match render {
            Render::Numeric => Box::new(Rendered::<NumericText>::new(lenient)),
            Render::TimeTz => Box::new(Rendered::<TimeTz>::new(lenient)),
            Render::Interval => Box::new(Rendered::<IntervalText>::new(lenient)),
            Render::Inet => Box::new(Rendered::<Inet<false>>::new(lenient)),
            Render::Cidr => Box::new(Rendered::<Inet<true>>::new(lenient)),
            Render::Macaddr => Box::new(Rendered::<Macaddr>::new(lenient)),
            Render::Macaddr8 => Box::new(Rendered::<Macaddr8>::new(lenient)),
            Render::Bits => Box::new(Rendered::<Bits>::new(lenient)),
            Render::Lsn => Box::new(Rendered::<Lsn>::new(lenient)),
            Render::Tid => Box::new(Rendered::<Tid>::new(lenient)),
        },
    }
}
