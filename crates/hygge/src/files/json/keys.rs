//! The keys of objects, and finding the members of a row: the key that followed last time is tried first.

use std::collections::HashMap;
use std::sync::Arc;

use super::lexer::{Halt, Wrong, bad, colon, members, pass, pass_text, unescape};
use super::render::text_into;

/// Set in the end of a value that is a text with escapes.
pub const ESCAPED: u32 = 1 << 31;

/// Names of members, as they are written and as they are called.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    names: Vec<Arc<str>>,
    /// Each as it is most often written: in quotes, and with no more escapes than it needs.
    written: Vec<Box<[u8]>>,
    by_name: HashMap<Arc<str>, usize>,
    /// Which key followed each the last time.
    after: Vec<usize>,
    /// Which key came first the last time.
    first: usize,
}

/// What a key was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundKey {
    /// Which of the keys it is, if it is known.
    pub key: Option<usize>,
    /// The byte behind it.
    pub end: usize,
}

impl Keys {
    /// Keys that are expected in this order.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut keys = Self::default();
        for name in names {
            keys.add(name.as_ref());
        }
        keys
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Which of them has a name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Adds a key behind the others, and says which it is.
    pub fn add(&mut self, name: &str) -> usize {
        let new = self.names.len();
        let mut written = Vec::with_capacity(name.len() + 2);
        text_into(name.as_bytes(), &mut written);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.written.push(written.into());
        self.by_name.insert(name, new);
        if let Some(last) = self.after.last_mut() {
            *last = new;
        }
        self.after.push(self.first);
        new
    }

    /// Finds the key whose opening quote is at `at`, behind the key `before` (or [`Self::len`] at the beginning).
    ///
    /// # Errors
    /// If it ends beyond the bytes, or is no text.
    #[inline]
    pub fn find(&mut self, bytes: &[u8], at: usize, before: usize) -> Result<FoundKey, Halt> {
        let guess = *self.after.get(before).unwrap_or(&self.first);
        if let Some(written) = self.written.get(guess) {
            if bytes[at..].starts_with(written) {
                return Ok(FoundKey { key: Some(guess), end: at + written.len() });
            }
            // One that was there the last time may be missing.
            let next = self.after[guess];
            let written = &self.written[next];
            if bytes[at..].starts_with(written) {
                return Ok(FoundKey { key: Some(next), end: at + written.len() });
            }
        }
        self.look_up(bytes, at, before)
    }

    #[cold]
    fn look_up(&mut self, bytes: &[u8], at: usize, before: usize) -> Result<FoundKey, Halt> {
        let passed = pass_text(bytes, at)?;
        let inner = &bytes[at + 1..passed.end - 1];
        let mut plain = Vec::new();
        let name = if passed.escaped {
            unescape(inner, &mut plain);
            &plain
        } else {
            inner
        };
        let Ok(name) = std::str::from_utf8(name) else { return bad(Wrong::Utf8, at) };
        let key = self.by_name.get(name).copied();
        if let Some(key) = key {
            *self.after.get_mut(before).unwrap_or(&mut self.first) = key;
        }
        Ok(FoundKey { key, end: passed.end })
    }
}

/// The name of a key that was passed at `at`, as far as it can be told.
#[must_use]
pub fn name_at(bytes: &[u8], at: usize) -> String {
    let Ok(passed) = pass_text(bytes, at) else { return String::new() };
    let mut plain = Vec::new();
    unescape(&bytes[at + 1..passed.end - 1], &mut plain);
    String::from_utf8_lossy(&plain).into_owned()
}

/// The key of the row at `begin` whose value cannot be passed.
pub(crate) fn key_at(bytes: &[u8], begin: usize) -> Option<String> {
    if bytes.get(begin) != Some(&b'{') {
        return None;
    }
    let mut key = None;
    let _ = members::<false>(bytes, begin, |at| {
        key = Some(at);
        let name = pass_text(bytes, at)?;
        let end = pass::<false>(bytes, colon::<false>(bytes, name.end)?, 0)?.end;
        key = None;
        Ok(end)
    });
    key.map(|at| name_at(bytes, at)).filter(|name| !name.is_empty())
}

/// How many of the rows from `begin` on, which were all passed, end before `at`; and the key of the next whose value or
/// name `at` lies in.
pub(crate) fn key_around(bytes: &[u8], begin: usize, at: usize) -> (u64, String) {
    let (mut rows, mut begin) = (0, begin);
    loop {
        let mut key = None;
        let row = members::<false>(bytes, begin, |member| {
            let end = pass::<false>(bytes, colon::<false>(bytes, pass_text(bytes, member)?.end)?, 0)?.end;
            if (member..end).contains(&at) {
                key = Some(member);
            }
            Ok(end)
        });
        match row {
            Ok(end) if end <= at => {
                rows += 1;
                begin = end + bytes[end..].iter().position(|&b| b == b'{').unwrap_or(bytes.len() - end);
            }
            _ => return (rows, key.map(|member| name_at(bytes, member)).unwrap_or_default()),
        }
    }
}

/// Finds the members of objects.
#[derive(Debug, Clone)]
pub struct Members {
    /// The keys whose values are wanted.
    pub keys: Keys,
    /// Whether other keys are passed over; else they are an error.
    pub others: bool,
}

impl Members {
    /// How many numbers [`Self::find`] writes: where each value begins, and where it ends.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.keys.len() * 2
    }

    /// Finds the members of the object at `at`: where the value of each key begins and ends, or zeros where it is missing.
    /// `slots` comes with zeros. An end carries [`ESCAPED`] where the value is a text with escapes.
    ///
    /// # Errors
    /// If the object cannot be read, or holds a key that it should not.
    #[inline]
    pub fn find<const LINES: bool>(
        &mut self,
        bytes: &[u8],
        at: usize,
        depth: usize,
        slots: &mut [u32],
    ) -> Result<usize, Halt> {
        let mut before = self.keys.len();
        let Self { keys, others } = self;
        members::<LINES>(bytes, at, |at| {
            let found = keys.find(bytes, at, before)?;
            let begin = colon::<LINES>(bytes, found.end)?;
            let passed = pass::<LINES>(bytes, begin, depth)?;
            match found.key {
                Some(key) => {
                    let slot = &mut slots[key * 2..key * 2 + 2];
                    if slot[0] != 0 {
                        return bad(Wrong::Twice, at);
                    }
                    slot[0] = narrow(begin);
                    slot[1] = narrow(passed.end) | if passed.escaped { ESCAPED } else { 0 };
                    before = key;
                }
                None if *others => {}
                None => return bad(Wrong::Unknown, at),
            }
            Ok(passed.end)
        })
    }
}

/// Buffers are smaller than two gigabytes.
#[inline]
pub(crate) fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
