//! Files that tell their own columns: a format need only say what a file holds, and read a part of one.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{Batch, BatchStream, ReadRequest};
use hygge_core::receipt::Options;
use hygge_core::split::Split;
use hygge_core::{Error, ErrorKind, Result, Retry};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::agreed::{Agreed, remember_order};
use super::{Ask, Found, ReadFormat, ReadSplit, counted, cut, files_and_size, parts_by_file, payload};
use crate::files::listing::PinnedFile;

/// A format whose files tell which columns they have. All that are read together must have the same, in any order.
pub trait Described: Clone + Send + Sync + 'static {
    /// See [`ReadFormat::name`].
    fn name(&self) -> &'static str;

    /// See [`ReadFormat::shown`].
    fn shown(&self) -> &'static str;

    /// See [`ReadFormat::extensions`].
    fn extensions(&self) -> &'static [&'static str];

    /// The options that decide what is read out of the bytes, by their names in the configuration.
    fn reading(&self) -> Options;

    /// What [`Range`] counts, as a word: `batch`, `byte`.
    fn unit(&self) -> &'static str;

    /// Reads what a file says of itself.
    ///
    /// # Errors
    /// If it cannot be read as this format.
    fn head(&self, pin: &PinnedFile, ctx: &Context) -> Result<Head>;

    /// Refuses columns that are asked for and cannot be handed on.
    ///
    /// # Errors
    /// Naming one, and how to leave it out. `shown` is the first file.
    fn fits(&self, schema: &Schema, shown: &str) -> Result<()> {
        let _ = (schema, shown);
        Ok(())
    }

    /// Reads a part of a file as columns of `schema`, which are found by name.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn read(
        &self,
        pin: &PinnedFile,
        part: Range,
        schema: &SchemaRef,
        ctx: &SplitContext,
    ) -> Result<Box<dyn BatchStream>>;
}

/// What a file says of itself.
pub struct Head {
    /// Its columns.
    pub schema: Schema,
    /// What can be read by itself; together all rows, each once, in their order.
    pub units: Vec<Unit>,
    /// For the plan and the screen.
    pub notes: Vec<Note>,
}

/// A part of a file, in the format's own terms: bytes, or blocks by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Where it begins.
    pub begin: u64,
    /// Where what is behind it begins. Neighbours are read as one.
    pub end: u64,
}

/// A part of a file that can be read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Where it lies.
    pub range: Range,
    /// How many rows it has, where that is known.
    pub rows: Option<u64>,
    /// About how large it is in memory, in bytes.
    pub bytes: u64,
}

/// Parts of files, both in their order, as a split's payload holds them.
type Payload = Vec<(usize, Range)>;

impl<F: Described> ReadFormat for F {
    fn name(&self) -> &'static str {
        Described::name(self)
    }

    fn shown(&self) -> &'static str {
        Described::shown(self)
    }

    fn extensions(&self) -> &'static [&'static str] {
        Described::extensions(self)
    }

    fn reading(&self) -> Options {
        Described::reading(self)
    }

    fn read_as(&self, request: &ReadRequest) -> String {
        format!("{:?} {:?}", Described::reading(self), request.columns)
    }

    fn counts(&self) -> bool {
        true
    }

    fn check(&self, ctx: &Context, _shown: &str, files: &[PinnedFile]) -> Result<Vec<String>> {
        let heads = Heads::of(self, ctx, files)?;
        let columns = counted(heads.agreed.width() as u64, "column");
        let rows = heads.units.iter().map(|(_, unit)| unit.rows).sum::<Option<u64>>();
        let held = rows.map_or_else(|| columns.clone(), |rows| format!("{columns}, {}", counted(rows, "row")));
        Ok(vec![files_and_size(files), held])
    }

    fn look(&self, ask: &Ask<'_>) -> Result<Found> {
        let Heads { agreed, units, notes } = Heads::of(self, ask.ctx, ask.files)?;
        let names = agreed.names();
        let schema = agreed.choose_as_before(ask.request, ask.before)?;
        self.fits(&schema, &ask.files[0].shown)?;
        let mut splits = Vec::new();
        for chunk in cut::chunks(units.iter().collect(), ask.request, |(_, unit)| unit.bytes) {
            let mut parts = Payload::new();
            for &&(file, Unit { range, .. }) in &chunk {
                match parts.last_mut() {
                    Some((last, part)) if *last == file && part.end == range.begin => part.end = range.end,
                    _ => parts.push((file, range)),
                }
            }
            let rows = chunk.iter().map(|(_, unit)| unit.rows).sum();
            let bytes = chunk.iter().map(|(_, unit)| unit.bytes).sum();
            let label = label(&parts, &units, ask.files, self.unit());
            splits.push(cut::split(splits.len(), label, &parts, rows, bytes, false)?);
        }
        let rows = Parts { format: self.clone(), schema: Arc::clone(&schema), files: ask.files.to_vec() };
        let mut remember = Map::new();
        remember_order(&schema, &mut remember);
        Ok(Found { schema, names, splits, bound: None, notes, remember, rows: Box::new(rows) })
    }
}

