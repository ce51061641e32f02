//! What the files of a scan hold: a sample of their values, and where to cut them.

use std::io::{BufRead, BufReader};

use hygge_core::context::Context;
use hygge_core::split::Split;
use hygge_core::{Error, Result};

use crate::files::buffer::Trouble;
use crate::files::codec::Codec;
use crate::files::csv::complaint::grouped;
use crate::files::json::blocks::{Layout, Next};
use crate::files::json::complaint::Complaints;
use crate::files::json::infer::{MOST_COLUMNS, Objects};
use crate::files::json::piece::Piece;
use crate::files::positioned::From;
use crate::homes::files::text::{self, Text, Turn};

/// How much of the first files is looked at.
pub(super) const FIRST_BYTES: u64 = 10 << 20;

/// How much is looked at of every split beyond.
const SLICE_BYTES: u64 = 64 << 10;

/// A packed byte stands for about so many.
const PACKED: u64 = 6;

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
        let texts: Vec<Text<'_>> = files.iter().map(as_text).collect();
        let groups = text::divide(&texts, readers, split_bytes, |file, turn| {
            let piece = &files[file];
            match turn {
                Turn::Cut(wanted) => return self.cut(piece, &wanted, all),
                Turn::Joined if !all && self.left == 0 => {}
                Turn::Joined | Turn::First => self.sample(piece, all)?,
            }
            Ok(Vec::new())
        })?;
        text::splits(&groups, &texts, |bytes| self.rows_in(bytes))
    }

    /// Finds where a file is cut, about where it is wanted, and samples its parts.
    fn cut(&mut self, piece: &Piece, wanted: &[u64], all: bool) -> Result<Vec<u64>> {
        self.sample(piece, all)?;
        let mut cuts: Vec<u64> = Vec::new();
        for &wanted in wanted {
            let Some(cut) = line_end(piece, wanted)? else { break };
            if cuts.last().is_none_or(|&last| last < cut) {
                cuts.push(cut);
            }
        }
        if !all {
            let ends = cuts.iter().skip(1).copied().map(Some).chain([None]);
            for (&begin, end) in cuts.iter().zip(ends) {
                self.sample(&Piece { begin, end, ..piece.clone() }, false)?;
            }
        }
        Ok(cuts)
    }

    /// How many rows so many bytes hold, going by what was looked at.
    fn rows_in(&self, bytes: u64) -> Option<u64> {
        let (rows, of) = self.looked;
        (of > 0).then(|| u64::try_from(u128::from(bytes) * u128::from(rows) / u128::from(of)).unwrap_or(u64::MAX))
    }
}

fn as_text(piece: &Piece) -> Text<'_> {
    match piece.codec {
        Codec::Plain => Text::plain(&piece.file, piece.data, piece.layout == Layout::Lines),
        _ => Text::packed(&piece.file, piece.data, PACKED),
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
