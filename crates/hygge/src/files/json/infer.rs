//! Which types values have, told from the values.
//!
//! A value gets a type only if every value that was seen in its place is kept by it. Whole numbers are 64 bits wide, or
//! unsigned, or decimals of 38 digits, whichever first keeps them all; with fractions among them they are doubles if the
//! doubles have the digits that are written. Numbers that no such type keeps, and values of several kinds, become text:
//! the exact JSON of each, so that `1` and `"1"` stay two. Texts are dates and times where all of them are.

use arrow_schema::{DataType, Field, TimeUnit};

use super::columns::{Form, item};
use super::keys::Keys;
use super::lexer::{Halt, colon, items, members, pass};
use crate::files::cell::{self, Float};

/// An object of more keys than this is taken for a table of its own, with names that are data.
const MOST_KEYS: usize = 500;

/// Rows of more keys than this have names that are data.
pub const MOST_COLUMNS: usize = 16_384;

/// How many bytes all that was seen may come to: keys of objects beyond are taken for data, those of rows beyond twice as
/// many.
const MOST_BYTES: usize = 16 << 20;

/// About what a key takes beside its name, which is kept thrice; and a list.
const KEY_BYTES: usize = 256;
const LIST_BYTES: usize = 48;

/// Objects and lists are types of columns down to here.
const TYPED_DEPTH: usize = 32;

/// A whole number that a double keeps.
const INT: u32 = 1;
/// One that a double does not keep.
const WIDE: u32 = 1 << 1;
/// One that only 64 bits without a sign hold.
const UNSIGNED: u32 = 1 << 2;
/// One of at most 38 digits.
const BIG: u32 = 1 << 3;
/// A number that no type keeps exactly.
const INEXACT: u32 = 1 << 4;
const DOUBLE: u32 = 1 << 5;
/// Beside the kind of a whole number: it is below zero.
const NEGATIVE: u32 = 1 << 6;
const BOOL: u32 = 1 << 7;
const DATE: u32 = 1 << 8;
const LOCAL: u32 = 1 << 9;
const INSTANT: u32 = 1 << 10;
/// `NaN` and its like: a number only among numbers.
const SPECIAL: u32 = 1 << 11;
const TEXT: u32 = 1 << 12;
const OBJECT: u32 = 1 << 13;
const LIST: u32 = 1 << 14;

const WHOLE: u32 = INT | WIDE | UNSIGNED | BIG;
const NUMBER: u32 = WHOLE | INEXACT | DOUBLE | NEGATIVE;
const STRING: u32 = DATE | LOCAL | INSTANT | SPECIAL | TEXT;

/// The kinds of values that were seen in one place.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    kinds: u32,
    object: Option<Box<Objects>>,
    item: Option<Box<Seen>>,
}

/// The keys of objects that were seen in one place, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    keys: Keys,
    seen: Vec<Seen>,
    /// Whether there were more keys than are kept.
    many: bool,
    /// About how many bytes all below takes; of rows only.
    bytes: usize,
}

/// Why the values of a place are text, or why nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No value was seen.
    Empty,
    /// Values of several kinds.
    Mixed,
    /// Numbers that no type keeps exactly.
    Inexact,
    /// Objects without keys.
    NoKeys,
    /// Objects of very many keys.
    ManyKeys,
    /// Nested very deep.
    Deep,
}

/// How types are told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telling {
    /// Objects and lists become text, too.
    pub nested_as_text: bool,
}

/// A type that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The type.
    pub data_type: DataType,
    /// What it does not say.
    pub form: Form,
    /// What a person should know: where, below the column, and why.
    pub why: Vec<(String, Why)>,
}

impl Objects {
    /// Looks at the row at `at`, and says where it ends.
    ///
    /// # Errors
    /// If it cannot be passed.
    pub fn look<const LINES: bool>(&mut self, bytes: &[u8], at: usize) -> Result<usize, Halt> {
        let mut taken = self.bytes;
        let end = self.look_at::<LINES>(bytes, at, 1, &mut taken);
        self.bytes = taken;
        end
    }

