//! Columns that the folders of files tell: they stand behind the files' own, one value a file.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::event::Note;
use hygge_core::home::{Batch, BatchStream, ReadRequest};
use hygge_core::receipt::Options;
use hygge_core::split::Split;
use hygge_core::yaml::word;
use hygge_core::{Error, Part as Side, Result};

use super::{Ask, Found, ReadFormat, ReadSplit};
use crate::files::hive::{self, KeyColumns, KeyedStream, Keys};
use crate::files::listing::{Below, PinnedFile};
use crate::homes::typed::{column_line, type_word};

/// The option's name, in the configuration and in what a home remembers.
pub(super) const OPTION: &str = "partitions";

/// What `partitions:` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partitions {
    /// Whether folders tell columns.
    pub below: Below,
    /// Which of them become columns, in this order; none means all.
    pub chosen: Option<Vec<String>>,
    /// Types that are given rather than told from the values.
    pub types: Vec<(String, DataType)>,
}

impl Partitions {
    /// The option as receipts keep it; none where nothing is said.
    pub(super) fn said(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let below = match self.below {
            Below::Auto => "auto",
            Below::Hive => "hive",
            Below::Off => "off",
        };
        let chosen = self.chosen.as_ref().map(|names| format!(" [{}]", names.join(", "))).unwrap_or_default();
        let mut types: Vec<String> = self.types.iter().map(|(name, data_type)| column_line(name, data_type)).collect();
        types.sort();
        Some(format!("{below}{chosen} {{{}}}", types.join(", ")))
    }

    /// What the option says more than before, where it only gives types that have settled.
    pub(super) fn widened(&self, before: &Options, settled: &Schema) -> Option<String> {
        if self.below == Below::Off {
            return None;
        }
        // That folders tell columns may have been so without a word.
        let apart = |said: &str| {
            let (head, types) = said.trim_end_matches('}').split_once(" {").unwrap_or((said, ""));
            let chosen = head.split_once(' ').map(|(_, chosen)| chosen.to_owned());
            let types: BTreeSet<String> =
                types.split(", ").filter(|line| !line.is_empty()).map(str::to_owned).collect();
            (head.starts_with("off"), chosen, types)
        };
        let was = apart(before.get(OPTION).map_or("auto {}", String::as_str));
        let now = apart(&self.said()?);
        let more: Vec<&(String, DataType)> =
            self.types.iter().filter(|(name, data_type)| !was.2.contains(&column_line(name, data_type))).collect();
        let as_settled = |(name, data_type): &&(String, DataType)| {
            settled.field_with_name(name).is_ok_and(|field| field.data_type() == data_type)
        };
        if (was.0, &was.1) != (now.0, &now.1) || !was.2.is_subset(&now.2) || !more.iter().all(as_settled) {
            return None;
        }
        let lines: Vec<String> = more.iter().map(|(name, data_type)| column_line(name, data_type)).collect();
        Some(if lines.is_empty() {
            "partitions says what was so without it".to_owned()
        } else {
            format!("partitions says what has settled: {}", lines.join(", "))
        })
    }
}

/// The columns that folders tell of some files.
pub(super) struct Partitioned<'a> {
    said: &'a Partitions,
    names: Vec<String>,
    /// By file, in the order of `names`.
    values: Vec<Vec<Option<String>>>,
    files: &'a [PinnedFile],
}

