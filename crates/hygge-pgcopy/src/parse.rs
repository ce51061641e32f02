//! From the text of a value to its binary form. What is read here too kindly is found out by whoever compares the text with
//! what the server would show.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{Fit, Misfit};

fn utf8(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// `"char"`: nothing, one character of ASCII, or a byte as three octal digits.
pub(crate) fn char(text: &[u8]) -> Option<u8> {
    match text {
        [] => Some(0),
        [byte @ 1..=127] => Some(*byte),
        [b'\\', digits @ ..] if digits.len() == 3 => {
            u8::from_str_radix(utf8(digits)?, 8).ok().filter(|byte| *byte > 127 && digits[0] != b'+')
        }
        _ => None,
    }
}

/// A uuid as the server writes it.
pub(crate) fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut out = [0; 16];
    let mut at = 0;
    for (index, byte) in out.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = digit(text[at])? << 4 | digit(text[at + 1])?;
        at += 2;
    }
    Some(out)
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

/// Bytes in hexadecimal, with colons between.
pub(crate) fn hexadecimal(count: usize) -> impl Fn(&[u8], &mut Vec<u8>) -> Option<()> {
    move |text, out| {
        let begin = out.len();
        for pair in text.split(|c| *c == b':') {
            let [high, low] = pair else { return None };
            out.push(digit(*high)? << 4 | digit(*low)?);
        }
        (out.len() - begin == count).then_some(())
    }
}

/// A network address, with the bits of its network behind a slash.
pub(crate) fn inet(cidr: bool) -> impl Fn(&[u8], &mut Vec<u8>) -> Option<()> {
    move |text, out| {
        let text = utf8(text)?;
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let (family, whole, bytes) = if address.contains(':') {
            (3, 128, u128::from(address.parse::<Ipv6Addr>().ok()?))
        } else {
            (2, 32, u128::from(u32::from(address.parse::<Ipv4Addr>().ok()?)) << 96)
        };
        let bits = bits.map_or(Some(whole), |bits| bits.parse().ok()).filter(|bits| *bits <= whole)?;
        // A network has nothing behind its bits.
        if cidr && bytes.unbounded_shl(u32::from(bits)) != 0 {
            return None;
        }
        let length = whole / 8;
        out.extend_from_slice(&[family, bits, u8::from(cidr), length]);
        out.extend_from_slice(&bytes.to_be_bytes()[..usize::from(length)]);
        Some(())
    }
}

/// A digit for each bit.
pub(crate) fn bits(exactly: bool, count: Option<i32>) -> impl Fn(&[u8], &mut Vec<u8>) -> Option<()> {
    move |text, out| {
        let length = i32::try_from(text.len()).ok()?;
        if count.is_some_and(|count| length > count || exactly && length != count) {
            return None;
        }
        out.extend_from_slice(&length.to_be_bytes());
        for eight in text.chunks(8) {
            let mut byte = 0;
            for (at, c) in eight.iter().enumerate() {
                byte |= match c {
                    b'0' => 0,
                    b'1' => 0x80 >> at,
                    _ => return None,
                };
            }
            out.push(byte);
        }
        Some(())
    }
}

/// A place in the log.
pub(crate) fn lsn(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (high, low) = utf8(text)?.split_once('/')?;
    let half = |text: &str| u32::from_str_radix(text, 16).ok();
    out.extend_from_slice(&half(high)?.to_be_bytes());
    out.extend_from_slice(&half(low)?.to_be_bytes());
    Some(())
}

/// The place of a row.
pub(crate) fn tid(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (block, line) = utf8(text)?.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    out.extend_from_slice(&block.parse::<u32>().ok()?.to_be_bytes());
    out.extend_from_slice(&line.parse::<u16>().ok()?.to_be_bytes());
    Some(())
}

/// `HH:MM:SS`, with decimals if there are any, in microseconds.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds = parts.next()?;
    if parts.next().is_some() {
        return None;
    }
    let (seconds, decimals) = seconds.split_once('.').unwrap_or((seconds, ""));
    let seconds: i64 = seconds.parse().ok().filter(|seconds| *seconds < 60)?;
    let micros: i64 = if decimals.is_empty() { 0 } else { format!("{decimals:0<6.6}").parse().ok()? };
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?.checked_mul(1_000_000)?.checked_add(micros)
}

/// A time with its distance from UTC.
pub(crate) fn time_tz(decimals: u32) -> impl Fn(&[u8], &mut Vec<u8>) -> Option<()> {
    move |text, out| {
        let text = utf8(text)?;
        let at = text.rfind(['+', '-'])?;
        let (time, zone) = text.split_at(at);
        let time = clock(time).filter(|time| time % 10_i64.pow(6 - decimals.min(6)) == 0)?;
        let mut seconds = 0;
        let mut parts = zone[1..].split(':');
        for unit in [3600, 60, 1] {
            seconds += unit * parts.next().map_or(Some(0), |part| part.parse::<i32>().ok())?;
        }
        let west = if zone.starts_with('-') { seconds } else { -seconds };
        out.extend_from_slice(&time.to_be_bytes());
        out.extend_from_slice(&west.to_be_bytes());
        Some(())
    }
}

/// Months, days and microseconds.
pub(crate) fn interval(text: &[u8]) -> Option<(i32, i32, i64)> {
    match text {
        b"infinity" => return Some((i32::MAX, i32::MAX, i64::MAX)),
        b"-infinity" => return Some((i32::MIN, i32::MIN, i64::MIN)),
        _ => {}
    }
    let (mut months, mut days, mut micros) = (0_i32, 0, 0);
    let mut words = utf8(text)?.split(' ');
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, time) = match word.strip_prefix('-') {
                Some(time) => (-1, time),
                None => (1, word.strip_prefix('+').unwrap_or(word)),
            };
            // The least of all has no counterpart above zero.
            micros = clock(time).map_or_else(|| (text == LEAST).then_some(i64::MIN), |time| Some(sign * time))?;
            return words.next().is_none().then_some((months, days, micros));
        }
        let count: i32 = word.parse().ok()?;
        match words.next()? {
            "year" | "years" => months = months.checked_add(count.checked_mul(12)?)?,
            "mon" | "mons" => months = months.checked_add(count)?,
            "day" | "days" => days = count,
            _ => return None,
        }
    }
    Some((months, days, micros))
}

/// The least count of microseconds, as the server shows it.
const LEAST: &[u8] = b"-2562047788:00:54.775808";

/// Refuses XML that says it is encoded in another way than UTF-8, which it is: the server would take it at its word.
pub(crate) fn xml(text: &[u8]) -> Fit<()> {
    let Some(rest) = text.strip_prefix(b"<?xml") else { return Ok(()) };
    let end = rest.windows(2).position(|pair| pair == b"?>").unwrap_or(rest.len());
    let declaration = &rest[..end];
    let Some(at) = declaration.windows(8).position(|word| word == b"encoding") else { return Ok(()) };
    let value = declaration[at + 8..].trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii_start);
    let quoted = value.and_then(|value| value.split_first());
    let name = quoted.and_then(|(quote, rest)| rest.split(|c| c == quote).next());
    if name.is_some_and(|name| name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"UTF8")) {
        Ok(())
    } else {
        Err(Misfit::Unfit("XML that says it is in another encoding than UTF-8"))
    }
}
