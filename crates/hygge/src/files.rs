//! Files: where bytes lie (listing, pinning, staging, publishing) apart from what they mean (formats).

pub mod arrow;
pub mod buffer;
pub mod cell;
pub mod codec;
pub mod csv;
pub mod durable;
pub(crate) mod exactly;
pub mod format;
pub mod hive;
pub mod home;
pub mod json;
pub mod listing;
pub mod packing;
pub mod parquet;
pub(crate) mod part;
pub mod paths;
pub(crate) mod pieces;
pub mod pinned;
pub mod place;
pub mod platform;
pub mod positioned;
pub(crate) mod scratch;
pub mod settled;
pub mod web;
