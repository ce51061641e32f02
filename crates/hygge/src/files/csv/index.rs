//! Where fields begin and end: the first of two passes over a block of bytes that stays in the processor's cache.
//!
//! The positions are written as plain numbers, record after record, so that the second pass can walk column by column.

use memchr::memchr;

/// How fields are parted and quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Parts the fields of a record.
    pub separator: u8,
    /// Encloses fields that hold separators, line ends or quotes; none takes quotes as ordinary characters.
    pub quote: Option<u8>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { separator: b',', quote: Some(b'"') }
    }
}

/// What keeps a record from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has `found` fields where another number was expected.
    Ragged {
        /// How many fields it has.
        found: usize,
    },
    /// Something other than a separator or a line end follows the closing quote of a field.
    AfterQuote {
        /// Which field, from 0.
        column: usize,
    },
    /// The file ends within a quoted field.
    Unclosed {
        /// Which field, from 0.
        column: usize,
    },
}

/// Why a pass over bytes came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All whole records were found. What follows [`Indexed::end`] is the beginning of another; within a quoted field,
    /// that field's number.
    Bytes {
        /// The field whose closing quote was not among the bytes.
        quoted: Option<usize>,
    },
    /// As many records as were asked for.
    Full,
    /// The record at [`Indexed::end`] cannot be read.
    Fault(Fault),
}

/// What a pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// Whole records.
    pub rows: usize,
    /// Where the next record begins.
    pub end: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// Finds the fields of records with a fixed number of columns.
#[derive(Debug, Clone)]
pub struct Indexer {
    dialect: Dialect,
    /// 0 takes records of any width, and empty lines as none.
    columns: usize,
    stray: bool,
}

const LANES: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const BLOCK: usize = 64;

/// The highest bit of every byte of `word` that equals the byte repeated in `pattern`.
#[inline]
fn equal_bytes(word: u64, pattern: u64) -> u64 {
    let differs = word ^ pattern;
    !(((differs & LOW_BITS) + LOW_BITS) | differs | LOW_BITS)
}

#[expect(clippy::cast_possible_truncation, reason = "no more bytes are taken than 32 bits reach")]
#[inline]
fn offset(position: usize) -> u32 {
    position as u32
}

impl Indexer {
    /// For records of `columns` fields.
    #[must_use]
    pub fn new(dialect: Dialect, columns: usize) -> Self {
        Self { dialect, columns, stray: false }
    }

    /// For records of any width; only [`Indexed::rows`] and [`Indexed::end`] are of use, and the offsets of one record.
    #[must_use]
    pub fn of_any_width(dialect: Dialect) -> Self {
        Self::new(dialect, 0)
    }

    /// How fields are parted and quoted.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How many offsets a record takes: one before its first field and one behind each.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.columns + 1
    }

    /// Whether a quote was met inside an unquoted field: such bytes may have been entered in the middle of a field.
    #[must_use]
    pub fn met_stray_quote(&self) -> bool {
        self.stray
    }

    /// Finds records in `bytes` from `from` (at least 1) on, and appends their offsets to `out`: for each record the
    /// position before its first field, then the position behind each field. Field `c` of a record lies at
    /// `offsets[c] + 1 .. offsets[c + 1]`, quotes included, line end excluded.
    ///
    /// `last` says that nothing follows `bytes`, so that a record needs no line end.
    ///
    /// # Panics
    /// If `from` is 0, or there are 4 GiB of bytes.
    pub fn index(&mut self, bytes: &[u8], from: usize, last: bool, most: usize, out: &mut Vec<u32>) -> Indexed {
        assert!(from >= 1 && u32::try_from(bytes.len()).is_ok(), "offsets are 32 bits wide, and one lies before");
        let mut pass = Pass { out, begin: from, rows: 0, first: 0, columns: self.columns, stray: false };
        let stop = if most == 0 { Stop::Full } else { self.run(bytes, last, most, &mut pass) };
        let Pass { rows, begin, first, stray, .. } = pass;
        self.stray |= stray;
        out.truncate(first);
        Indexed { rows, end: begin, stop }
    }

    fn run(&self, bytes: &[u8], last: bool, most: usize, pass: &mut Pass<'_>) -> Stop {
        let separator = self.dialect.separator;
        // Without quotes a second search for the line end costs nothing and finds nothing new.
        let quote = self.dialect.quote.unwrap_or(b'\n');
        let patterns = [separator, b'\n', quote].map(|b| u64::from(b) * LANES);
        pass.first = pass.out.len();
        pass.open();
        let mut at = pass.begin;
        'search: loop {
            let (mut hits, width) = if let Some(block) = bytes.get(at..at + BLOCK) {
                (block_hits(block, patterns), BLOCK)
            } else if at < bytes.len() {
                let mut block = [0; BLOCK];
                let rest = &bytes[at..];
                block[..rest.len()].copy_from_slice(rest);
                let inside = u64::MAX >> (BLOCK - rest.len());
                (block_hits(&block, patterns) & inside, rest.len())
            } else {
                break;
            };
            while hits != 0 {
                let p = at + hits.trailing_zeros() as usize;
                hits &= hits - 1;
                let byte = bytes[p];
                if byte == separator {
                    pass.out.push(offset(p));
                } else if byte == b'\n' {
                    match pass.close(bytes, p) {
                        Closed::Record if pass.rows == most => return Stop::Full,
                        Closed::Record | Closed::Nothing => {}
                        Closed::Fault(fault) => return Stop::Fault(fault),
                    }
                } else if p == pass.field_begin() {
                    match closing_quote(bytes, p + 1, quote, separator, last) {
                        Quoted::Closed(next) => {
                            at = next;
                            continue 'search;
                        }
                        Quoted::More if last => return Stop::Fault(Fault::Unclosed { column: pass.column() }),
                        Quoted::More => return Stop::Bytes { quoted: Some(pass.column()) },
                        Quoted::Fault => return Stop::Fault(Fault::AfterQuote { column: pass.column() }),
                    }
                } else {
                    pass.stray = true;
                }
            }
            at += width;
        }
        if last && pass.begin < bytes.len() {
            if let Closed::Fault(fault) = pass.close(bytes, bytes.len()) {
                return Stop::Fault(fault);
            }
            pass.begin = bytes.len();
        }
        Stop::Bytes { quoted: None }
    }
}

