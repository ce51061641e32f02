//! Files: where bytes lie (listing, pinning, staging, publishing) apart from what they mean (formats).

pub mod format;
