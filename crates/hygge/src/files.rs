//! Files: where bytes lie (listing, pinning, staging, publishing) apart from what they mean (formats).

pub mod arrow;
pub mod cell;
pub mod codec;
pub mod csv;
pub mod durable;
pub(crate) mod exactly;
pub mod format;
pub mod json;
pub mod listing;
pub mod packing;
pub mod parquet;
pub(crate) mod part;
pub mod paths;
pub mod place;
pub mod platform;
pub mod positioned;
pub mod settled;
