//! What must hold of the headers of pages, and of footers as far as they are walked here.

use super::pages::Header;
use super::sealed::{ENCRYPTION, names};
use super::thrift::{END, I32, STRUCT};

/// The bytes as a header, and as what makes one: a header is read the same whatever stands behind it and never when it is
/// cut short, and what was written is read, whatever else stands between.
///
/// # Panics
/// If that does not hold.
pub fn check(bytes: &[u8]) {
    let _ = names(bytes, ENCRYPTION);
    if let Some((header, length)) = Header::parse(bytes) {
        ends(&bytes[..length], &header);
    }
    let mut drawn = Drawn { from: bytes, out: Vec::new() };
    let header = Header {
        unpacked: u64::from(drawn.number() >> 1),
        packed: u64::from(drawn.number() >> 1),
        is_dictionary: drawn.byte() & 1 == 1,
    };
    let mut last = 0;
    drawn.others(&mut last, &[2, 3, 7, ENCRYPTION]);
    drawn.field(&mut last, I32, 2);
    drawn.varint(header.unpacked << 1);
    drawn.others(&mut last, &[2, 3, 7, ENCRYPTION]);
    drawn.field(&mut last, I32, 3);
    drawn.varint(header.packed << 1);
    drawn.others(&mut last, &[2, 3, 7, ENCRYPTION]);
    if header.is_dictionary {
        drawn.field(&mut last, STRUCT, 7);
        let mut inner = 0;
        drawn.others(&mut inner, &[1]);
        drawn.field(&mut inner, I32, 1);
        let values = drawn.number();
        drawn.varint(u64::from(values));
        drawn.others(&mut inner, &[1]);
        drawn.out.push(END);
    }
    let mut sealed = drawn.out.clone();
    drawn.out.push(END);
    let behind = drawn.out.len();
    ends(&drawn.out, &header);
    drawn.out.extend_from_slice(bytes);
    assert_eq!(Header::parse(&drawn.out), Some((header, behind)));
    // The same as a footer, without a field that says it is encrypted and with one.
    assert_eq!(names(&drawn.out, ENCRYPTION), Some(false));
    std::mem::swap(&mut sealed, &mut drawn.out);
    drawn.field(&mut last, STRUCT, ENCRYPTION);
    drawn.out.extend([END, END]);
    assert_eq!(names(&drawn.out, ENCRYPTION), Some(true));
}

/// The header ends where its bytes end, and not before.
fn ends(bytes: &[u8], header: &Header) {
    let found = Header::parse(bytes);
    assert_eq!(found.as_ref().map(|(header, length)| (header, *length)), Some((header, bytes.len())));
    for cut in (0..bytes.len()).rev().take(100) {
        assert_eq!(Header::parse(&bytes[..cut]), None, "cut at {cut} of {}", bytes.len());
    }
}

/// Writes Thrift's compact form, as bytes decide.
struct Drawn<'b> {
    from: &'b [u8],
    out: Vec<u8>,
}

impl Drawn<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.from.split_first() else { return 0 };
        self.from = rest;
        first
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn varint(&mut self, mut n: u64) {
        while n > 127 {
            self.out.push(u8::try_from(n & 127).unwrap_or_default() | 128);
            n >>= 7;
        }
        self.out.push(u8::try_from(n).unwrap_or_default());
    }

    /// The head of a field: short where it stands close behind the last.
    fn field(&mut self, last: &mut i64, kind: u8, id: i64) {
        match u8::try_from(id - *last) {
            Ok(delta @ 1..=15) if self.byte() & 1 == 0 => self.out.push(delta << 4 | kind),
            _ => {
                self.out.push(kind);
                self.varint(((id << 1) ^ (id >> 63)).cast_unsigned());
            }
        }
        *last = id;
    }

    /// Some fields of any kind that are none of `known`.
    fn others(&mut self, last: &mut i64, known: &[i64]) {
        for _ in 0..self.byte() % 4 {
            let id = i64::from(i16::from_le_bytes([self.byte(), self.byte()]));
            let kind = 1 + self.byte() % 12;
            if !known.contains(&id) {
                self.field(last, kind, id);
                self.value(kind, 0, false);
            }
        }
    }

    /// A value of a kind; `in_list`, for there booleans have a byte.
    fn value(&mut self, kind: u8, depth: usize, in_list: bool) {
        // A kind that ends by itself.
        let within = |n: u8| if depth < 4 { 1 + n % 12 } else { 3 };
        match kind {
            1 | 2 if !in_list => {}
            1..=3 => self.out.push(kind),
            4..=6 => {
                let n = u64::from(self.number()) << (self.byte() % 32);
                self.varint(n);
            }
            7 => (0..8).for_each(|n| self.out.push(n)),
            8 => {
                let length = self.byte() % 20;
                self.varint(length.into());
                (0..length).for_each(|n| self.out.push(n));
            }
            9 | 10 => {
                let (count, kind) = (self.byte() % 20, within(self.byte()));
                if count < 15 {
                    self.out.push(count << 4 | kind);
                } else {
                    self.out.push(0xf0 | kind);
                    self.varint(count.into());
                }
                (0..count).for_each(|_| self.value(kind, depth + 1, true));
            }
            11 => {
                let (count, key, value) = (self.byte() % 4, within(self.byte()), within(self.byte()));
                self.varint(count.into());
                if count > 0 {
                    self.out.push(key << 4 | value);
                }
                for _ in 0..count {
                    self.value(key, depth + 1, true);
                    self.value(value, depth + 1, true);
                }
            }
            _ => {
                let mut last = 0;
                for _ in 0..self.byte() % 3 {
                    let kind = within(self.byte());
                    let id = last + 1 + i64::from(self.byte());
                    self.field(&mut last, kind, id);
                    self.value(kind, depth + 1, false);
                }
                self.out.push(END);
            }
        }
    }
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpus_of_page_headers_holds() {
    crate::fuzzed::replay("parquet_pages", 5, check);
}
