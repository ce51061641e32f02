//! Rows in JSON files: on lines, or in an array; plain or packed; a file, a folder or a pattern.
//!
//! Types are told from a sample, or from all values, unless they are declared; see [`crate::files::json::infer`]. Large
//! plain files of lines are cut at line ends, which are never inside a row; all others are read whole, as they stream by.

mod survey;
#[cfg(test)]
mod tests;
mod types;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use hygge_core::context::{Context, SplitContext};
use hygge_core::home::{BatchStream, ReadRequest};
use hygge_core::receipt::{Options, Question};
use hygge_core::split::Split;
use hygge_core::{Error, Part as Side, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::survey::{FIRST_BYTES, Survey};
use self::types::{Column, Known, columns};
use crate::files::codec::{Codec, Said, packed_extensions};
use crate::files::csv::complaint::yaml_key;
use crate::files::json::columns::is_readable;
use crate::files::json::complaint::Complaints;
use crate::files::json::infer::Telling;
use crate::files::json::piece::{Kind, Piece};
use crate::files::json::stream::{JsonStream, Reading};
use crate::files::listing::PinnedFile;
use crate::homes::csv::{Infer, chosen, unknown_column};
use crate::homes::files::text::Part;
use crate::homes::files::{
    Ask, FilesHome, Found, ReadFormat, ReadSplit, counted, files_and_size, parts_by_file, payload,
};

/// The ends of names that are files of rows on lines.
pub const LINES_EXTENSIONS: &[&str] = packed_extensions!("ndjson", "jsonl");

/// The ends of names that are files of JSON.
pub const JSON_EXTENSIONS: &[&str] = packed_extensions!("json");

/// What a JSON home is told.
#[derive(Debug, Clone)]
pub struct JsonHomeConfig {
    /// The folder that a relative path starts from.
    pub root: PathBuf,
    /// A file, a folder or a pattern; may hold `{entity}`.
    pub path: String,
    /// Whether rows stand one on a line; else it is told by looking.
    pub lines: bool,
    /// Types of columns by name, which are then read leniently; the others are told from the values.
    pub columns: Vec<(String, DataType)>,
    /// Which values types are told from.
    pub infer: Infer,
    /// Whether objects and lists are read as the JSON that they are, and not as columns of columns.
    pub nested_as_text: bool,
    /// How files are packed; none goes by their names.
    pub codec: Option<Codec>,
}

impl JsonHomeConfig {
    /// Files at `path`, their rows on lines or not.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, path: impl Into<String>, lines: bool) -> Self {
        Self {
            root: root.into(),
            path: path.into(),
            lines,
            columns: Vec::new(),
            infer: Infer::Sample,
            nested_as_text: false,
            codec: None,
        }
    }
}

/// JSON files as a home.
pub type JsonHome = FilesHome<Json>;

/// JSON as it is read.
pub struct Json {
    config: JsonHomeConfig,
    /// How much of the first files is looked at.
    first_bytes: u64,
}

/// What is to be shown next time.
#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// The columns that were told, so that the next files are read alike.
    columns: Vec<Column>,
    /// All columns in the order in which they settled.
    order: Vec<String>,
}

impl JsonHome {
    /// The home that `config` describes. Nothing is looked at yet.
    ///
    /// # Errors
    /// Refused, if a declared type has no JSON.
    pub fn new(config: JsonHomeConfig) -> Result<Self> {
        if let Some((name, data_type)) = config.columns.iter().find(|(_, data_type)| !is_readable(data_type)) {
            return Err(Error::refused(format!("the column {name} cannot be read from JSON as {data_type}"))
                .next_set(Side::Home, format!("columns: {{{}: text}}", yaml_key(name))));
        }
        let (root, path) = (config.root.clone(), config.path.clone());
        Ok(Self::of(&root, &path, Json { config, first_bytes: FIRST_BYTES }))
    }
}

impl Json {
    fn pieces(&self, ctx: &Context, files: &[PinnedFile]) -> Result<Vec<Piece>> {
        let kind = if self.config.lines { Kind::Lines } else { Kind::Any };
        let piece = |file: &PinnedFile| {
            ctx.cancel.check()?;
            let packed = match self.config.codec {
                Some(codec) => (codec, Said::Option),
                None => (Codec::of(&file.path), Said::Name),
            };
            Piece::whole(file.clone(), packed, kind).map_err(Error::as_refusal)
        };
        files.iter().map(piece).collect()
    }

    fn complaints(&self) -> Complaints {
        Complaints { sampled: self.config.infer == Infer::Sample, ours: false }
    }

    fn survey<'a>(&self, ctx: &'a Context) -> Survey<'a> {
        Survey::new(ctx, self.complaints(), self.first_bytes)
    }
}

