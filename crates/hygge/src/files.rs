//! Files: where bytes lie (listing, pinning, staging, publishing) apart from what they mean (formats).

pub mod format;
pub mod listing;
pub mod paths;
pub mod platform;
pub mod settled;
