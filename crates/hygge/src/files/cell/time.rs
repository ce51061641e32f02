//! Dates, times of day and moments.

#[inline]
fn two(text: &[u8], at: usize) -> Option<u32> {
    let (a, b) = (text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0'));
    (a <= 9 && b <= 9).then(|| u32::from(a) * 10 + u32::from(b))
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
#[inline]
#[must_use]
pub fn date(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (two(text, 0)? * 100 + two(text, 2)?, two(text, 5)?, two(text, 8)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    (1..=longest).contains(&day).then(|| days(year, month, day))
}

/// Days since 1970-01-01, counting in years that begin in March.
#[inline]
fn days(year: u32, month: u32, day: u32) -> i32 {
    let shifted = year + 400 - u32::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_ages = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year;
    // 400 years of 146,097 days were added above, and 0000-03-01 is 719,468 days before 1970-01-01.
    day_of_ages.cast_signed() - 146_097 - 719_468
}

/// Nanoseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f`, with one to nine digits of fraction.
#[inline]
#[must_use]
pub fn time_of_day(text: &[u8]) -> Option<i64> {
    let (hour, minute) = (two(text, 0)?, two(text, 3)?);
    if text[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let minutes = i64::from(hour * 60 + minute);
    if text.len() == 5 {
        return Some(minutes * 60_000_000_000);
    }
    let second = two(text, 6)?;
    if text[5] != b':' || second > 59 {
        return None;
    }
    let seconds = (minutes * 60 + i64::from(second)) * 1_000_000_000;
    if text.len() == 8 {
        return Some(seconds);
    }
    let fraction = &text[9..];
    if text[8] != b'.' || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let mut n = 0;
    for &b in fraction {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + i64::from(digit);
    }
    for _ in fraction.len()..9 {
        n *= 10;
    }
    Some(seconds + n)
}

/// A moment as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Whole seconds since 1970-01-01, rounded down: in UTC where there is an offset, on the wall's clock elsewhere.
    pub seconds: i64,
    /// Nanoseconds more.
    pub nanos: u32,
    /// Whether it was written with `Z` or an offset from UTC.
    pub zoned: bool,
}

impl Moment {
    /// How many units have passed since 1970-01-01, where that is a whole number of 64 bits.
    #[inline]
    #[must_use]
    pub fn in_units(&self, per_second: i64) -> Option<i64> {
        let nanos_each = 1_000_000_000 / per_second;
        let nanos = i64::from(self.nanos);
        if nanos % nanos_each != 0 {
            return None;
        }
        // Going up first would pass the range of 64 bits where a moment before 1970 just fits.
        let (seconds, units) = match self.seconds {
            s if s < 0 && nanos > 0 => (s + 1, nanos / nanos_each - per_second),
            s => (s, nanos / nanos_each),
        };
        seconds.checked_mul(per_second)?.checked_add(units)
    }
}

/// A date and a time of day parted by `T` or a space, with `Z` or an offset (`+02`, `+0200`, `+02:00`) or without.
#[inline]
#[must_use]
pub fn moment(text: &[u8]) -> Option<Moment> {
    let (day, rest) = text.split_at_checked(10)?;
    let (&parting, rest) = rest.split_first()?;
    if !matches!(parting, b'T' | b' ') {
        return None;
    }
    let (clock, offset) = match rest.iter().position(|b| matches!(b, b'Z' | b'+' | b'-')) {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let time = time_of_day(clock)?;
    let local = i64::from(date(day)?) * 86_400 + time / 1_000_000_000;
    let nanos = u32::try_from(time % 1_000_000_000).ok()?;
    let Some(offset) = offset else { return Some(Moment { seconds: local, nanos, zoned: false }) };
    let (sign, digits) = offset.split_first()?;
    let minutes = match (sign, digits.len()) {
        (b'Z', 0) => 0,
        (b'+' | b'-', 2) => two(digits, 0)? * 60,
        (b'+' | b'-', 4) => two(digits, 0)? * 60 + below_60(two(digits, 2)?)?,
        (b'+' | b'-', 5) if digits[2] == b':' => two(digits, 0)? * 60 + below_60(two(digits, 3)?)?,
        _ => return None,
    };
    if minutes >= 24 * 60 {
        return None;
    }
    let east = i64::from(minutes) * 60;
    Some(Moment { seconds: if *sign == b'-' { local + east } else { local - east }, nanos, zoned: true })
}

fn below_60(n: u32) -> Option<u32> {
    (n < 60).then_some(n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_and_times() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"0000-01-01"), Some(-719_528));
        assert_eq!(date(b"9999-12-31"), Some(2_932_896));
        assert_eq!(date(b"2000-02-29"), Some(11_016));
        for text in [
            "1900-02-29",
            "2001-02-29",
            "2001-13-01",
            "2001-00-01",
            "2001-01-00",
            "2001-04-31",
            "2001-1-1",
            "20010101",
            "01-01-2001",
            "+001-01-01",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        for (text, seconds, nanos, zoned) in [
            ("1970-01-01T00:00:00Z", 0, 0, true),
            ("1970-01-01 00:00:01", 1, 0, false),
            ("1970-01-01 00:01", 60, 0, false),
            ("1970-01-01T02:00:00+02:00", 0, 0, true),
            ("1970-01-01T02:00:00+02", 0, 0, true),
            ("1969-12-31T22:30:00-0130", 0, 0, true),
            ("1970-01-01T00:00:00.5", 0, 500_000_000, false),
            ("1970-01-01T00:00:00.123456789Z", 0, 123_456_789, true),
            ("1969-12-31 23:59:59.999999", -1, 999_999_000, false),
        ] {
            assert_eq!(moment(text.as_bytes()), Some(Moment { seconds, nanos, zoned }), "{text}");
        }
        let units = |text: &str, per_second| moment(text.as_bytes()).unwrap().in_units(per_second);
        assert_eq!(units("1969-12-31 23:59:59.999999", 1_000_000), Some(-1));
        assert_eq!(units("1969-12-31 23:59:59.999999", 1000), None);
        assert_eq!(units("1677-09-21 00:12:43.145224192", 1_000_000_000), Some(i64::MIN));
        assert_eq!(units("1677-09-21 00:12:43.145224191", 1_000_000_000), None);
        assert_eq!(units("2262-04-11 23:47:16.854775807", 1_000_000_000), Some(i64::MAX));
        assert_eq!(units("2262-04-11 23:47:16.854775808", 1_000_000_000), None);
        for text in [
            "1970-01-01",
            "1970-01-01T",
            "1970-01-01T24:00:00",
            "1970-01-01T00:60:00",
            "1970-01-01T00:00:60",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00.1234567890",
            "1970-01-01T00:00:00 Z",
            "1970-01-01T00:00:00z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+01:60",
            "1970-01-01T00:00:00+1",
            "1970-01-01x00:00:00",
            "1970-01-01T0",
            "1970-01-01T00",
            "1970-01-01T00:",
            "1970-01-01T00:00:",
            "1970-01-01T00:00:0",
            "1970-01-01 ü",
        ] {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_agree_with_a_calendar(days in -719_528_i32..2_932_897) {
            let day = chrono::NaiveDate::from_num_days_from_ce_opt(days + 719_163).unwrap();
            prop_assert_eq!(date(day.format("%Y-%m-%d").to_string().as_bytes()), Some(days));
        }
    }
}
