//! What stands in a cell, and which type a column of such cells has.

use arrow_schema::{DataType, TimeUnit};
use calamine::{DataRef, ExcelDateTime};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// The milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Below it all whole numbers are floats of their own.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// No number that counts or names something is greater.
const LONGEST: f64 = 1e20;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Days since 1970.
    Date(i32),
    /// Milliseconds since midnight.
    Time(i32),
    /// Milliseconds since 1970.
    Instant(i64),
    /// Milliseconds.
    Span(i64),
    Text(String),
    /// `#N/A` and its like.
    Error(&'static str),
}

impl Cell {
    pub(super) fn of(value: &DataRef<'_>) -> Self {
        match value {
            DataRef::Int(n) => Self::Int(*n),
            DataRef::Float(n) => Self::number(*n),
            DataRef::String(text) | DataRef::DurationIso(text) => Self::Text(text.clone()),
            DataRef::SharedString(text) => Self::Text((*text).to_owned()),
            DataRef::Bool(b) => Self::Bool(*b),
            DataRef::DateTime(at) => Self::date_time(*at),
            DataRef::DateTimeIso(text) => Self::iso(text).unwrap_or_else(|| Self::Text(text.clone())),
            DataRef::Error(error) => Self::Error(error_name(error)),
            DataRef::Empty => Self::Text(String::new()),
        }
    }

    fn number(n: f64) -> Self {
        if n.fract() == 0.0 && n.abs() < WHOLE {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            return Self::Int(n as i64);
        }
        Self::Float(n)
    }

    /// A number of days as the sheet counts them.
    fn date_time(at: ExcelDateTime) -> Self {
        let millis = (at.as_f64() * 86_400_000.0).round();
        // So far off no millisecond is told from the next, and no spreadsheet shows a time.
        if millis.is_nan() || millis.abs() >= WHOLE {
            return Self::number(at.as_f64());
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        let millis = millis as i64;
        if at.is_duration() {
            return Self::Span(millis);
        }
        if (0..DAY).contains(&millis) {
            return Self::Time(i32::try_from(millis).unwrap_or_default());
        }
        let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
        let date = NaiveDate::from_ymd_opt(i32::from(year), month.into(), day.into());
        let at_day =
            date.and_then(|date| date.and_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into()));
        // Outside of what a sheet's calendar has it is a number, and Excel shows none either.
        match at_day {
            Some(found) if (DAY..2_958_466 * DAY).contains(&millis) => Self::instant(found),
            _ => Self::number(at.as_f64()),
        }
    }

    fn instant(at: NaiveDateTime) -> Self {
        let millis = at.and_utc().timestamp_millis();
        if millis.rem_euclid(DAY) == 0 {
            return Self::Date(i32::try_from(millis.div_euclid(DAY)).unwrap_or_default());
        }
        Self::Instant(millis)
    }

    fn iso(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('Z');
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Some(Self::instant(date.and_time(NaiveTime::MIN)));
        }
        // What is finer than a millisecond stays a text, with all its digits.
        let at = text.parse::<NaiveDateTime>().ok().filter(|at| at.and_utc().timestamp_subsec_nanos() % 1_000_000 == 0);
        at.map(Self::instant)
    }

    /// Whether it is an empty text, as a formula may give: not a value but in a column of texts.
    pub(super) fn shows_nothing(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The cell as a text: what stands for NULL is compared with it, and headers and mixed columns are made of it.
    pub(super) fn text(&self) -> String {
        let day = |days: i32| NaiveDate::from_epoch_days(days).map(|date| date.to_string()).unwrap_or_default();
        let clock = |millis: i64| {
            let (seconds, milli) = (millis.div_euclid(1_000), millis.rem_euclid(1_000));
            let text = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
            if milli == 0 { text } else { format!("{text}.{milli:03}") }
        };
        match self {
            Self::Int(n) => n.to_string(),
            Self::Float(n) => zmij::Buffer::new().format(*n).to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Date(days) => day(*days),
            Self::Time(millis) => clock(i64::from(*millis)),
            Self::Instant(millis) => {
                let days = i32::try_from(millis.div_euclid(DAY)).unwrap_or_default();
                format!("{}T{}", day(days), clock(millis.rem_euclid(DAY)))
            }
            Self::Span(millis) if *millis < 0 => format!("-{}", clock(-millis)),
            Self::Span(millis) => clock(*millis),
            Self::Text(text) => text.clone(),
            Self::Error(name) => (*name).to_owned(),
        }
    }
}

