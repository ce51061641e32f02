//! Thrift's compact form, in which Parquet's footers and page headers lie, as far as the library does not read it for us.

/// What stands behind the last field of a struct.
pub(super) const END: u8 = 0;

/// The least wide whole number that is packed.
const I16: u8 = 4;

/// A whole number of 32 bits.
pub(super) const I32: u8 = 5;

/// The widest whole number.
const I64: u8 = 6;

/// A struct.
pub(super) const STRUCT: u8 = 12;

/// Structs within structs; the format has about ten.
const DEPTH: usize = 64;

/// A walk through Thrift's compact form.
pub(super) struct Walk<'f> {
    rest: &'f [u8],
}

impl<'f> Walk<'f> {
    /// From the beginning of these bytes.
    pub(super) fn new(rest: &'f [u8]) -> Self {
        Self { rest }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The kind of the next field, and its number; [`END`] at the end of the struct.
    pub(super) fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        if head == END {
            return Some(END);
        }
        *id = match head >> 4 {
            0 => self.number()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(head & 15)
    }

    /// A whole number, of a kind from [`I16`] to [`I64`].
    pub(super) fn number(&mut self) -> Option<i64> {
        let n = self.varint()?;
        Some((n >> 1).cast_signed() ^ -((n & 1).cast_signed()))
    }

    /// Steps over a value.
    pub(super) fn pass(&mut self, kind: u8) -> Option<()> {
        self.pass_within(kind, 0)
    }

    fn pass_within(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match kind {
            // Booleans of a field are in its head.
            1 | 2 => {}
            3 => self.step(1)?,
            I16..=I64 => {
                self.varint()?;
            }
            7 => self.step(8)?,
            8 => {
                let length = self.varint()?;
                self.step(usize::try_from(length).ok()?)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                for _ in 0..count {
                    self.pass_item(head & 15, depth)?;
                }
            }
            11 => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.pass_item(kinds >> 4, depth)?;
                        self.pass_item(kinds & 15, depth)?;
                    }
                }
            }
            STRUCT => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        END => break,
                        kind => self.pass_within(kind, depth + 1)?,
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Booleans of a list have a byte each.
    fn pass_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        if matches!(kind, 1 | 2) { self.step(1) } else { self.pass_within(kind, depth + 1) }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn step(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }
}
