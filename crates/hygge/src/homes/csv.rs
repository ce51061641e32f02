//! Rows in CSV files: plain or packed; a file, a folder or a pattern.
//!
//! Types are told from a sample, or from all cells, unless they are declared; see `infer`. Files are read side by side,
//! and large plain ones in several pieces; see `cut`.

mod cut;
mod infer;
mod options;
mod scan;
mod splits;
mod survey;
#[cfg(test)]
mod tests;
mod types;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_schema::{DataType, Field, Schema};
use hygge_core::context::Context;
use hygge_core::home::ReadRequest;
use hygge_core::receipt::Options;
use hygge_core::{Error, Part as Side, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::scan::Pieces;
use self::splits::splits;
use self::survey::{FIRST_BYTES, Survey};
use self::types::{Known, types};
use crate::files::codec::{Codec, packed_extensions};
use crate::files::csv::column::{Nulls, Rules, is_readable};
use crate::files::csv::complaint::{Complaints, yaml_key};
use crate::files::csv::index::Dialect;
use crate::files::csv::stream::Reading;
use crate::files::listing::PinnedFile;
use crate::homes::files::{Ask, FilesHome, Found, ReadFormat, counted, files_and_size};
use crate::homes::typed::more_columns;

/// The ends of names that are CSV files in a folder.
pub const EXTENSIONS: &[&str] = packed_extensions!("csv", "tsv");

/// Which cells types are told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Infer {
    /// The first 10 MiB, and a slice of every split.
    #[default]
    Sample,
    /// All of them: the files are read twice.
    All,
}

/// What a CSV home is told.
#[derive(Debug, Clone)]
pub struct CsvHomeConfig {
    /// The folder that a relative path starts from.
    pub root: PathBuf,
    /// A file, a folder or a pattern; may hold `{entity}`.
    pub path: String,
    /// Parts fields.
    pub separator: u8,
    /// Encloses fields; none takes quotes as ordinary characters.
    pub quote: Option<u8>,
    /// Whether files begin with the names of their columns; else they are `column_1` and so on.
    pub header: bool,
    /// What stands for NULL beside the empty field. A quoted empty field is an empty text in columns of text and bytes,
    /// and NULL in others; so is a quoted marker.
    pub nulls: Vec<String>,
    /// Types of columns by name, which are then read leniently; the others are told from the cells.
    pub columns: Vec<(String, DataType)>,
    /// Which cells types are told from.
    pub infer: Infer,
    /// How files are packed; none goes by their names.
    pub codec: Option<Codec>,
}

impl CsvHomeConfig {
    /// Files at `path` with commas, double quotes and a header.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, path: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            path: path.into(),
            separator: b',',
            quote: Some(b'"'),
            header: true,
            nulls: Vec::new(),
            columns: Vec::new(),
            infer: Infer::Sample,
            codec: None,
        }
    }
}

/// CSV files as a home.
pub type CsvHome = FilesHome<Csv>;

/// CSV as it is read.
pub struct Csv {
    config: CsvHomeConfig,
    nulls: Arc<Nulls>,
    /// Set once a guess where a record begins proved wrong: from then on cuts are found by walking.
    careful: Arc<AtomicBool>,
    /// How much of the first files is looked at.
    first_bytes: u64,
}

/// What is to be shown next time.
#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// Types that were told, so that the next files are read alike.
    columns: Vec<(String, DataType)>,
    /// All columns in the order in which they settled.
    #[serde(default)]
    order: Vec<String>,
}

impl CsvHome {
    /// The home that `config` describes. Nothing is looked at yet.
    ///
    /// # Errors
    /// Refused, if separator, quote and NULLs cannot be told apart, or a declared type has no text.
    pub fn new(config: CsvHomeConfig) -> Result<Self> {
        let Dialect { separator, quote } = Dialect { separator: config.separator, quote: config.quote };
        let unfit = |byte: u8| byte == b'\n' || byte == b'\r' || !byte.is_ascii() || byte == 0;
        if unfit(separator) || quote.is_some_and(unfit) || quote == Some(separator) {
            return Err(Error::refused(
                "separator and quote must be two different characters of ASCII, and no line ends",
            )
            .next_set(Side::Home, "separator: \",\""));
        }
        if let Some((name, data_type)) = config.columns.iter().find(|(_, data_type)| !is_readable(data_type)) {
            return Err(Error::refused(format!("the column {name} cannot be read from text as {data_type}"))
                .next_set(Side::Home, format!("columns: {{{}: text}}", yaml_key(name))));
        }
        let (root, path) = (config.root.clone(), config.path.clone());
        let nulls = Arc::new(Nulls::new(&config.nulls));
        Ok(Self::of(&root, &path, Csv { config, nulls, careful: Arc::default(), first_bytes: FIRST_BYTES }))
    }
}

impl Csv {
    fn dialect(&self) -> Dialect {
        Dialect { separator: self.config.separator, quote: self.config.quote }
    }

    fn rules(&self) -> Rules {
        Rules { quote: self.config.quote, nulls: Arc::clone(&self.nulls) }
    }

    fn complaints(&self, names: Arc<[String]>) -> Complaints {
        Complaints {
            dialect: self.dialect(),
            nulls: self.config.nulls.clone().into(),
            names,
            careful: Arc::clone(&self.careful),
            ours: false,
        }
    }

    /// A folder says nothing of how its files part their fields, but their names may.
    fn check_separator(&self, names: &[String], shown: &str) -> Result<()> {
        let tabs = names.len() == 1 && names[0].contains('\t') && self.config.separator != b'\t';
        if tabs && shown.to_ascii_lowercase().contains(".tsv") {
            return Err(Error::refused("the fields are parted by tabs")
                .at(shown)
                .next_set(Side::Home, "separator: tab"));
        }
        Ok(())
    }

