//! A watermark less its lookback, in the same form as the watermark.

use hygge_core::{Error, Result};

use super::Class;
use crate::homes::lookback;
use crate::sqlite::dates::{DAY_NS, parse_moment, push_date, push_time};

/// `upper` less `lookback`.
pub(super) fn below(upper: &str, class: Class, lookback: &str) -> Result<String> {
    match class {
        Class::Number => number(upper, lookback.trim()),
        Class::Text => text(upper, lookback.trim()),
    }
}

fn number(upper: &str, lookback: &str) -> Result<String> {
    if let (Ok(upper), Ok(less)) = (upper.parse::<i64>(), lookback.parse::<i64>())
        && less >= 0
    {
        return Ok(upper.saturating_sub(less).to_string());
    }
    match (upper.parse::<f64>(), lookback.parse::<f64>()) {
        (Ok(upper), Ok(less)) if less >= 0.0 && less.is_finite() => Ok(format!("{:?}", upper - less)),
        _ => Err(Error::refused(format!("`lookback: {lookback}` cannot be taken from a number"))
            .next("give it in the unit of the column, as in `lookback: 1000`")),
    }
}

fn text(upper: &str, lookback: &str) -> Result<String> {
    let Some(moment) = parse_moment(upper.as_bytes()) else {
        return Err(Error::refused("a lookback needs a number, a date or a time, and the watermark is other text")
            .next("leave `lookback:` out, or choose another column for `watermark:`"));
    };
    let first = upper.find([' ', 'T']);
    let Some(first) = first else {
        let mut out = String::new();
        push_date(&mut out, moment.days.saturating_sub(lookback::days(lookback)?));
        return Ok(out);
    };
    // The same form again, so that texts go on sorting as times do: separator, digits of the fraction, zone.
    let separator = &upper[first..=first];
    let clock = &upper[first + 1..];
    let clock_end = clock.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(clock_end);
    let total = i128::from(moment.days) * i128::from(DAY_NS) + i128::from(moment.ns) - lookback::nanoseconds(lookback)?;
    let days = i64::try_from(total.div_euclid(i128::from(DAY_NS))).unwrap_or(i64::MIN);
    let ns = i64::try_from(total.rem_euclid(i128::from(DAY_NS))).unwrap_or(0);
    let mut out = String::new();
    push_date(&mut out, days);
    out.push_str(separator);
    let at = out.len();
    push_time(&mut out, ns);
    // push_time leaves out zeros at the end of the fraction, and always writes seconds.
    if clock.len() == 5 {
        out.truncate(at + 5);
    } else if let Some(point) = clock.find('.') {
        if out.len() - at == 8 {
            out.push('.');
        }
        while out.len() - at < point + (clock.len() - point) {
            out.push('0');
        }
    }
    out.push_str(zone);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_watermark_is_kept() {
        let below =
            |upper: &str, class, lookback: &str| below(upper, class, lookback).map_err(|e| e.found().to_owned());
        assert_eq!(below("100", Class::Number, "10"), Ok("90".into()));
        assert_eq!(below("1.5", Class::Number, "1"), Ok("0.5".into()));
        for (upper, lookback, low) in [
            ("2013-03-01", "1d", "2013-02-28"),
            ("2013-01-01 01:00:00", "2h", "2012-12-31 23:00:00"),
            ("2013-01-01T01:00:00.500", "2h", "2012-12-31T23:00:00.500"),
            ("2013-01-01T01:00:00.000Z", "90s", "2013-01-01T00:58:30.000Z"),
            ("2013-01-01 01:00+02:00", "15m", "2013-01-01 00:45+02:00"),
            ("2013-01-08 00:00:00", "1w", "2013-01-01 00:00:00"),
            ("2013-01-01 02:00:00", "1h30m", "2013-01-01 00:30:00"),
        ] {
            assert_eq!(below(upper, Class::Text, lookback), Ok(low.into()), "{upper} - {lookback}");
        }
        assert!(below("100", Class::Number, "2h").is_err());
        assert!(below("2013-01-01", Class::Text, "2h").is_err());
        assert!(below("abc", Class::Text, "2h").is_err());
        assert!(below("2013-01-01", Class::Text, "10").is_err());
    }
}
