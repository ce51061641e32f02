//! Files: where bytes lie (listing, pinning, staging, publishing) apart from what they mean (formats).

pub mod codec;
pub mod csv;
pub mod durable;
pub mod format;
pub mod listing;
pub mod parquet;
pub mod paths;
pub mod place;
pub mod platform;
pub mod settled;