impl<'a> Partitioned<'a> {
    /// Of `files`, whose folders tell `keys`.
    ///
    /// # Errors
    /// Refused, if the option names others than there are.
    pub(super) fn of(said: &'a Partitions, files: &'a [PinnedFile], keys: Vec<Keys>) -> Result<Self> {
        let there: Vec<String> = keys.first().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let asked = said.chosen.iter().flatten().chain(said.types.iter().map(|(name, _)| name));
        for name in asked {
            if !there.contains(name) {
                return Err(Error::refused(format!("no folder is called {name}=value"))
                    .at(files.first().map_or("", |file| &file.shown))
                    .next(format!("choose among {}", there.join(", "))));
            }
        }
        let names = said.chosen.clone().unwrap_or(there);
        let of_file = |keys: Keys| {
            let value = |name: &String| keys.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.clone());
            names.iter().map(value).collect()
        };
        let values = keys.into_iter().map(of_file).collect();
        Ok(Self { said, names, values, files })
    }

    /// The columns, for people.
    pub(super) fn told(&self) -> String {
        format!("partitions: {}", self.names.join(", "))
    }

    /// Looks at the files by their format, and adds the columns.
    pub(super) fn look(self, format: &dyn ReadFormat, ask: &Ask<'_>) -> Result<Found> {
        self.check_format(format, ask.request)?;
        let mut before = ask.before.clone();
        let settled = before.remove(OPTION).and_then(|types| serde_json::from_value(types).ok());
        let settled: Vec<(String, DataType)> = settled.unwrap_or_default();
        let fields = self.fields(ask.request, &settled)?;
        let is_ours = |name: &str| self.names.iter().any(|ours| ours == name);
        let columns = ask
            .request
            .columns
            .as_ref()
            .map(|columns| columns.iter().filter(|name| !is_ours(name)).cloned().collect::<Vec<_>>());
        let like = ask.request.like.as_ref().map(|like| {
            let theirs = like.fields().iter().filter(|field| !is_ours(field.name())).cloned();
            Arc::new(Schema::new(theirs.collect::<Vec<_>>()))
        });
        // A file cannot be asked for no column at all: its rows are counted by its columns.
        let asked = ReadRequest { columns: columns.filter(|names| !names.is_empty()), like, ..ask.request.clone() };
        let mut found = format.look(&Ask { request: &asked, before: &before, ..*ask })?;
        if let Some(twice) = self.names.iter().find(|name| found.names.contains(name)) {
            return Err(self.is_there_twice(twice));
        }
        let all: Vec<&Arc<Field>> = found.schema.fields().iter().chain(&fields).collect();
        let position = |name: &String| all.iter().position(|field| field.name() == name);
        let sources: Vec<usize> = match &ask.request.columns {
            None => (0..all.len()).collect(),
            Some(columns) => columns
                .iter()
                .map(|name| position(name).ok_or_else(|| Error::bug("a column that was asked for is not there")))
                .collect::<Result<_>>()?,
        };
        let schema = Arc::new(Schema::new(sources.iter().map(|&at| Arc::clone(all[at])).collect::<Vec<_>>()));
        let types: Vec<(&String, &DataType)> = fields.iter().map(|field| (field.name(), field.data_type())).collect();
        let shown: Vec<String> =
            types.iter().map(|(name, data_type)| format!("{name} ({})", type_word(data_type))).collect();
        for (at, field) in fields.iter().enumerate() {
            let empty = self.values.iter().all(|values| values[at].is_none());
            if empty && *field.data_type() == DataType::Utf8 && !self.said.types.iter().any(|(n, _)| n == field.name())
            {
                let name = field.name();
                found.notes.push(Note::from(format!("partition {name} is NULL in all folders, and is taken as text")));
            }
        }
        if !fields.is_empty() {
            found.notes.push(Note::from(format!("columns from the names of folders: {}", shown.join(", "))));
        }
        let Ok(remembered) = serde_json::to_value(&types) else {
            return Err(Error::bug("the types of partitions could not be written as JSON"));
        };
        found.remember.insert(OPTION.to_owned(), remembered);
        let columns = KeyColumns {
            sources,
            width: found.schema.fields().len(),
            types: fields.iter().map(|field| field.data_type().clone()).collect(),
        };
        let rows = Placed {
            inner: Arc::from(found.rows),
            schema: Arc::clone(&schema),
            columns: Arc::new(columns),
            values: Arc::from(self.values),
        };
        found.names.extend(self.names);
        Ok(Found { schema, rows: Box::new(rows), ..found })
    }

    /// What a format is asked about its own columns must not be about these.
    fn check_format(&self, format: &dyn ReadFormat, request: &ReadRequest) -> Result<()> {
        if let Some((name, data_type)) = format.declared().iter().find(|(name, _)| self.names.contains(name)) {
            return Err(Error::refused(format!(
                "{name} is no column of the files but the name of folders, whose types `partitions:` gives: take it out of `columns:`"
            ))
            .at(self.shown())
            .next_set(Side::Home, format!("partitions: {{{}}}", column_line(name, data_type))));
        }
        let followed = request.cursor.as_ref().and_then(|cursor| cursor.column.as_ref());
        match followed.filter(|column| self.names.contains(column)) {
            None => Ok(()),
            Some(column) => Err(Error::refused(format!(
                "{column} is the name of folders, and a watermark follows a column of the files"
            ))
            .at(self.shown())
            .next("take `watermark:` out and write  mode: append  : each file is then loaded once")),
        }
    }

    fn shown(&self) -> &str {
        self.files.first().map_or("", |file| &file.shown)
    }

    fn is_there_twice(&self, name: &str) -> Error {
        let others: Vec<String> = self.names.iter().filter(|other| *other != name).map(|other| word(other)).collect();
        let error = Error::refused(format!(
            "{name} is a column of the files, and also the name of the folders they lie in: nobody can tell which is meant"
        ))
        .at(self.shown());
        if others.is_empty() {
            return error.next(
                "write the path as a pattern (data/**/*.parquet) and  partitions: off  to read the files' own column",
            );
        }
        error.next_set(Side::Home, format!("partitions: [{}]   # takes {name} from the files", others.join(", ")))
    }

    /// A column of each name, of the type that was declared, has settled, or is told.
    fn fields(&self, request: &ReadRequest, settled: &[(String, DataType)]) -> Result<Vec<Arc<Field>>> {
        let mut out = Vec::with_capacity(self.names.len());
        for (at, name) in self.names.iter().enumerate() {
            let of = |types: &[(String, DataType)]| types.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
            let values = || self.values.iter().map(|values| values[at].as_deref());
            let told = hive::told_type(values());
            let fits = |before: &DataType| self.fits(at, before, told.as_ref());
            let like = request.like.as_ref().and_then(|like| like.field_with_name(name).ok());
            let data_type = if let Some(declared) = of(&self.said.types) {
                self.check_values(at, &declared)?;
                declared
            } else if let Some(like) = like.map(Field::data_type).filter(|like| fits(like)) {
                like.clone()
            } else {
                match of(settled) {
                    Some(before) if request.skip_settled && fits(&before) => before,
                    Some(before) if request.skip_settled => return Err(self.has_changed(at, &before)),
                    before => told.clone().or(before).unwrap_or(DataType::Utf8),
                }
            };
            out.push(Arc::new(Field::new(name, data_type, true)));
        }
        Ok(out)
    }

    /// Whether values of which `told` is told are of a type of before, and come back from it as they stand.
    fn fits(&self, at: usize, before: &DataType, told: Option<&DataType>) -> bool {
        match before {
            DataType::Utf8 => true,
            DataType::Int64 | DataType::Date32 => told.is_none_or(|told| told == before),
            declared => self.first_unfit(at, declared).is_none(),
        }
    }

    /// The first file whose value is none of the type.
    fn first_unfit(&self, at: usize, data_type: &DataType) -> Option<&PinnedFile> {
        let is_unfit = |values: &Vec<Option<String>>| {
            !hive::constant(values[at].as_deref(), data_type, 1).is_ok_and(|value| value.is_some())
        };
        self.values.iter().position(is_unfit).and_then(|at| self.files.get(at))
    }

    fn check_values(&self, at: usize, data_type: &DataType) -> Result<()> {
        let name = &self.names[at];
        let text = format!("partitions: {{{}: text}}", word(name));
        if !hive::is_partition_type(data_type) {
            return Err(Error::refused(format!("the name of a folder cannot be read as {}", type_word(data_type)))
                .at(format!("partition {name}"))
                .next_set(Side::Home, text));
        }
        match self.first_unfit(at, data_type) {
            None => Ok(()),
            Some(file) => Err(Error::refused(format!(
                "the partition {name} is declared to be {}, and the folder of this file says something else",
                type_word(data_type)
            ))
            .at(&file.shown)
            .next_set(Side::Home, text)),
        }
    }

    fn has_changed(&self, at: usize, before: &DataType) -> Error {
        let strict = |values: &Vec<Option<String>>| {
            let told = hive::told_type([values[at].as_deref()]);
            told.is_some_and(|told| told != *before)
        };
        let file = self.values.iter().position(strict).and_then(|at| self.files.get(at));
        let name = &self.names[at];
        Error::refused(format!(
            "the partition {name} has settled as {}, and the folder of this file says something else: as text it fits, once all has settled anew",
            type_word(before)
        ))
        .at(file.map_or_else(|| self.shown(), |file| &file.shown))
        .next_set(Side::Home, format!("partitions: {{{}: text}}", word(name)))
    }
}