fn error_name(error: &calamine::CellErrorType) -> &'static str {
    use calamine::CellErrorType as E;
    match error {
        E::Div0 => "#DIV/0!",
        E::NA => "#N/A",
        E::Name => "#NAME?",
        E::Null => "#NULL!",
        E::Num => "#NUM!",
        E::Ref => "#REF!",
        E::Value => "#VALUE!",
        E::GettingData => "#GETTING_DATA",
    }
}

/// Which kinds of cells a column has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    kinds: u8,
    /// Whether there are whole numbers of more digits than a cell keeps.
    long: bool,
}

const INT: u8 = 1;
const FLOAT: u8 = 2;
const BOOL: u8 = 4;
const DATE: u8 = 8;
const TIME: u8 = 16;
const INSTANT: u8 = 32;
const SPAN: u8 = 64;
const TEXT: u8 = 128;

impl Seen {
    pub(super) fn see(&mut self, cell: &Cell) {
        if let Cell::Float(n) = cell {
            self.long |= n.fract() == 0.0 && n.abs() < LONGEST;
        }
        self.kinds |= match cell {
            Cell::Int(_) => INT,
            Cell::Float(_) => FLOAT,
            Cell::Bool(_) => BOOL,
            Cell::Date(_) => DATE,
            Cell::Time(_) => TIME,
            Cell::Instant(_) => INSTANT,
            Cell::Span(_) => SPAN,
            Cell::Text(text) if text.is_empty() => 0,
            Cell::Text(_) | Cell::Error(_) => TEXT,
        };
    }

    pub(super) fn join(&mut self, other: Self) {
        self.kinds |= other.kinds;
        self.long |= other.long;
    }

    pub(super) fn is_empty(self) -> bool {
        self.kinds == 0
    }

    fn only(self, kinds: u8) -> bool {
        self.kinds & !kinds == 0
    }

    /// Whether there are whole numbers whose last digits may not be those that were written: a cell is a float.
    pub(super) fn is_long(self) -> bool {
        self.long
    }

    /// Whether every cell fits a type that the column had before.
    pub(super) fn fits(self, data_type: &DataType) -> bool {
        self.only(match data_type {
            DataType::Utf8 => return true,
            DataType::Int64 => INT,
            DataType::Float64 => INT | FLOAT,
            DataType::Boolean => BOOL,
            DataType::Date32 => DATE,
            DataType::Time32(TimeUnit::Millisecond) => TIME,
            DataType::Timestamp(TimeUnit::Millisecond, None) => DATE | INSTANT,
            DataType::Duration(TimeUnit::Millisecond) => SPAN | TIME,
            _ => return false,
        })
    }

    /// The narrowest type that holds every cell exactly; text where the kinds are mixed, or there is no cell.
    pub(super) fn data_type(self) -> DataType {
        let types = [
            DataType::Int64,
            DataType::Float64,
            DataType::Boolean,
            DataType::Date32,
            DataType::Time32(TimeUnit::Millisecond),
            DataType::Timestamp(TimeUnit::Millisecond, None),
            DataType::Duration(TimeUnit::Millisecond),
        ];
        let found = types.into_iter().find(|data_type| !self.is_empty() && self.fits(data_type));
        found.unwrap_or(DataType::Utf8)
    }

    /// What a column of several kinds mixes, in words; none where it is of one kind.
    pub(super) fn mixed(self) -> Option<String> {
        if self.only(TEXT) || self.data_type() != DataType::Utf8 {
            return None;
        }
        let words = [
            (INT | FLOAT, "numbers"),
            (BOOL, "true and false"),
            (DATE | INSTANT, "dates"),
            (TIME | SPAN, "times"),
            (TEXT, "texts"),
        ];
        let found = words.iter().filter(|(kinds, _)| self.kinds & kinds != 0).map(|(_, word)| *word);
        Some(found.collect::<Vec<_>>().join(" and "))
    }
}