    fn look_at<const LINES: bool>(
        &mut self,
        bytes: &[u8],
        at: usize,
        depth: usize,
        taken: &mut usize,
    ) -> Result<usize, Halt> {
        let mut before = self.keys.len();
        let Self { keys, seen, many, .. } = self;
        let (most, most_bytes) = if depth == 1 { (MOST_COLUMNS, MOST_BYTES * 2) } else { (MOST_KEYS, MOST_BYTES) };
        members::<LINES>(bytes, at, |at| {
            let found = keys.find(bytes, at, before)?;
            let begin = colon::<LINES>(bytes, found.end)?;
            let key = if let Some(key) = found.key {
                key
            } else {
                // It counts only once its value has come whole.
                let end = pass::<LINES>(bytes, begin, depth)?.end;
                if keys.len() >= most || *taken >= most_bytes {
                    *many = true;
                    return Ok(end);
                }
                let name = super::keys::name_at(bytes, at);
                *taken += KEY_BYTES + name.len() * 3;
                seen.push(Seen::default());
                keys.add(&name)
            };
            before = key;
            seen[key].look::<LINES>(bytes, begin, depth, taken)
        })
    }

    /// Whether there were more keys than are kept: then they are data, not names of columns.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.many
    }

    /// The keys, in the order in which they were first seen.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What was seen of a key.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Seen> {
        self.seen.get(self.keys.position(key)?)
    }

    /// All keys with what was seen of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Seen)> {
        self.keys.names().iter().map(|name| &**name).zip(&self.seen)
    }
}

impl Seen {
    /// Looks at the value at `at`, and says where it ends.
    fn look<const LINES: bool>(
        &mut self,
        bytes: &[u8],
        at: usize,
        depth: usize,
        taken: &mut usize,
    ) -> Result<usize, Halt> {
        match bytes.get(at) {
            Some(&open @ (b'{' | b'[')) if depth > TYPED_DEPTH => {
                self.kinds |= if open == b'{' { OBJECT } else { LIST };
                Ok(pass::<LINES>(bytes, at, depth)?.end)
            }
            Some(b'{') => {
                self.kinds |= OBJECT;
                self.object.get_or_insert_default().look_at::<LINES>(bytes, at, depth + 1, taken)
            }
            Some(b'[') => {
                self.kinds |= LIST;
                if self.item.is_none() {
                    *taken += LIST_BYTES;
                }
                let seen = self.item.get_or_insert_default();
                items::<LINES>(bytes, at, |at| seen.look::<LINES>(bytes, at, depth + 1, taken))
            }
            _ => {
                let passed = pass::<LINES>(bytes, at, depth)?;
                let text = &bytes[at..passed.end];
                match text[0] {
                    b'n' => {}
                    b't' | b'f' => self.kinds |= BOOL,
                    // Nothing more can be learned.
                    b'"' if self.kinds & TEXT != 0 => {}
                    b'"' if passed.escaped => self.kinds |= TEXT,
                    b'"' => self.kinds |= kind_of_text(&text[1..text.len() - 1]),
                    _ => self.kinds |= kind_of_number(text),
                }
                Ok(passed.end)
            }
        }
    }