/// One bit for each byte of a block that equals one of the patterns.
#[inline]
fn block_hits(block: &[u8], patterns: [u64; 3]) -> u64 {
    let mut hits = 0;
    for (i, word) in block.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes(word.try_into().expect("chunks of 8"));
        let found = patterns.iter().fold(0, |found, &pattern| found | equal_bytes(word, pattern));
        // Gathers the highest bits of the bytes into one byte.
        hits |= ((found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    hits
}

enum Quoted {
    /// The separator or line end behind the field.
    Closed(usize),
    /// It does not end within these bytes.
    More,
    /// Something else follows the closing quote.
    Fault,
}

/// Where a quoted field ends whose content begins at `from`.
#[inline]
fn closing_quote(bytes: &[u8], from: usize, quote: u8, separator: u8, last: bool) -> Quoted {
    let mut at = from;
    loop {
        let Some(i) = memchr(quote, &bytes[at..]) else { return Quoted::More };
        let next = at + i + 1;
        match bytes.get(next) {
            Some(&b) if b == quote => at = next + 1,
            Some(&b) if b == separator || b == b'\n' => return Quoted::Closed(next),
            Some(b'\r') => match bytes.get(next + 1) {
                Some(b'\n') => return Quoted::Closed(next + 1),
                None if last => return Quoted::Closed(next + 1),
                None => return Quoted::More,
                Some(_) => return Quoted::Fault,
            },
            None if last => return Quoted::Closed(next),
            None => return Quoted::More,
            Some(_) => return Quoted::Fault,
        }
    }
}

/// The state of a pass: the offsets so far, of which those from `first` on belong to a record that is not closed.
struct Pass<'a> {
    out: &'a mut Vec<u32>,
    begin: usize,
    rows: usize,
    first: usize,
    columns: usize,
    stray: bool,
}

enum Closed {
    Record,
    Nothing,
    Fault(Fault),
}

impl Pass<'_> {
    #[inline]
    fn open(&mut self) {
        self.out.push(offset(self.begin - 1));
    }

    #[inline]
    fn field_begin(&self) -> usize {
        self.out.last().map_or(self.begin, |&p| p as usize + 1)
    }

    fn column(&self) -> usize {
        self.out.len() - self.first - 1
    }

    /// Ends the record at the line end `p`.
    #[inline]
    fn close(&mut self, bytes: &[u8], p: usize) -> Closed {
        let begin = self.field_begin();
        let end = if p > begin && bytes[p - 1] == b'\r' { p - 1 } else { p };
        let found = self.out.len() - self.first;
        let closed = if found == self.columns && (found > 1 || end > begin) {
            self.out.push(offset(end));
            self.rows += 1;
            self.first = self.out.len();
            Closed::Record
        } else {
            self.close_unlike(begin, end, found)
        };
        if !matches!(closed, Closed::Fault(_)) {
            self.begin = p + 1;
            self.open();
        }
        closed
    }

    /// Empty lines, records of any width, and records that are too wide or too narrow.
    #[cold]
    fn close_unlike(&mut self, begin: usize, end: usize, found: usize) -> Closed {
        let empty = found == 1 && end == begin;
        if self.columns == 1 && empty {
            self.out.push(offset(end));
            self.rows += 1;
            self.first = self.out.len();
            return Closed::Record;
        }
        if empty {
            self.out.truncate(self.first);
            return Closed::Nothing;
        }
        if self.columns == 0 {
            self.out.push(offset(end));
            self.rows += 1;
            self.first = self.out.len();
            return Closed::Record;
        }
        Closed::Fault(Fault::Ragged { found })
    }
}
