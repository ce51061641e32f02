//! PostgreSQL's `COPY` in its binary format, there and back: bytes in, Arrow batches out; batches in, bytes out.
//!
//! Nothing here knows a connection. Whoever has one asks the server for its types ([`Catalogue::query`]), settles what the
//! columns become ([`ReadPlan`]), selects them by [`ReadPlan::select_list`] and hands what comes to a [`Decoder`]; or
//! settles how columns go into those of a table ([`WritePlan`]) and sends what an [`Encoder`] makes.

mod catalogue;
mod decode;
mod encode;
mod error;
mod numeric;
mod parse;
mod plan;

pub use catalogue::{Attribute, Catalogue, Oid, SETTINGS, Shape, Type};
pub use decode::{Decoder, Limits, Stop};
pub use encode::{Encoder, Format, Rows, Target, WritePlan, declarations};
pub use error::{Error, ErrorKind, Result};
pub use plan::{BASE_KEY, Column, Intervals, LABELS_KEY, Planned, ReadPlan, Source, TYPE_KEY, Unfit, quoted};
