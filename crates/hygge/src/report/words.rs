//! Numbers, times and names as people read them.

use std::time::Duration;

use hygge_core::receipt::Owner;
use hygge_core::shell::argument;
use hygge_core::watermark::{Bound, EDGE_LIMIT};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `27,004`.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `27,004 rows`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `27,004 rows`.
#[must_use]
pub fn rows(n: u64) -> String {
    count(n, "row", "rows")
}

/// `0.04 s`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let whole = time.as_secs();
    match seconds {
        s if s < 0.095 => format!("{s:.2} s"),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", thousands(whole / 3600), whole % 3600 / 60),
    }
}

/// A moment of the past, or of a watermark, as short as it stays exact: seconds of zero are left out.
#[must_use]
pub fn moment(text: &str) -> String {
    let is_time = text.len() >= 19
        && text.is_ascii()
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
        && text.as_bytes()[13] == b':'
        && text.as_bytes()[16] == b':';
    if !is_time {
        return text.to_owned();
    }
    let (head, tail) = text.split_at(16);
    let zero = tail.trim_start_matches(":00");
    let fraction = zero.strip_prefix('.').map(|rest| rest.trim_start_matches('0'));
    let zone = match (tail.starts_with(":00"), fraction) {
        (true, None) => zero,
        (true, Some(rest)) if !rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => return text.replacen('T', " ", 1),
    };
    format!("{}{zone}", head.replacen('T', " ", 1))
}

/// When something happened, to the second: `2013-02-01 04:00:12Z`.
#[must_use]
pub fn when(text: &str) -> String {
    let shown = moment(text);
    match (shown.find('.'), shown.strip_suffix('Z')) {
        (Some(dot), Some(_)) => format!("{}Z", &shown[..dot]),
        _ => shown,
    }
}

/// A flow's name, with its entity where it has entities: `shop/users`.
#[must_use]
pub fn name(owner: &Owner) -> String {
    match &owner.entity {
        Some(entity) => format!("{}/{entity}", owner.flow),
        None => owner.flow.clone(),
    }
}

/// `--entity users`, as a shell takes it, whatever the entity is called.
#[must_use]
pub fn entity_option(entity: &str) -> String {
    let equals = if entity.starts_with('-') { "=" } else { " " };
    format!("--entity{equals}{}", argument(entity))
}

/// The command that runs a flow: `hygge go shop --entity users`.
#[must_use]
pub fn go(owner: &Owner) -> String {
    let entity = owner.entity.as_deref().map(|entity| format!(" {}", entity_option(entity)));
    format!("hygge go {}{}", owner.flow, entity.unwrap_or_default())
}

/// That rows are held back at the end of what was read, and what for.
#[must_use]
pub fn held_back(bound: &Bound) -> String {
    format!(
        "more than {} rows share the greatest {}, {}: they are held back until a greater one is there",
        thousands(EDGE_LIMIT as u64),
        bound.column,
        moment(&bound.upper)
    )
}

/// What can be done about rows that are held back.
pub const HELD_BACK_ADVICE: &str =
    "give the flow a  watermark:  of finer steps, or  key:  and a store that merges, to have them sooner";

/// How many columns of a terminal a text takes.
#[must_use]
pub fn wide(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Text with spaces after it, up to a width.
#[must_use]
pub fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(wide(text))))
}

/// Text with spaces before it, up to a width.
#[must_use]
pub fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(wide(text))))
}

/// Text cut to a width, with `…` where it was cut.
#[must_use]
pub fn clip(text: &str, width: usize) -> String {
    if wide(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Text wrapped at spaces; the first line begins after `indent` columns already taken, the others are indented by as
/// many. Without a width nothing is wrapped. Runs of spaces inside (a line to paste) are kept.
#[must_use]
pub fn wrap(text: &str, indent: usize, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(30));
    let pad = " ".repeat(indent);
    let mut out = String::new();
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            out.push('\n');
            out.push_str(&pad);
        }
        let mut used = 0;
        for word in line.split_inclusive(' ') {
            let size = wide(word.trim_end());
            if used > 0 && used + size > room {
                out.truncate(out.trim_end().len());
                out.push('\n');
                out.push_str(&pad);
                used = 0;
                if word == " " {
                    continue;
                }
            }
            out.push_str(word);
            used += wide(word);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(27_004), "27,004");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(rows(1), "1 row");
        let ms = |n| duration(Duration::from_millis(n));
        assert_eq!([ms(4), ms(94), ms(440), ms(9_940)], ["0.00 s", "0.09 s", "0.4 s", "9.9 s"]);
        assert_eq!(
            [ms(12_400), ms(59_600), ms(200_000), ms(7_500_000)],
            ["12 s", "0 min 59 s", "3 min 20 s", "2 h 5 min"]
        );
    }

    #[test]
    fn moments_lose_only_zeros() {
        assert_eq!(moment("2013-02-01 04:00:00"), "2013-02-01 04:00");
        assert_eq!(moment("2013-02-01T04:00:00.000Z"), "2013-02-01 04:00Z");
        assert_eq!(moment("2013-02-01T04:00:00.001Z"), "2013-02-01 04:00:00.001Z");
        assert_eq!(moment("2013-02-01T04:00:30"), "2013-02-01 04:00:30");
        assert_eq!(moment("10000"), "10000");
        assert_eq!(moment("2013-02-01"), "2013-02-01");
        assert_eq!(when("2013-02-01T04:00:12.345Z"), "2013-02-01 04:00:12Z");
    }

    #[test]
    fn a_command_can_be_typed_as_it_is_shown() {
        let owner =
            |entity: Option<&str>| Owner { project: "p".into(), flow: "shop".into(), entity: entity.map(Into::into) };
        assert_eq!(go(&owner(None)), "hygge go shop");
        assert_eq!(go(&owner(Some("users"))), "hygge go shop --entity users");
        assert_eq!(go(&owner(Some("it's all"))), "hygge go shop --entity 'it'\\''s all'");
        assert_eq!(go(&owner(Some("#c"))), "hygge go shop --entity '#c'");
        assert_eq!(go(&owner(Some("-c"))), "hygge go shop --entity=-c");
    }

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(left("é", 3), "é  ");
        assert_eq!(right("7", 3), "  7");
        let wrapped = wrap("one two three four five six seven eight nine ten", 4, Some(34));
        assert_eq!(wrapped, "one two three four five six\n    seven eight nine ten");
        assert_eq!(wrap("add  nulls: [\"NA\"]  at x", 4, None), "add  nulls: [\"NA\"]  at x");
    }
}
