//! Neighbouring parts of files into splits of about equal size.

use hygge_core::home::ReadRequest;
use hygge_core::split::Split;
use hygge_core::{Error, Result};
use serde::Serialize;

/// Splits are not made smaller than this only to be more.
const SMALL_SPLIT: u64 = 16 << 20;

/// About how large splits should be, where all that is read has `total` bytes.
#[must_use]
pub fn split_size(total: u64, request: &ReadRequest) -> u64 {
    let readers = request.readers.max(1) as u64;
    total.div_ceil(readers).max(SMALL_SPLIT).min(request.split_bytes.max(1))
}

/// Neighbours together up to a size.
pub fn chunks<'a, T>(units: impl Iterator<Item = &'a T>, size: u64, bytes: impl Fn(&T) -> u64) -> Vec<Vec<&'a T>> {
    let mut out: Vec<Vec<&T>> = Vec::new();
    let mut held = 0_u64;
    for unit in units {
        let more = bytes(unit);
        match out.last_mut() {
            Some(chunk) if held.saturating_add(more) <= size => {
                chunk.push(unit);
                held += more;
            }
            _ => {
                out.push(vec![unit]);
                held = more;
            }
        }
    }
    out
}

/// A split that reads `payload`.
///
/// # Errors
/// If there are too many.
pub fn split(
    ordinal: usize,
    label: String,
    payload: &impl Serialize,
    rows: Option<u64>,
    bytes: u64,
    window: bool,
) -> Result<Split> {
    let payload =
        serde_json::to_value(payload).map_err(|e| Error::bug("a split could not be written as JSON").because(e))?;
    let ordinal = u32::try_from(ordinal).map_err(|e| Error::failed("there are too many splits").because(e))?;
    Ok(Split { ordinal, label, payload, rows, bytes: Some(bytes), window })
}
