//! Where to cut a large file: at positions where a record begins.
//!
//! In the middle of a file nobody can know for certain whether a line end stands inside quotes. So both cases are tried
//! on a window: from the first line end of either on, every record must have the file's width and clean quotes. Where
//! exactly one of them holds, it is taken; else the file is walked from its beginning. A guess is proved by reading: a
//! piece that does not end exactly where the next one begins fails, and the next scan walks.

use memchr::memchr;

use crate::files::csv::index::{Dialect, Indexer, Stop};

/// The windows that are tried, in bytes.
pub(super) const WINDOWS: [usize; 3] = [64 << 10, 512 << 10, 4 << 20];

/// What a window tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// A record begins at this index of the window.
    Record(usize),
    /// No record begins in the rest of the file.
    Nothing,
    /// It cannot be told.
    Unsure,
}

/// Where the first record begins in `window`, whose first byte is not looked at. `last` says that the file ends with it.
pub(super) fn first_record(window: &[u8], last: bool, dialect: Dialect, width: usize) -> Guess {
    let Some(quote) = dialect.quote else {
        return match memchr(b'\n', &window[1..]) {
            Some(at) if last && at + 2 == window.len() => Guess::Nothing,
            Some(at) => Guess::Record(at + 2),
            None if last => Guess::Nothing,
            None => Guess::Unsure,
        };
    };
    let outside = candidate(window, quote, false, last, dialect, width);
    let inside = candidate(window, quote, true, last, dialect, width);
    match (outside, inside) {
        (Some(at), None) | (None, Some(at)) if last && at == window.len() => Guess::Nothing,
        (Some(at), None) | (None, Some(at)) => Guess::Record(at),
        _ => Guess::Unsure,
    }
}

/// The first record if the window begins inside or outside quotes, or none if what follows contradicts it.
fn candidate(window: &[u8], quote: u8, mut inside: bool, last: bool, dialect: Dialect, width: usize) -> Option<usize> {
    let mut begin = None;
    for at in memchr::memchr2_iter(quote, b'\n', &window[1..]) {
        if window[at + 1] == quote {
            inside = !inside;
        } else if !inside {
            begin = Some(at + 2);
            break;
        }
    }
    let begin = begin?;
    let mut indexer = Indexer::new(dialect, width);
    let found = indexer.index(window, begin, last, usize::MAX, &mut Vec::new());
    let clean = matches!(found.stop, Stop::Bytes { .. }) && !indexer.met_stray_quote();
    (clean && (found.rows > 0 || last)).then_some(begin)
}

/// Collects where records begin at or behind wanted positions, while a file is walked from its beginning.
pub(super) struct Walk<'a> {
    wanted: &'a [u64],
    /// The positions that were found.
    pub(super) cuts: Vec<u64>,
}

impl<'a> Walk<'a> {
    /// For `wanted` positions in rising order.
    pub(super) fn new(wanted: &'a [u64]) -> Self {
        Self { wanted, cuts: Vec::new() }
    }

    /// Passes records that begin at `begins`, in bytes of the file; the next ones begin at `end`.
    pub(super) fn pass(&mut self, begins: impl Iterator<Item = u64>, end: u64) {
        let mut begins = begins.peekable();
        while let Some(&wanted) = self.wanted.first().filter(|&&wanted| wanted < end) {
            while begins.next_if(|&begin| begin < wanted).is_some() {}
            // Where all of these records begin before it, the next one is meant.
            let Some(&begin) = begins.peek() else { return };
            if self.cuts.last().is_none_or(|&cut| cut < begin) {
                self.cuts.push(begin);
            }
            self.wanted = &self.wanted[1..];
        }
    }
}