/// What files say of themselves.
struct Heads {
    agreed: Agreed,
    /// All their parts, by the file's position.
    units: Vec<(usize, Unit)>,
    notes: Vec<Note>,
}

impl Heads {
    fn of<F: Described>(format: &F, ctx: &Context, files: &[PinnedFile]) -> Result<Self> {
        let mut agreed: Option<Agreed> = None;
        let (mut units, mut notes) = (Vec::new(), Vec::new());
        for (at, pin) in files.iter().enumerate() {
            ctx.cancel.check()?;
            // Nothing has been read or written yet.
            let mut head = format.head(pin, ctx).map_err(|e| match (e.kind(), e.retry()) {
                (ErrorKind::Failed, Retry::Never) => e.as_refusal(),
                _ => e,
            })?;
            match &mut agreed {
                None => agreed = Some(Agreed::new(&head.schema, &pin.shown)),
                Some(agreed) => agreed.join(&head.schema, &pin.shown)?,
            }
            units.extend(head.units.into_iter().filter(|unit| unit.rows != Some(0)).map(|unit| (at, unit)));
            notes.append(&mut head.notes);
        }
        let agreed = agreed.ok_or_else(|| Error::bug("no file was looked at"))?;
        Ok(Self { agreed, units, notes })
    }
}

/// What a split reads, for people.
fn label(parts: &[(usize, Range)], units: &[(usize, Unit)], files: &[PinnedFile], unit: &str) -> String {
    let shown = |at: usize| files.get(at).map_or("", |f| f.shown.as_str());
    match parts {
        [(file, part)] => {
            let mut all = units.iter().filter(|(at, _)| at == file).map(|(_, unit)| unit.range);
            let whole = all.next().is_some_and(|first| first.begin == part.begin)
                && all.next_back().is_none_or(|last| last.end <= part.end);
            if whole {
                return shown(*file).to_owned();
            }
            format!("{} from {unit} {} to {}", shown(*file), part.begin, part.end)
        }
        [(first, _), .., (last, _)] if first == last => shown(*first).to_owned(),
        [(first, _), .., (last, _)] => format!("{} to {}", shown(*first), shown(*last)),
        [] => String::new(),
    }
}

/// Reads parts of files.
struct Parts<F> {
    format: F,
    schema: SchemaRef,
    files: Vec<PinnedFile>,
}

impl<F: Described> ReadSplit for Parts<F> {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let parts: Payload = payload(split)?;
        let mut files = VecDeque::with_capacity(parts.len());
        for (at, part) in parts {
            let pin = self.files.get(at).ok_or_else(|| Error::bug("a split of another scan"))?;
            files.push_back((pin.clone(), part));
        }
        Ok(Box::new(InTurn {
            format: self.format.clone(),
            schema: Arc::clone(&self.schema),
            parts: files,
            current: None,
            ctx: ctx.clone(),
        }))
    }

    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        parts_by_file(split, payload::<Payload>(split)?, |(file, _)| *file, alike, |parts| parts)
    }
}

/// One part behind the other.
struct InTurn<F> {
    format: F,
    schema: SchemaRef,
    parts: VecDeque<(PinnedFile, Range)>,
    current: Option<Box<dyn BatchStream>>,
    ctx: SplitContext,
}

impl<F: Described> BatchStream for InTurn<F> {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(current) = &mut self.current {
                if let Some(batch) = current.next()? {
                    return Ok(Some(batch));
                }
                self.current = None;
            }
            let Some((pin, part)) = self.parts.pop_front() else { return Ok(None) };
            self.current = Some(self.format.read(&pin, part, &self.schema, &self.ctx)?);
        }
    }
}
