//! Neighbouring parts of files into splits of about equal size.

use hygge_core::home::ReadRequest;
use hygge_core::split::{Split, how_many};
use hygge_core::{Error, Result};
use serde::Serialize;

/// Neighbours together, in parts of about equal size.
pub fn chunks<'a, T>(units: Vec<&'a T>, request: &ReadRequest, bytes: impl Fn(&T) -> u64) -> Vec<Vec<&'a T>> {
    let total = units.iter().fold(0_u64, |sum, unit| sum.saturating_add(bytes(unit)));
    let n = how_many(total, request.readers, request.split_bytes);
    let mut out: Vec<Vec<&T>> = Vec::new();
    let (mut before, mut last) = (0_u64, None);
    for unit in units {
        // Each goes where its middle lies.
        let middle = u128::from(before) + u128::from(bytes(unit) / 2);
        let at = middle * u128::from(n) / u128::from(total.max(1));
        before = before.saturating_add(bytes(unit));
        match out.last_mut() {
            Some(chunk) if last == Some(at) => chunk.push(unit),
            _ => out.push(vec![unit]),
        }
        last = Some(at);
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
