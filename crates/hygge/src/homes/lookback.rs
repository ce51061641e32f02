//! How far below a watermark is read again, as it is written.

use hygge_core::{Error, Result};

/// The nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

/// The nanoseconds of a span of time.
///
/// # Errors
/// Refused, if it is none.
pub(super) fn nanoseconds(lookback: &str) -> Result<i128> {
    let span = crate::config::duration(lookback).map_err(|_| {
        Error::refused(format!("`lookback: {lookback}` is no span of time")).next("write it as 90s, 15m, 2h, 3d or 1w")
    })?;
    i128::try_from(span.as_nanos()).map_err(|_| Error::refused(format!("`lookback: {lookback}` is longer than time")))
}

/// The days of a span of time, for columns that hold dates.
///
/// # Errors
/// Refused, if it is none, or is no number of days.
pub(super) fn days(lookback: &str) -> Result<i64> {
    let ns = nanoseconds(lookback)?;
    if ns % DAY != 0 {
        return Err(Error::refused(format!("`lookback: {lookback}` is finer than the column, which holds dates"))
            .next("give it in days, as in `lookback: 1d`"));
    }
    Ok(i64::try_from(ns / DAY).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_what_the_configuration_takes() {
        assert_eq!(nanoseconds("1h30m").ok(), Some(5_400_000_000_000));
        assert_eq!(nanoseconds("250ms").ok(), Some(250_000_000));
        assert_eq!(days("1w").ok(), Some(7));
        assert!(days("36h").is_err() && nanoseconds("10").is_err() && nanoseconds("soon").is_err());
    }
}
