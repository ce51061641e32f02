//! What the files of a scan hold: headers, a sample of their cells, and where to cut them.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hygge_core::context::Context;
use hygge_core::{Error, Result};

use super::cut::{Guess, WINDOWS, Walk, first_record};
use super::infer::Seen;
use crate::files::buffer::{BLOCK_BYTES, Trouble};
use crate::files::codec::{Codec, Said};
use crate::files::csv::blocks::{Blocks, Ending, Next};
use crate::files::csv::column::{Block, Rules};
use crate::files::csv::complaint::Complaints;
use crate::files::csv::head::{Head, HeadTrouble, read_head};
use crate::files::csv::index::{Dialect, Indexer};
use crate::files::csv::piece::Piece;
use crate::files::listing::PinnedFile;
use crate::files::positioned::From;

/// How much of the first files is looked at.
pub(super) const FIRST_BYTES: u64 = 10 << 20;

/// How much is looked at of every split beyond.
const SLICE_BYTES: u64 = WINDOWS[0] as u64;

/// Looks at files.
pub(super) struct Survey<'a> {
    pub(super) ctx: &'a Context,
    pub(super) dialect: Dialect,
    pub(super) header: bool,
    pub(super) codec: Option<Codec>,
    pub(super) rules: &'a Rules,
    pub(super) complaints: &'a Complaints,
    /// What was seen in each column of the first file.
    pub(super) seen: Vec<Seen>,
    /// The file in which a marker of NULL was first seen in each of them.
    pub(super) marked_in: Vec<Option<String>>,
    /// Rows and bytes that were looked at.
    pub(super) looked: (u64, u64),
    /// What of [`FIRST_BYTES`] is left.
    pub(super) left: u64,
}

/// How a look at records ended.
enum Looked {
    /// At the end, or where the look was to end.
    Over,
    /// At a record that cannot be read.
    Bad(Error),
}

impl<'a> Survey<'a> {
    pub(super) fn new(ctx: &'a Context, rules: &'a Rules, complaints: &'a Complaints) -> Self {
        Self {
            ctx,
            dialect: complaints.dialect,
            header: true,
            codec: None,
            rules,
            complaints,
            seen: Vec::new(),
            marked_in: Vec::new(),
            looked: (0, 0),
            left: FIRST_BYTES,
        }
    }

    /// Reads the beginnings of files: each as one piece, its fields in the order of the first file's columns.
    pub(super) fn heads(&mut self, files: &[PinnedFile]) -> Result<(Vec<String>, Vec<Piece>)> {
        let mut names: Option<Arc<[String]>> = None;
        let mut usual: Option<Arc<[usize]>> = None;
        let mut pieces = Vec::with_capacity(files.len());
        for file in files {
            self.ctx.cancel.check()?;
            let (codec, said) = match self.codec {
                Some(codec) => (codec, Said::Option),
                None => (Codec::of(&file.path), Said::Name),
            };
            let head = self.head(file, codec, said)?;
            let width = head.names.len();
            let names: &[String] = names.get_or_insert_with(|| head.names.clone().into());
            let in_order = usual.get_or_insert_with(|| (0..names.len()).collect());
            let fields = if *names == *head.names {
                Arc::clone(in_order)
            } else {
                let first = &files[0].shown;
                fields_by_name(names, &head.names, first).map_err(|e| e.as_refusal().at(&file.shown))?
            };
            pieces.push(Piece {
                file: file.clone(),
                codec,
                said,
                data: head.data,
                begin: head.data,
                end: None,
                width,
                fields,
            });
        }
        let names = names.map(|n| n.to_vec()).unwrap_or_default();
        self.seen = vec![Seen::default(); names.len()];
        self.marked_in = vec![None; names.len()];
        Ok((names, pieces))
    }

    fn head(&self, file: &PinnedFile, codec: Codec, said: Said) -> Result<Head> {
        let failed = |error| codec.error(said, file, error);
        let mut source = codec.reader(file.stream(0)?).map_err(failed)?;
        read_head(&mut source, self.dialect, self.header).map_err(|trouble| match trouble {
            HeadTrouble::Io(error) => failed(error).as_refusal(),
            HeadTrouble::Refused(error) => error.at(&file.shown),
        })
    }

    /// Looks at the records of a piece from its beginning: all of them, or as many as a sample needs.
    pub(super) fn sample(&mut self, piece: &Piece, all: bool) -> Result<()> {
        let most = if all { u64::MAX } else { self.left.max(SLICE_BYTES) };
        let mut walk = Walk::new(&[]);
        let before = self.looked.1;
        let looked = self.walk(piece, most, &mut walk)?;
        self.left = self.left.saturating_sub(self.looked.1 - before);
        match looked {
            Looked::Over => Ok(()),
            Looked::Bad(error) => Err(error.as_refusal()),
        }
    }

    /// Finds where a plain file is cut, about where it is `wanted`; `careful` by walking, not by guessing.
    pub(super) fn cut(&mut self, piece: &Piece, wanted: &[u64], careful: bool, all: bool) -> Result<Vec<u64>> {
        if !careful
            && !all
            && let Some(cuts) = self.guess(piece, wanted)?
        {
            return Ok(cuts);
        }
        self.walked_cuts(piece, wanted, all)
    }