impl ReadFormat for Json {
    fn name(&self) -> &'static str {
        if self.config.lines { "ndjson" } else { "json" }
    }

    fn shown(&self) -> &'static str {
        if self.config.lines { "NDJSON" } else { "JSON" }
    }

    fn extensions(&self) -> &'static [&'static str] {
        if self.config.lines { LINES_EXTENSIONS } else { JSON_EXTENSIONS }
    }

    fn reading(&self) -> Options {
        // In whatever order they are written.
        let mut columns = self.config.columns.clone();
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        let nested = if self.config.nested_as_text { "text" } else { "columns" };
        let options = [("nested", nested.to_owned()), ("columns", Question::digest(&format!("{columns:?}")))];
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn declared(&self) -> &[(String, DataType)] {
        &self.config.columns
    }

    fn read_as(&self, request: &ReadRequest) -> String {
        let JsonHomeConfig { root: _, path: _, lines, columns, infer, nested_as_text, codec } = &self.config;
        format!("{lines}|{columns:?}|{infer:?}|{nested_as_text}|{codec:?}|{:?}", request.columns)
    }

    fn in_parts(&self) -> bool {
        true
    }

    fn check(&self, ctx: &Context, _shown: &str, files: &[PinnedFile]) -> Result<Vec<String>> {
        let mut survey = self.survey(ctx);
        for piece in &self.pieces(ctx, files)? {
            if survey.left == 0 {
                break;
            }
            survey.sample(piece, false)?;
        }
        Ok(vec![files_and_size(files), counted(survey.objects.keys().len() as u64, "column")])
    }

    fn look(&self, ask: &Ask<'_>) -> Result<Found> {
        let Ask { ctx, request, .. } = *ask;
        let shown = ask.files[0].shown.clone();
        let before = serde_json::from_value(Value::Object(ask.before.clone())).ok();
        let before: Remembered = before.unwrap_or_default();
        let files = self.pieces(ctx, ask.files)?;
        let split_bytes = if request.split_bytes == 0 { 64 << 20 } else { request.split_bytes };
        let mut survey = self.survey(ctx);
        let splits = survey.splits(&files, request.readers, split_bytes, self.config.infer == Infer::All)?;

        let known = Known {
            declared: &self.config.columns,
            before: before.columns,
            order: before.order,
            like: request.like.as_ref(),
            joins: request.skip_settled || request.like.is_some(),
            telling: Telling { nested_as_text: self.config.nested_as_text },
        };
        let all = columns(&survey.objects, &known);
        let names: Vec<String> = all.iter().map(|told| told.column.name.clone()).collect();
        let unseen = |name: &&String| survey.objects.of(name).is_none();
        let declared = self.config.columns.iter().map(|(name, _)| name);
        if let (Infer::All, Some(name)) = (self.config.infer, declared.clone().find(unseen)) {
            let seen: Vec<String> = names.iter().filter(|name| !unseen(name)).cloned().collect();
            return Err(unknown_column(name, &seen, &shown));
        }
        if names.is_empty() {
            let found = if survey.looked.0 == 0 { "there is no row" } else { "no row has a key" };
            return Err(Error::refused(format!("{found}, so that nobody knows the columns"))
                .at(shown)
                .next_set(Side::Home, "columns: {id: int}"));
        }
        let chosen = chosen(request.columns.as_deref(), &names, &shown)?;
        let mut read = vec![false; names.len()];
        for &at in &chosen {
            read[at] = true;
        }
        let notes = types::notes(&all, &chosen);
        let field = |&at: &usize| Field::new(&names[at], all[at].column.data_type.clone(), true);
        let schema = Arc::new(Schema::new(chosen.iter().map(field).collect::<Vec<_>>()));
        let reading = Reading {
            schema: Arc::clone(&schema),
            forms: chosen.iter().map(|&at| all[at].column.form.clone()).collect(),
            strict: chosen.iter().map(|&at| !all[at].declared).collect(),
            unread: names.iter().zip(&read).filter(|(_, read)| !**read).map(|(name, _)| name.clone()).collect(),
            others: request.columns.is_some(),
            complaints: self.complaints(),
        };
        let order = chosen.iter().map(|&at| names[at].clone()).collect();
        let told = all.into_iter().filter(|told| !told.declared).map(|told| told.column).collect();
        let Ok(Value::Object(remember)) = serde_json::to_value(Remembered { columns: told, order }) else {
            return Err(Error::bug("what is remembered of JSON files could not be written"));
        };
        Ok(Found { schema, names, splits, bound: None, notes, remember, rows: Box::new(Pieces { reading, files }) })
    }
}

/// What is read of JSON files.
struct Pieces {
    reading: Reading,
    /// Each file as one piece.
    files: Vec<Piece>,
}

impl ReadSplit for Pieces {
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let parts: Vec<Part> = payload(split)?;
        let pieces = parts
            .into_iter()
            .map(|Part { file, begin, end }| match self.files.get(file) {
                Some(whole) => Ok(Piece { begin, end, ..whole.clone() }),
                None => Err(Error::bug("a split names a file that the scan does not hold")),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Box::new(JsonStream::new(self.reading.clone(), pieces, ctx)?))
    }

    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>> {
        parts_by_file(split, payload::<Vec<Part>>(split)?, |part| part.file, alike, |parts| parts)
    }
}
