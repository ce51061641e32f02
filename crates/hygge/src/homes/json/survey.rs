//! What the files of a scan hold: a sample of their values, and where to cut them.

use std::io::{BufRead, BufReader};

use hygge_core::context::Context;
use hygge_core::split::{Split, how_many};
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::files::buffer::Trouble;
use crate::files::codec::Codec;
use crate::files::csv::complaint::grouped;
use crate::files::json::blocks::{Layout, Next};
use crate::files::json::complaint::Complaints;
use crate::files::json::infer::{MOST_COLUMNS, Objects};
use crate::files::json::piece::Piece;
use crate::files::positioned::From;
use crate::homes::files::cut;

/// How much of the first files is looked at.
pub(super) const FIRST_BYTES: u64 = 10 << 20;

/// How much is looked at of every split beyond.
const SLICE_BYTES: u64 = 64 << 10;

/// A packed byte stands for about so many.
const PACKED: u64 = 6;

/// What a split's payload holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Which file of the scan.
    pub(super) file: usize,
    /// Where in it the first row's line begins, in unpacked bytes.
    pub(super) begin: u64,
    /// Where the line behind the last row begins; none reads to the end.
    pub(super) end: Option<u64>,
}

/// Looks at files.
pub(super) struct Survey<'a> {
    ctx: &'a Context,
    complaints: Complaints,
    /// What was seen of every key.
    pub(super) objects: Objects,
    /// Rows and bytes that were looked at.
    pub(super) looked: (u64, u64),
    /// What of [`FIRST_BYTES`] is left.
    pub(super) left: u64,
}

impl<'a> Survey<'a> {
    pub(super) fn new(ctx: &'a Context, complaints: Complaints, first_bytes: u64) -> Self {
        Self { ctx, complaints, objects: Objects::default(), looked: (0, 0), left: first_bytes }
    }

    /// Looks at the rows of a piece from its beginning: all of them, or as many as a sample needs.
    pub(super) fn sample(&mut self, piece: &Piece, all: bool) -> Result<()> {
        let most = if all { u64::MAX } else { self.left.max(SLICE_BYTES) };
        let mut blocks = piece.sample(most, self.ctx.budget.total() / 8).map_err(Error::as_refusal)?;
        let lines = piece.layout == Layout::Lines;
        let mut rows = 0;
        loop {
            self.ctx.cancel.check()?;
            if self.objects.are_many() {
                let found =
                    format!("the rows have more than {} keys, which no table has", grouped(MOST_COLUMNS as u64));
                return Err(Error::refused(found)
                    .at(&piece.file.shown)
                    .next("let every row be an object with the same few keys"));
            }
            let objects = &mut self.objects;
            let mut look = |bytes: &[u8], at: usize| {
                if lines { objects.look::<true>(bytes, at) } else { objects.look::<false>(bytes, at) }
            };
            match blocks.next(usize::MAX, &mut look, &mut |_| Ok(())) {
                Ok(Next::Rows(more)) => rows += more as u64,
                Ok(Next::Bad(bad)) => {
                    let error = self.complaints.bad(piece, rows + 1, blocks.bytes(), blocks.row_begin(), bad);
                    return Err(error.as_refusal());
                }
                // Reading it will ask for memory, and say what is too large.
                Ok(Next::End | Next::TooLarge { .. }) => break,
                Err(Trouble::Io(error)) => return Err(piece.failed(error).as_refusal()),
                Err(Trouble::Refused(error)) => return Err(error),
            }
        }
        self.looked.0 += rows;
        self.looked.1 += blocks.consumed();
        self.left = self.left.saturating_sub(blocks.consumed().max(1));
        Ok(())
    }