    fn check_declared(&self, names: &[String], shown: &str) -> Result<()> {
        match self.config.columns.iter().find(|(name, _)| !names.contains(name)) {
            Some((name, _)) => Err(unknown_column(name, names, shown)),
            None => Ok(()),
        }
    }
}

pub(super) fn unknown_column(name: &str, names: &[String], shown: &str) -> Error {
    let nearest = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase()), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= known.chars().count().div_ceil(3));
    let error = Error::refused(format!("there is no column {name}")).at(shown);
    if let Some((_, known)) = nearest {
        return error.next(format!("write {known}, if that is the column you mean"));
    }
    let few: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let more = if names.len() > few.len() { " and others" } else { "" };
    error.next(format!("choose among {}{more}", few.join(", ")))
}

impl ReadFormat for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn shown(&self) -> &'static str {
        "CSV"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reading(&self) -> Options {
        self.reading_options()
    }

    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        let nulls = self.more_nulls(before).map(|more| ("nulls", more));
        let columns = more_columns(&self.config.columns, before, settled).map(|more| ("columns", more));
        nulls.into_iter().chain(columns).collect()
    }

    fn declared(&self) -> &[(String, DataType)] {
        &self.config.columns
    }

    fn read_as(&self, request: &ReadRequest) -> String {
        self.all_options(request)
    }

    fn in_parts(&self) -> bool {
        true
    }

    fn check(&self, ctx: &Context, _shown: &str, files: &[PinnedFile]) -> Result<Vec<String>> {
        let rules = self.rules();
        let complaints = self.complaints(Arc::new([]));
        let mut survey = self.survey(ctx, &rules, &complaints);
        let (names, _) = survey.heads(files)?;
        self.check_declared(&names, &files[0].shown)?;
        Ok(vec![files_and_size(files), counted(names.len() as u64, "column")])
    }

    fn look(&self, ask: &Ask<'_>) -> Result<Found> {
        let Ask { ctx, request, .. } = *ask;
        let shown = ask.files[0].shown.clone();
        let before = serde_json::from_value(Value::Object(ask.before.clone())).ok();
        let before: Remembered = before.unwrap_or_default();
        let rules = self.rules();
        let all_names = self.complaints(Arc::new([]));
        let mut survey = self.survey(ctx, &rules, &all_names);
        let (names, mut files) = survey.heads(ask.files)?;
        self.check_separator(&names, &shown)?;
        self.check_declared(&names, &shown)?;
        let speaking = self.complaints(names.clone().into());
        survey.complaints = &speaking;
        let split_bytes = if request.split_bytes == 0 { 64 << 20 } else { request.split_bytes };
        let all = self.config.infer == Infer::All;
        let careful = self.careful.load(Ordering::Relaxed);
        let splits = splits(&mut survey, &files, request.readers, split_bytes, all, careful)?;

        // What was appended before keeps its types and its order, as long as the new files fit them.
        let (before, order) = match &request.like {
            Some(like) => (
                like.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect(),
                like.fields().iter().map(|f| f.name().clone()).collect(),
            ),
            None => (before.columns, before.order),
        };
        let same = order.len() == names.len() && order.iter().all(|name| names.contains(name));
        let order = Some(order).filter(|_| same && self.config.header);
        let chosen = chosen(request.columns.as_deref().or(order.as_deref()), &names, &shown)?;
        let joins = request.skip_settled || request.like.is_some();
        let known = Known { declared: &self.config.columns, before: &before, joins, nulls: &self.config.nulls };
        let (types, notes) = types(&names, &chosen, &survey, &known);
        let field = |&at: &usize| Field::new(&names[at], types[at].clone(), true);
        let schema = Arc::new(Schema::new(chosen.iter().map(field).collect::<Vec<_>>()));
        let declared = |name: &String| self.config.columns.iter().any(|(n, _)| n == name);
        let strict = chosen.iter().map(|&at| !declared(&names[at])).collect();
        for piece in &mut files {
            piece.fields = chosen.iter().map(|&at| piece.fields[at]).collect();
        }
        let complaints = self.complaints(chosen.iter().map(|&at| names[at].clone()).collect());
        let order = chosen.iter().map(|&at| names[at].clone()).collect();
        let columns = names.iter().cloned().zip(types).filter(|(name, _)| !declared(name)).collect();
        let remember = serde_json::to_value(Remembered { columns, order });
        let Ok(Value::Object(remember)) = remember else {
            return Err(Error::bug("what is remembered of CSV files could not be written as JSON"));
        };
        let reading = Reading { schema: Arc::clone(&schema), strict, rules, complaints };
        Ok(Found { schema, names, splits, bound: None, notes, remember, rows: Box::new(Pieces { reading, files }) })
    }
}

impl Csv {
    fn survey<'a>(&self, ctx: &'a Context, rules: &'a Rules, complaints: &'a Complaints) -> Survey<'a> {
        let mut survey = Survey::new(ctx, rules, complaints);
        survey.header = self.config.header;
        survey.codec = self.config.codec;
        survey.left = self.first_bytes;
        survey
    }
}

/// Which of the files' columns are asked for, in the order asked.
pub(super) fn chosen(asked: Option<&[String]>, names: &[String], shown: &str) -> Result<Vec<usize>> {
    let Some(asked) = asked else { return Ok((0..names.len()).collect()) };
    asked
        .iter()
        .map(|name| names.iter().position(|n| n == name).ok_or_else(|| unknown_column(name, names, shown)))
        .collect()
}
