//! Where values end: the grammar of JSON, checked while it is passed over.
//!
//! Nothing is decoded here but what decides where something ends. Texts are passed eight bytes at a time.

/// The deepest nesting that is taken: an array in an array is two deep.
pub const DEEPEST: usize = 128;

/// Why a value was not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The bytes end within it.
    More,
    /// It cannot be read.
    Bad(Bad),
    /// Those that were taken are enough for now. Said of rows only, and never of the first.
    Enough,
}

/// What is wrong, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bad {
    /// What.
    pub what: Wrong,
    /// The byte's index.
    pub at: usize,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// No JSON.
    Grammar,
    /// A row that goes on over the end of its line.
    LineEnd,
    /// A text that goes on over the end of its line.
    CutText,
    /// A row that is no object.
    NoObject,
    /// An array where rows stand one on a line.
    Array,
    /// A control character in a text.
    Control,
    /// An escape that JSON does not know.
    Escape,
    /// An escape of half a character.
    Surrogate,
    /// A key that is not UTF-8.
    Utf8,
    /// Nested deeper than [`DEEPEST`].
    Deep,
    /// A key that the object had before.
    Twice,
    /// A key that is not known.
    Unknown,
    /// Something behind the array of rows.
    Behind,
    /// Another row on the line of one.
    SameLine,
    /// A comma that parts nothing.
    Comma,
    /// The file ends within a row.
    Torn,
}

pub(crate) fn bad<T>(what: Wrong, at: usize) -> Result<T, Halt> {
    Err(Halt::Bad(Bad { what, at }))
}

/// A value that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The byte behind it.
    pub end: usize,
    /// Whether it is a text with escapes.
    pub escaped: bool,
}

/// The first byte from `at` on that is no space. With `LINES`, a line end is none.
#[inline]
pub fn skip_space<const LINES: bool>(bytes: &[u8], mut at: usize) -> Result<usize, Halt> {
    loop {
        match bytes.get(at) {
            None => return Err(Halt::More),
            Some(b'\n') if LINES => return bad(Wrong::LineEnd, at),
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(_) => return Ok(at),
        }
    }
}

/// Passes the value that begins at `at`.
///
/// # Errors
/// [`Halt::More`], if the bytes end before it does; a number must be followed by something.
#[inline]
pub fn pass<const LINES: bool>(bytes: &[u8], at: usize, depth: usize) -> Result<Passed, Halt> {
    match bytes.get(at) {
        None => Err(Halt::More),
        Some(b'"') => pass_text(bytes, at),
        Some(b'-' | b'0'..=b'9') => plain(pass_number(bytes, at)),
        Some(b'{') => plain(pass_object::<LINES>(bytes, at, depth + 1)),
        Some(b'[') => plain(pass_array::<LINES>(bytes, at, depth + 1)),
        Some(b'n') => plain(pass_word(bytes, at, b"null")),
        Some(b't') => plain(pass_word(bytes, at, b"true")),
        Some(b'f') => plain(pass_word(bytes, at, b"false")),
        Some(b'\n') if LINES => bad(Wrong::LineEnd, at),
        Some(_) => bad(Wrong::Grammar, at),
    }
}

fn plain(end: Result<usize, Halt>) -> Result<Passed, Halt> {
    end.map(|end| Passed { end, escaped: false })
}

fn pass_word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Halt> {
    match bytes.get(at..at + word.len()) {
        Some(found) if found == word => Ok(at + word.len()),
        None if word.starts_with(&bytes[at..]) => Err(Halt::More),
        Some(_) | None => bad(Wrong::Grammar, at),
    }
}

/// The high bit of every byte that a text may not simply hold: a quote, a backslash, a control character. Only the lowest
/// of the bits can be relied on.
#[inline]
pub(crate) fn marked(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let equal = |byte: u8| {
        let none = word ^ (EACH * u64::from(byte));
        none.wrapping_sub(EACH) & !none
    };
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    (control | equal(b'"') | equal(b'\\')) & HIGH
}

/// The first byte from `at` on that a text may not simply hold, or the end of the bytes.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some((eight, _)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let marks = marked(u64::from_le_bytes(*eight));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&b| b >= 0x20 && b != b'"' && b != b'\\') {
        at += 1;
    }
    at
}

/// Passes the text whose opening quote is at `at`.
///
/// # Errors
/// As [`pass`].
#[inline]
pub fn pass_text(bytes: &[u8], at: usize) -> Result<Passed, Halt> {
    let end = plain_end(bytes, at + 1);
    if bytes.get(end) == Some(&b'"') {
        return Ok(Passed { end: end + 1, escaped: false });
    }
    pass_text_on(bytes, end)
}

fn pass_text_on(bytes: &[u8], mut at: usize) -> Result<Passed, Halt> {
    let mut escaped = false;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            None => return Err(Halt::More),
            Some(b'"') => return Ok(Passed { end: at + 1, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = escape(bytes, at)?.1;
            }
            Some(_) => return bad(Wrong::Control, at),
        }
    }
}