    /// Divides `files` into splits of about `split_bytes` at most for so many readers, and samples them on the way: `all` of
    /// their values, or a slice of every split.
    pub(super) fn splits(
        &mut self,
        files: &[Piece],
        readers: usize,
        split_bytes: u64,
        all: bool,
    ) -> Result<Vec<Split>> {
        let mut groups: Vec<Vec<(Part, u64)>> = Vec::new();
        let mut room = 0;
        let total = files.iter().map(|piece| weighed(piece).1).fold(0, u64::saturating_add);
        let split_bytes = total.div_ceil(how_many(total, readers, split_bytes)).max(1);
        for (file, piece) in files.iter().enumerate() {
            let packed = piece.codec != Codec::Plain;
            let (bytes, weight) = weighed(piece);
            let cuts = if packed || piece.layout != Layout::Lines { 1 } else { weight.div_ceil(split_bytes).max(1) };
            if cuts == 1 {
                let fits = !groups.is_empty() && room >= weight;
                if all || self.left > 0 || !fits {
                    self.sample(piece, all)?;
                }
                let part = (Part { file, begin: piece.begin, end: None }, bytes);
                if let Some(group) = groups.last_mut().filter(|_| fits) {
                    room -= weight;
                    group.push(part);
                } else {
                    room = split_bytes.saturating_sub(weight);
                    groups.push(vec![part]);
                }
                continue;
            }
            self.sample(piece, all)?;
            let mut begin = piece.begin;
            for i in 1..=cuts {
                let wanted =
                    piece.data + u64::try_from(u128::from(bytes) * u128::from(i) / u128::from(cuts)).unwrap_or(bytes);
                let end = if i == cuts { None } else { line_end(piece, wanted)? };
                if end.is_some_and(|end| end <= begin) {
                    continue;
                }
                if begin > piece.data && !all {
                    self.sample(&Piece { begin, end, ..piece.clone() }, false)?;
                }
                groups.push(vec![(Part { file, begin, end }, end.unwrap_or(piece.file.len) - begin)]);
                let Some(end) = end else { break };
                begin = end;
            }
            room = 0;
        }
        groups.into_iter().enumerate().map(|(ordinal, group)| self.split(ordinal, group, files)).collect()
    }

    fn split(&self, ordinal: usize, group: Vec<(Part, u64)>, files: &[Piece]) -> Result<Split> {
        let bytes = group.iter().map(|(_, bytes)| bytes).sum();
        let plain = group.iter().all(|(part, _)| files[part.file].codec == Codec::Plain);
        let label = match &group[..] {
            [(part, _)] => {
                let shown = &files[part.file].file.shown;
                match part.end {
                    None if part.begin == files[part.file].data => shown.clone(),
                    None => format!("{shown} from byte {}", part.begin),
                    Some(end) => format!("{shown} from byte {} to {end}", part.begin),
                }
            }
            [(first, _), .., (last, _)] => {
                format!("{} to {}", files[first.file].file.shown, files[last.file].file.shown)
            }
            [] => String::new(),
        };
        let parts: Vec<Part> = group.into_iter().map(|(part, _)| part).collect();
        cut::split(ordinal, label, &parts, if plain { self.rows_in(bytes) } else { None }, bytes, false)
    }

    /// How many rows so many bytes hold, going by what was looked at.
    fn rows_in(&self, bytes: u64) -> Option<u64> {
        let (rows, of) = self.looked;
        (of > 0).then(|| u64::try_from(u128::from(bytes) * u128::from(rows) / u128::from(of)).unwrap_or(u64::MAX))
    }
}

/// A file's bytes as they lie, and about how many they are unpacked.
fn weighed(piece: &Piece) -> (u64, u64) {
    if piece.codec == Codec::Plain {
        let bytes = piece.file.len.saturating_sub(piece.data);
        (bytes, bytes)
    } else {
        (piece.file.len, piece.file.len.saturating_mul(PACKED))
    }
}

/// Where the first line at or behind a byte begins; none if no other begins.
fn line_end(piece: &Piece, wanted: u64) -> Result<Option<u64>> {
    let failed = |error| Error::io("read", &piece.file.path, error);
    let file = piece.file.open()?;
    // The byte before tells whether a line begins right here.
    let mut at = wanted.saturating_sub(1);
    let mut file = BufReader::new(From::new(file, at));
    loop {
        let bytes = file.fill_buf().map_err(failed)?;
        if bytes.is_empty() || at >= piece.file.len {
            return Ok(None);
        }
        if let Some(found) = memchr::memchr(b'\n', bytes) {
            let begin = at + found as u64 + 1;
            return Ok(Some(begin).filter(|&begin| begin < piece.file.len));
        }
        let passed = bytes.len();
        at += passed as u64;
        file.consume(passed);
    }
}
