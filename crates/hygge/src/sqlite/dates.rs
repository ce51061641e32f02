//! Dates and times as ISO 8601 text, exact in both directions.

/// Nanoseconds of a day.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// A moment as text gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Days since 1970-01-01.
    pub(crate) days: i64,
    /// Nanoseconds since midnight.
    pub(crate) ns: i64,
    /// Seconds east of UTC, where the text says so.
    pub(crate) zone: Option<i32>,
}

impl Moment {
    /// Units since 1970-01-01, each of `1 / per_second` of a second; none if that is not exact or does not fit.
    pub(crate) fn units(self, per_second: i64) -> Option<i64> {
        let ns_per_unit = 1_000_000_000 / per_second;
        if self.ns % ns_per_unit != 0 {
            return None;
        }
        let zone = i128::from(self.zone.unwrap_or(0)) * i128::from(per_second);
        let whole = i128::from(self.days) * 86_400 * i128::from(per_second) + i128::from(self.ns / ns_per_unit) - zone;
        i64::try_from(whole).ok()
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let mut n = 0_i64;
    for &c in text {
        if !c.is_ascii_digit() {
            return None;
        }
        n = n * 10 + i64::from(c - b'0');
    }
    (!text.is_empty()).then_some(n)
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// Splits `YYYY-MM-DD` (or a sign and up to 12 digits of a year beyond those) off the front.
fn date_part(text: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, body, widest) = match text.first()? {
        b'+' => (false, &text[1..], 12),
        b'-' => (true, &text[1..], 12),
        _ => (false, text, 4),
    };
    let width = body.iter().position(|&c| c == b'-')?;
    if width < 4 || width > widest {
        return None;
    }
    let rest = body.get(width..width + 6)?;
    if rest[3] != b'-' {
        return None;
    }
    let year = digits(&body[..width])?;
    let year = if negative { -year } else { year };
    let (month, day) = (digits(&rest[1..3])?, digits(&rest[4..6])?);
    Some((checked_days(year, month, day)?, &body[width + 6..]))
}

/// Days since 1970-01-01, where there is such a day.
fn checked_days(year: i64, month: i64, day: i64) -> Option<i64> {
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (1..=longest).contains(&day).then(|| days_from_civil(year, month, day))
}

/// Splits `HH:MM[:SS[.fraction]]` off the front, the fraction of at most nine digits.
fn time_part(text: &[u8]) -> Option<(i64, &[u8])> {
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let (hour, minute) = (digits(&text[..2])?, digits(&text[3..5])?);
    let (mut second, mut ns, mut rest) = (0, 0, &text[5..]);
    if let Some(after) = rest.strip_prefix(b":") {
        second = digits(after.get(..2)?)?;
        rest = &after[2..];
        if let Some(fraction) = rest.strip_prefix(b".") {
            let width = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
            // Zeros beyond the ninth digit say nothing more.
            let told = fraction[..width].iter().rposition(|&c| c != b'0').map_or(0, |last| last + 1);
            if width == 0 || told > 9 {
                return None;
            }
            ns = digits(&fraction[..told]).unwrap_or(0) * 10_i64.pow(9 - u32::try_from(told).ok()?);
            rest = &fraction[width..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((((hour * 60 + minute) * 60 + second) * 1_000_000_000 + ns, rest))
}

/// `Z`, `+01:00`, `+0100` or `+01`, in seconds.
fn zone_part(text: &[u8]) -> Option<i32> {
    let (sign, body) = match text.first()? {
        b'Z' | b'z' if text.len() == 1 => return Some(0),
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match body.len() {
        2 => (digits(body)?, 0),
        4 => (digits(&body[..2])?, digits(&body[2..])?),
        5 if body[2] == b':' => (digits(&body[..2])?, digits(&body[3..])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| sign * i32::try_from(hours * 3600 + minutes * 60).unwrap_or(0))
}

/// Days since 1970-01-01.
pub(crate) fn parse_date(text: &[u8]) -> Option<i64> {
    // The usual form, without a branch a digit.
    if let Ok(text) = <&[u8; 10]>::try_from(text)
        && text[4] == b'-'
        && text[7] == b'-'
    {
        let digit = text.map(|c| c.wrapping_sub(b'0'));
        if [0, 1, 2, 3, 5, 6, 8, 9].iter().all(|&i: &usize| digit[i] < 10) {
            let two = |i: usize| i64::from(digit[i]) * 10 + i64::from(digit[i + 1]);
            return checked_days(two(0) * 100 + two(2), two(5), two(8));
        }
    }
    match date_part(text)? {
        (days, []) => Some(days),
        _ => None,
    }
}

/// Nanoseconds since midnight.
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    match time_part(text)? {
        (ns, []) => Some(ns),
        _ => None,
    }
}

/// A date, or a date and a time parted by `T` or one space, maybe with a zone.
pub(crate) fn parse_moment(text: &[u8]) -> Option<Moment> {
    let (days, rest) = date_part(text)?;
    if rest.is_empty() {
        return Some(Moment { days, ns: 0, zone: None });
    }
    let (ns, rest) = time_part(rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let zone = if rest.is_empty() { None } else { Some(zone_part(rest)?) };
    Some(Moment { days, ns, zone })
}

fn two(out: &mut String, n: i64) {
    out.push(char::from(b'0' + u8::try_from(n / 10 % 10).unwrap_or(0)));
    out.push(char::from(b'0' + u8::try_from(n % 10).unwrap_or(0)));
}

/// Writes `YYYY-MM-DD`.
pub(crate) fn push_date(out: &mut String, days: i64) {
    use std::fmt::Write as _;
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        two(out, year / 100);
        two(out, year % 100);
    } else {
        // A sign marks a year that the four digits cannot hold.
        let _ = write!(out, "{year:+05}");
    }
    out.push('-');
    two(out, month);
    out.push('-');
    two(out, day);
}

/// Writes `HH:MM:SS` and as many digits of the fraction as it takes.
pub(crate) fn push_time(out: &mut String, ns: i64) {
    let seconds = ns / 1_000_000_000;
    two(out, seconds / 3600);
    out.push(':');
    two(out, seconds / 60 % 60);
    out.push(':');
    two(out, seconds % 60);
    let mut fraction = ns % 1_000_000_000;
    if fraction != 0 {
        out.push('.');
        let mut scale = 100_000_000;
        while fraction != 0 {
            out.push(char::from(b'0' + u8::try_from(fraction / scale).unwrap_or(0)));
            fraction %= scale;
            scale /= 10;
        }
    }
}

/// Writes date and time of `units` since 1970-01-01, each of `1 / per_second` of a second.
pub(crate) fn push_moment(out: &mut String, units: i64, per_second: i64) {
    let per_day = 86_400 * per_second;
    push_date(out, units.div_euclid(per_day));
    out.push(' ');
    push_time(out, units.rem_euclid(per_day) * (1_000_000_000 / per_second));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_read_as_iso_says() {
        assert_eq!(parse_date(b"1970-01-01"), Some(0));
        assert_eq!(parse_date(b"2000-02-29"), Some(11_016));
        for wrong in
            ["1900-02-29", "2013-13-01", "2013-1-01", "2013-01-32", "13-01-01", "2013-01-01 ", "0000-00-00", ""]
        {
            assert_eq!(parse_date(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_time(b"23:59:59.5"), Some(DAY_NS - 500_000_000));
        for wrong in ["24:00:00", "12:60:00", "12:00:60", "5:00:00", "12:00:00.", "12:00:00.1234567891"] {
            assert_eq!(parse_time(wrong.as_bytes()), None, "{wrong}");
        }
        let at = |text: &str, per: i64| parse_moment(text.as_bytes()).and_then(|m| m.units(per));
        assert_eq!(at("1970-01-01 00:00:01", 1), Some(1));
        assert_eq!(at("1970-01-01T00:00:01.000001", 1_000_000), Some(1_000_001));
        assert_eq!(at("1970-01-01T00:00:01.0000001", 1_000_000), None, "never truncated");
        assert_eq!(at("1970-01-01T00:00:01.1000000000000", 1_000_000), Some(1_100_000));
        assert_eq!(at("1970-01-01 01:00+01:00", 1), Some(0));
        assert_eq!(parse_moment(b"2013-01-01T05:00:00Z").and_then(|m| m.zone), Some(0));
        assert_eq!(parse_moment(b"2013-01-01").map(|m| (m.ns, m.zone)), Some((0, None)));
        for wrong in ["2013-01-01  05:00:00", "2013-01-01X05:00", "2013-01-01 05:00 Oslo", "now"] {
            assert_eq!(parse_moment(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn dates_come_back(days in any::<i32>()) {
            let mut text = String::new();
            push_date(&mut text, i64::from(days));
            prop_assert_eq!(parse_date(text.as_bytes()), Some(i64::from(days)), "{}", text);
        }

        #[test]
        fn moments_come_back(units in any::<i64>(), unit in 0_u32..4) {
            let per = 1000_i64.pow(unit);
            let units = if per == 1 { units / 1_000_000 } else { units };
            let mut text = String::new();
            push_moment(&mut text, units, per);
            prop_assert_eq!(parse_moment(text.as_bytes()).and_then(|m| m.units(per)), Some(units), "{}", text);
        }

        #[test]
        fn times_sort_as_their_texts_do(a in 0..DAY_NS, b in 0..DAY_NS) {
            let text = |ns| { let mut s = String::new(); push_time(&mut s, ns); s.push_str("+00:00"); s };
            prop_assert_eq!(a.cmp(&b), text(a).cmp(&text(b)));
        }
    }
}