    /// Finds cuts by looking at windows. None: it cannot be told in one of them.
    fn guess(&mut self, piece: &Piece, wanted: &[u64]) -> Result<Option<Vec<u64>>> {
        let file = piece.file.open()?;
        let mut cuts: Vec<u64> = Vec::new();
        let mut window = Vec::new();
        for &at in wanted {
            self.ctx.cancel.check()?;
            let mut guess = Guess::Unsure;
            for size in WINDOWS {
                // The byte before tells whether a record begins right here.
                let from = at - 1;
                let last = from + size as u64 >= piece.file.len;
                window.clear();
                window.push(0);
                let mut slice = From::new(file.clone(), from).until(from + size as u64);
                slice.read_to_end(&mut window).map_err(|e| Error::io("read", &piece.file.path, e))?;
                guess = first_record(&window, last, self.dialect, piece.width);
                if guess != Guess::Unsure {
                    break;
                }
            }
            match guess {
                Guess::Record(index) => {
                    let cut = at - 1 + index as u64 - 1;
                    if cuts.last().is_none_or(|&before| before < cut) && cut < piece.file.len {
                        cuts.push(cut);
                        self.look_at_window(&window, index, piece);
                    }
                }
                Guess::Nothing => {}
                Guess::Unsure => return Ok(None),
            }
        }
        Ok(Some(cuts))
    }

    fn look_at_window(&mut self, window: &[u8], from: usize, piece: &Piece) {
        let mut offsets = Vec::new();
        let mut indexer = Indexer::new(self.dialect, piece.width);
        indexer.index(window, from, false, usize::MAX, &mut offsets);
        self.see(&Block { bytes: window, offsets: &offsets, stride: indexer.stride() }, piece);
    }

    fn walked_cuts(&mut self, piece: &Piece, wanted: &[u64], all: bool) -> Result<Vec<u64>> {
        let mut walk = Walk::new(wanted);
        let (seen, looked) = (self.seen.clone(), self.looked);
        let ended = self.walk(piece, u64::MAX, &mut walk)?;
        if !all {
            // Only the sample decides on types, however the cuts were found.
            (self.seen, self.looked) = (seen, looked);
        }
        match ended {
            Looked::Bad(error) if all => Err(error.as_refusal()),
            // The piece that holds the bad record will say so when it is read.
            Looked::Bad(_) | Looked::Over => Ok(walk.cuts),
        }
    }

    fn walk(&mut self, piece: &Piece, most: u64, walk: &mut Walk<'_>) -> Result<Looked> {
        let source = piece.open(&Arc::new(AtomicU64::new(0))).map_err(Error::as_refusal)?;
        let indexer = Indexer::new(self.dialect, piece.width);
        let row_limit = self.ctx.budget.total() / 8;
        let (ending, source): (_, Box<dyn Read + Send>) =
            if most == u64::MAX { (piece.ending(), source) } else { (Ending::Anywhere, Box::new(source.take(most))) };
        let mut blocks = Blocks::new(source, indexer, ending, BLOCK_BYTES, row_limit);
        let mut rows = 0;
        loop {
            self.ctx.cancel.check()?;
            let before = blocks.consumed();
            let next = blocks.next(usize::MAX, &mut |_| Ok(()));
            match next {
                Ok(Next::Records) => {
                    let block = blocks.block();
                    self.see(&block, piece);
                    rows += block.rows() as u64;
                    self.looked.0 += block.rows() as u64;
                    self.looked.1 += blocks.consumed() - before;
                    walk.pass(blocks.begins().map(|begin| piece.begin + begin), piece.begin + blocks.consumed());
                }
                Ok(Next::Fault(fault)) => return Ok(Looked::Bad(self.complaints.fault(piece, rows + 1, fault))),
                // Reading it will ask for memory, and say what is too large.
                Ok(Next::End | Next::Loose | Next::TooLarge { .. }) => return Ok(Looked::Over),
                Err(Trouble::Io(error)) => {
                    return Err(piece.failed(error).as_refusal());
                }
                Err(Trouble::Refused(error)) => return Err(error),
            }
        }
    }

    fn see(&mut self, block: &Block<'_>, piece: &Piece) {
        for ((seen, file), &field) in self.seen.iter_mut().zip(&mut self.marked_in).zip(piece.fields.iter()) {
            seen.take(block, field, self.rules);
            if file.is_none() && seen.markers() != 0 {
                *file = Some(piece.file.shown.clone());
            }
        }
    }

    /// How many rows so many bytes hold, going by what was looked at.
    pub(super) fn rows_in(&self, bytes: u64) -> Option<u64> {
        let (rows, of) = self.looked;
        (of > 0).then(|| u64::try_from(u128::from(bytes) * u128::from(rows) / u128::from(of)).unwrap_or(u64::MAX))
    }
}

/// Which field of a file is which of the first file's columns.
fn fields_by_name(names: &[String], here: &[String], first: &str) -> Result<Arc<[usize]>> {
    let advice = "give files of other columns a flow of their own, by a folder or a pattern that names only them";
    let at: HashMap<&str, usize> = here.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let fields: Vec<usize> = names.iter().filter_map(|name| at.get(name.as_str()).copied()).collect();
    if let Some(missing) = names.iter().find(|name| !at.contains_key(name.as_str())) {
        return Err(Error::refused(format!("there is no column {missing}, which {first} has")).next(advice));
    }
    if let Some(more) = here.iter().find(|name| !names.contains(name)) {
        return Err(Error::refused(format!("there is a column {more}, which {first} has not")).next(advice));
    }
    Ok(fields.into())
}