/// Reads splits by their format, file by file where their values differ, and puts the columns where they belong.
#[derive(Clone)]
struct Placed {
    inner: Arc<dyn ReadSplit>,
    schema: SchemaRef,
    columns: Arc<KeyColumns>,
    /// The values of every file.
    values: Arc<[Vec<Option<String>>]>,
}

impl ReadSplit for Placed {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let alike = |a: usize, b: usize| self.values.get(a) == self.values.get(b);
        let parts = self.inner.by_file(split, &alike)?.into();
        Ok(Box::new(ByFile { of: self.clone(), parts, current: None, ctx: ctx.clone() }))
    }

    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        self.inner.by_file(split, alike)
    }
}

/// Parts of a split one behind the other, with the columns of their folders.
struct ByFile {
    of: Placed,
    parts: VecDeque<(usize, Split)>,
    current: Option<KeyedStream>,
    ctx: SplitContext,
}

impl BatchStream for ByFile {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(current) = &mut self.current {
                if let Some(batch) = current.next()? {
                    return Ok(Some(batch));
                }
                self.current = None;
            }
            let Some((file, part)) = self.parts.pop_front() else { return Ok(None) };
            let values = self.of.values.get(file).ok_or_else(|| Error::bug("a split of another scan"))?;
            let rows = self.of.inner.read(&part, &self.ctx)?;
            self.current = Some(KeyedStream::new(rows, &self.of.columns, &self.of.schema, values, &self.ctx));
        }
    }
}