/// The character of the escape whose backslash is at `at`, and the byte behind it.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), Halt> {
    let simple = match bytes.get(at + 1) {
        None => return Err(Halt::More),
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        Some(b'u') => {
            let unit = unit(bytes, at)?;
            return match unit {
                0xd800..=0xdbff => match (bytes.get(at + 6), bytes.get(at + 7)) {
                    (None, _) | (Some(b'\\'), None) => Err(Halt::More),
                    (Some(b'\\'), Some(b'u')) => {
                        let low = self::unit(bytes, at + 6)?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return bad(Wrong::Surrogate, at);
                        }
                        let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(point).map_or(bad(Wrong::Surrogate, at), |c| Ok((c, at + 12)))
                    }
                    _ => bad(Wrong::Surrogate, at),
                },
                unit => char::from_u32(unit).map_or(bad(Wrong::Surrogate, at), |c| Ok((c, at + 6))),
            };
        }
        Some(_) => return bad(Wrong::Escape, at),
    };
    Ok((simple, at + 2))
}

/// The four digits of the `\u` at `at`.
fn unit(bytes: &[u8], at: usize) -> Result<u32, Halt> {
    let mut unit = 0;
    for i in 2..6 {
        let digit = match bytes.get(at + i) {
            None => return Err(Halt::More),
            Some(&b @ b'0'..=b'9') => b - b'0',
            Some(&b @ b'a'..=b'f') => b - b'a' + 10,
            Some(&b @ b'A'..=b'F') => b - b'A' + 10,
            Some(_) => return bad(Wrong::Escape, at),
        };
        unit = unit << 4 | u32::from(digit);
    }
    Ok(unit)
}

/// Appends what a text that was passed means; `inner` is what lies between its quotes.
pub fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        // It was passed, so that its escapes are sound.
        let Ok((found, end)) = escape(rest, at) else { break };
        out.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
}

#[inline]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Passes the number that begins at `at`.
#[inline]
fn pass_number(bytes: &[u8], at: usize) -> Result<usize, Halt> {
    let first = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut end = digits(bytes, first);
    if end == first || (end > first + 1 && bytes[first] == b'0') {
        return if end == bytes.len() && end == first { Err(Halt::More) } else { bad(Wrong::Grammar, at) };
    }
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(bytes, fraction);
        if end == fraction {
            return if end == bytes.len() { Err(Halt::More) } else { bad(Wrong::Grammar, at) };
        }
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = digits(bytes, exponent);
        if end == exponent {
            return if end >= bytes.len() { Err(Halt::More) } else { bad(Wrong::Grammar, at) };
        }
    }
    if end >= bytes.len() { Err(Halt::More) } else { Ok(end) }
}

fn pass_object<const LINES: bool>(bytes: &[u8], at: usize, depth: usize) -> Result<usize, Halt> {
    if depth > DEEPEST {
        return bad(Wrong::Deep, at);
    }
    members::<LINES>(bytes, at, |at| {
        let key = pass_text(bytes, at)?;
        let at = colon::<LINES>(bytes, key.end)?;
        Ok(pass::<LINES>(bytes, at, depth)?.end)
    })
}

/// From behind a key to its value.
#[inline]
pub(crate) fn colon<const LINES: bool>(bytes: &[u8], at: usize) -> Result<usize, Halt> {
    let mut at = at;
    if bytes.get(at) != Some(&b':') {
        at = skip_space::<LINES>(bytes, at)?;
        if bytes[at] != b':' {
            return bad(Wrong::Grammar, at);
        }
    }
    skip_space::<LINES>(bytes, at + 1)
}

/// Passes the object that begins at `at`. `member` is given where each key begins, and answers where its value ends.
#[inline]
pub(crate) fn members<const LINES: bool>(
    bytes: &[u8],
    at: usize,
    mut member: impl FnMut(usize) -> Result<usize, Halt>,
) -> Result<usize, Halt> {
    let mut at = skip_space::<LINES>(bytes, at + 1)?;
    if bytes[at] == b'}' {
        return Ok(at + 1);
    }
    loop {
        if bytes[at] != b'"' {
            return bad(Wrong::Grammar, at);
        }
        at = skip_space::<LINES>(bytes, member(at)?)?;
        match bytes[at] {
            b',' => at = skip_space::<LINES>(bytes, at + 1)?,
            b'}' => return Ok(at + 1),
            _ => return bad(Wrong::Grammar, at),
        }
    }
}

fn pass_array<const LINES: bool>(bytes: &[u8], at: usize, depth: usize) -> Result<usize, Halt> {
    if depth > DEEPEST {
        return bad(Wrong::Deep, at);
    }
    items::<LINES>(bytes, at, |at| Ok(pass::<LINES>(bytes, at, depth)?.end))
}

/// Passes the array that begins at `at`. `item` is given where each item begins, and answers where it ends.
#[inline]
pub(crate) fn items<const LINES: bool>(
    bytes: &[u8],
    at: usize,
    mut item: impl FnMut(usize) -> Result<usize, Halt>,
) -> Result<usize, Halt> {
    let mut at = skip_space::<LINES>(bytes, at + 1)?;
    if bytes[at] == b']' {
        return Ok(at + 1);
    }
    loop {
        at = skip_space::<LINES>(bytes, item(at)?)?;
        match bytes[at] {
            b',' => at = skip_space::<LINES>(bytes, at + 1)?,
            b']' => return Ok(at + 1),
            _ => return bad(Wrong::Grammar, at),
        }
    }
}