    /// Whether no value was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds == 0
    }

    /// The type that keeps every value.
    #[must_use]
    pub fn told(&self, telling: Telling) -> Told {
        self.told_at(telling, 0)
    }

    fn told_at(&self, telling: Telling, depth: usize) -> Told {
        let json = |why: Option<Why>| Told {
            data_type: DataType::Utf8,
            form: Form::Json,
            why: why.map(|why| (String::new(), why)).into_iter().collect(),
        };
        match self.kinds {
            0 => Told { data_type: DataType::Utf8, form: Form::Values, why: vec![(String::new(), Why::Empty)] },
            OBJECT | LIST if telling.nested_as_text => json(None),
            OBJECT | LIST if depth >= TYPED_DEPTH => json(Some(Why::Deep)),
            OBJECT => match &self.object {
                Some(objects) if objects.many => json(Some(Why::ManyKeys)),
                Some(objects) if !objects.keys.is_empty() => {
                    let (mut fields, mut forms, mut why) = (Vec::new(), Vec::new(), Vec::new());
                    for (key, seen) in objects.iter() {
                        let told = seen.told_at(telling, depth + 1);
                        why.extend(told.why.into_iter().map(|(path, why)| (format!(".{key}{path}"), why)));
                        fields.push(Field::new(key, told.data_type, true));
                        forms.push(told.form);
                    }
                    Told { data_type: DataType::Struct(fields.into()), form: nested(forms), why }
                }
                _ => json(Some(Why::NoKeys)),
            },
            LIST => {
                let told = match &self.item {
                    Some(seen) => seen.told_at(telling, depth + 1),
                    None => Seen::default().told_at(telling, depth + 1),
                };
                let why = told.why.into_iter().map(|(path, why)| (format!("[]{path}"), why)).collect();
                Told { data_type: DataType::List(item(told.data_type)), form: nested(vec![told.form]), why }
            }
            kinds => match scalar(kinds) {
                Some(data_type) => Told { data_type, form: Form::Values, why: Vec::new() },
                None if kinds & !NUMBER == 0 => json(Some(Why::Inexact)),
                None => json(Some(Why::Mixed)),
            },
        }
    }

    /// Whether a column that was of a type can go on being so: what was seen fits into it.
    #[must_use]
    pub fn fits(&self, data_type: &DataType, form: &Form) -> bool {
        if self.kinds == 0 || *form == Form::Json {
            return true;
        }
        let children: &[Form] = if let Form::Nested(children) = form { children } else { &[] };
        let child = |at: usize| children.get(at).unwrap_or(&Form::Values);
        match data_type {
            DataType::Utf8 => self.kinds & !STRING == 0,
            DataType::Float64 => self.kinds & !(INT | NEGATIVE | DOUBLE | SPECIAL) == 0,
            DataType::UInt64 => self.kinds & !(INT | WIDE | UNSIGNED) == 0,
            DataType::Decimal128(38, 0) => self.kinds & !(WHOLE | NEGATIVE) == 0,
            DataType::Struct(fields) => {
                let Some(objects) = &self.object else { return false };
                let fits = |(key, seen): (&str, &Self)| match fields.find(key) {
                    Some((at, field)) => seen.fits(field.data_type(), child(at)),
                    None => false,
                };
                self.kinds == OBJECT && !objects.many && objects.iter().all(fits)
            }
            DataType::List(item) => {
                self.kinds == LIST && self.item.as_ref().is_none_or(|seen| seen.fits(item.data_type(), child(0)))
            }
            other => scalar(self.kinds).is_some_and(|found| found == *other),
        }
    }
}

fn nested(forms: Vec<Form>) -> Form {
    if forms.iter().all(|form| *form == Form::Values) { Form::Values } else { Form::Nested(forms) }
}

/// The type of values that are no objects and no lists.
fn scalar(kinds: u32) -> Option<DataType> {
    let only = |some: u32| kinds & !some == 0;
    Some(match kinds {
        BOOL => DataType::Boolean,
        DATE => DataType::Date32,
        LOCAL => DataType::Timestamp(TimeUnit::Microsecond, None),
        INSTANT => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ if only(STRING) => DataType::Utf8,
        _ if only(INT | WIDE | NEGATIVE) => DataType::Int64,
        _ if only(INT | WIDE | UNSIGNED) => DataType::UInt64,
        _ if only(WHOLE | NEGATIVE) => DataType::Decimal128(38, 0),
        _ if only(INT | NEGATIVE | DOUBLE | SPECIAL) => DataType::Float64,
        _ => return None,
    })
}

fn kind_of_number(text: &[u8]) -> u32 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (NEGATIVE, digits),
        digits => (0, digits),
    };
    if let Some(n) = cell::int(text) {
        let kept = n.unsigned_abs() <= 1 << 53 || cell::double(text).is_some();
        return negative | if kept { INT } else { WIDE };
    }
    // `-0` is no whole number: it would lose its sign.
    if digits.iter().all(u8::is_ascii_digit) && digits != b"0" {
        return match digits.len() {
            _ if cell::uint(text).is_some() => UNSIGNED,
            ..=38 => negative | BIG,
            _ => INEXACT,
        };
    }
    match cell::float(text) {
        Float::Exact(_) => DOUBLE,
        _ => INEXACT,
    }
}

fn kind_of_text(text: &[u8]) -> u32 {
    match text {
        b"NaN" | b"Infinity" | b"-Infinity" => SPECIAL,
        [b'0'..=b'9', ..] => {
            if cell::date(text).is_some() {
                return DATE;
            }
            match cell::moment(text) {
                Some(moment) if moment.in_units(1_000_000).is_some() => {
                    if moment.zoned {
                        INSTANT
                    } else {
                        LOCAL
                    }
                }
                _ => TEXT,
            }
        }
        _ => TEXT,
    }
}

#[cfg(test)]
mod tests;
