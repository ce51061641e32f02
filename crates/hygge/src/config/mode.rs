//! How a flow's rows settle: many spellings, one meaning.

use hygge_core::flow::Settling;
use hygge_core::home::{CursorSpec, Future, NullCursor, Rewound};

use super::fields::{Fields, Known, Said};
use super::keys::WATERMARK;
use super::kinds::StoreConfig;
use super::problem::{Problem, Problems};
use super::source::Pos;
use super::units;
use super::yaml::Value;

/// What one place of the configuration says of how rows settle.
#[derive(Clone, Default)]
pub(crate) struct Wish {
    incremental: Option<Spelt<bool>>,
    settling: Option<Spelt<Settling>>,
    every_run: Option<Spelt<()>>,
}

/// A value with the words that said it.
#[derive(Clone)]
struct Spelt<T> {
    value: T,
    words: String,
    at: Pos,
}

impl Wish {
    /// Reads `incremental`, `run_type`, `mode` and `append`, and refuses those that disagree.
    pub(crate) fn read(fields: &Fields, problems: &mut Problems) -> Self {
        let incremental = fields.flag("incremental").map(|said| Spelt {
            value: said.value,
            words: format!("incremental: {}", said.value),
            at: said.at,
        });
        let run_type = fields.word("run_type").map(|said| Spelt {
            value: said.value == "incremental",
            words: format!("run_type: {}", said.value),
            at: said.at,
        });
        let settling = fields.word("mode").map(|said| Spelt {
            value: match said.value {
                "append" => Settling::Append,
                "merge" => Settling::Merge,
                _ => Settling::Replace,
            },
            words: format!("mode: {}", said.value),
            at: said.at,
        });
        let every_run =
            fields.word("append").map(|said| Spelt { value: (), words: "append: every_run".into(), at: said.at });
        if let (Some(one), Some(other)) = (&incremental, &run_type)
            && one.value != other.value
        {
            disagree(one, other, "keep one of the two", problems);
        }
        let wish = Self { incremental: incremental.or(run_type), settling, every_run };
        if let (Some(every), Some(mode)) = (&wish.every_run, &wish.settling)
            && mode.value != Settling::Append
        {
            disagree(every, mode, "keep one of the two", problems);
        }
        if let (Some(every), Some(incremental)) = (&wish.every_run, &wish.incremental)
            && incremental.value
        {
            disagree(every, incremental, "keep one of the two", problems);
        }
        if let (Some(mode), Some(incremental)) = (&wish.settling, &wish.incremental) {
            match (mode.value, incremental.value) {
                (Settling::Replace, true) => disagree(mode, incremental, "keep one of the two", problems),
                (Settling::Append, false) if wish.every_run.is_none() => disagree(
                    mode,
                    incremental,
                    "keep one of the two; to append all rows again on every run write  append: every_run",
                    problems,
                ),
                (Settling::Merge, false) if incremental.words.starts_with("run_type") => {
                    disagree(mode, incremental, "keep one of the two", problems);
                }
                _ => {}
            }
        }
        wish
    }

    /// Takes from a weaker place what does not speak against this one.
    pub(crate) fn over(mut self, weaker: &Self) -> Self {
        let settling = self.settling.as_ref().map(|s| s.value);
        let incremental = self.incremental.as_ref().map(|s| s.value);
        let every_run = self.every_run.is_some();
        let fits = |settling: Option<Settling>, incremental: Option<bool>| {
            !matches!(
                (settling, incremental),
                (Some(Settling::Replace), Some(true)) | (Some(Settling::Append), Some(false))
            )
        };
        if self.incremental.is_none()
            && !every_run
            && let Some(theirs) = &weaker.incremental
            && fits(settling, Some(theirs.value))
        {
            self.incremental = Some(theirs.clone());
        }
        if self.settling.is_none()
            && !every_run
            && let Some(theirs) = &weaker.settling
            && fits(Some(theirs.value), incremental)
        {
            self.settling = Some(theirs.clone());
        }
        if self.every_run.is_none()
            && incremental != Some(true)
            && settling.is_none_or(|s| s == Settling::Append)
            && let Some(theirs) = &weaker.every_run
        {
            self.every_run = Some(theirs.clone());
            self.incremental = None;
        }
        self
    }
}

fn disagree<A, B>(one: &Spelt<A>, other: &Spelt<B>, advice: &str, problems: &mut Problems) {
    let (first, second) = if (one.at.line(), one.at.column()) <= (other.at.line(), other.at.column()) {
        ((&one.words, &one.at), (&other.words, &other.at))
    } else {
        ((&other.words, &other.at), (&one.words, &one.at))
    };
    problems.add(
        Problem::at(second.1, format!("`{}` disagrees with `{}` at {}", second.0, first.0, first.1))
            .next(advice)
            .also(first.1),
    );
}

/// What `watermark:` says.
#[derive(Clone)]
pub(crate) struct WatermarkSaid {
    pub(crate) at: Pos,
    pub(crate) spec: CursorSpec,
    /// `primary_key`.
    pub(crate) key: Option<Said<Vec<Said<String>>>>,
}

/// Reads `watermark:`, a column or a mapping.
pub(crate) fn watermark(fields: &Fields, problems: &mut Problems) -> Option<WatermarkSaid> {
    let node = fields.node("watermark")?;
    let at = fields.at("watermark")?.clone();
    if let Value::Scalar(scalar) = &node.value {
        return Some(WatermarkSaid {
            at,
            spec: CursorSpec { column: Some(scalar.text.clone()), ..CursorSpec::default() },
            key: None,
        });
    }
    let before = problems.told();
    let known = Known { what: "`watermark`", tables: &[WATERMARK], elsewhere: &[] };
    let inner = Fields::read(node, &known, problems);
    let (column, long) = (inner.text("column"), inner.text("watermark_column"));
    if let (Some(one), Some(other)) = (&column, &long)
        && one.value != other.value
    {
        problems.add(
            Problem::at(&other.at, format!("`watermark_column` disagrees with `column` at {}", one.at))
                .next("keep one of the two")
                .also(&one.at),
        );
    }
    let column = column.or(long);
    if column.is_none() && !inner.has("column") && !inner.has("watermark_column") {
        problems.add(Problem::at(&inner.at, "`watermark` names no column").next("write  column: updated_at  in it"));
    }
    let lookback = inner.text("lookback");
    if let Some(said) = &lookback
        && said.value.parse::<f64>().map_or(true, |n| !n.is_finite() || n < 0.0)
        && units::duration(&said.value).is_err()
    {
        problems.add(
            Problem::at(&said.at, "`lookback` takes a number for columns of numbers, or a span for columns of times")
                .next("write  lookback: 10  or  lookback: 2h"),
        );
    }
    let word = |name: &str| inner.word(name).map(|said| said.value);
    let spec = CursorSpec {
        column: column.map(|said| said.value),
        lookback: lookback.map(|said| said.value),
        nulls: if word("nulls") == Some("skip") { NullCursor::Skip } else { NullCursor::Error },
        rewound: if word("rewound") == Some("ignore") { Rewound::Ignore } else { Rewound::Error },
        future: if word("future") == Some("allow") { Future::Allow } else { Future::Error },
    };
    (problems.told() == before).then(|| WatermarkSaid { at, spec, key: inner.texts("primary_key") })
}

/// What [`settle`] must know of the flow around the wish.
pub(crate) struct Facts<'f> {
    /// Where the flow or entity is written.
    pub(crate) at: &'f Pos,
    /// Whether the home is a database: it has tables and can have a watermark.
    pub(crate) home_is_sql: bool,
    /// Whether the home decides by itself what it can be asked.
    pub(crate) home_is_free: bool,
    /// Whether a query is read.
    pub(crate) home_is_query: bool,
    pub(crate) store: &'f StoreConfig,
    pub(crate) store_at: &'f Pos,
    pub(crate) key: &'f [String],
    pub(crate) watermark: Option<&'f WatermarkSaid>,
}

/// How rows settle, worked out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settles {
    pub(crate) settling: Settling,
    pub(crate) incremental: bool,
    pub(crate) cursor: Option<CursorSpec>,
    pub(crate) every_run: bool,
}

/// Works out how rows settle, or says why they cannot.
pub(crate) fn settle(wish: &Wish, facts: &Facts<'_>, problems: &mut Problems) -> Option<Settles> {
    if let Some(watermark) = facts.watermark.filter(|_| !facts.home_is_sql && !facts.home_is_free) {
        problems.add(
            Problem::at(&watermark.at, "a watermark is for tables; a home of files remembers its files instead")
                .next("take the line out: with  incremental: true  each file is loaded once"),
        );
        return None;
    }
    let said = wish.settling.as_ref().map(|s| s.value);
    let every_run = wish.every_run.is_some();
    let wanted = wish.incremental.as_ref().map(|s| s.value);
    let remembers = !facts.home_is_sql || facts.watermark.is_some();
    let (settling, incremental) = match (said, wanted) {
        _ if every_run => (Settling::Append, false),
        (None | Some(Settling::Replace), None | Some(false)) => (Settling::Replace, false),
        (None, Some(true)) if facts.store.can_merge() && !facts.key.is_empty() => (Settling::Merge, true),
        (None, Some(true)) => (Settling::Append, true),
        (Some(Settling::Merge), wanted) => (Settling::Merge, wanted.unwrap_or(remembers)),
        (Some(settling), wanted) => (settling, wanted.unwrap_or(true)),
    };
    let at = wish.settling.as_ref().map(|s| &s.at).or(wish.incremental.as_ref().map(|s| &s.at)).unwrap_or(facts.at);
    let at = wish.every_run.as_ref().map_or(at, |s| &s.at);
    let mut refuse = |problem: Problem| {
        problems.add(problem);
        None
    };
    if settling != Settling::Replace && facts.store.is_one_file() {
        return refuse(
            Problem::at(at, "one file can only be replaced as a whole, and this flow adds to what is there")
                .next("give the store a folder as its path, or write  mode: replace")
                .also(facts.store_at),
        );
    }
    if settling == Settling::Merge && !facts.store.can_merge() {
        return refuse(
            Problem::at(at, format!("files cannot be merged, and the store is of type {}", facts.store.kind()))
                .next("write  mode: append  or  mode: replace, or choose a store of type sqlite")
                .also(facts.store_at),
        );
    }
    if settling == Settling::Merge && facts.key.is_empty() {
        return refuse(
            Problem::at(at, "a merge needs to know which columns identify a row").next("add  key: id  beside it"),
        );
    }
    if settling == Settling::Append && !every_run && wanted.is_none() && !remembers {
        return refuse(
            Problem::at(at, "`mode: append` has nothing to remember which rows it has carried, and would carry all of them again").next(
                "add  watermark: updated_at  (a column that only grows), or  incremental: true  to go by the integer primary key, or  append: every_run  if all rows are meant to come again",
            ),
        );
    }
    if incremental && facts.home_is_query && facts.watermark.is_none() {
        return refuse(
            Problem::at(at, "a query has no primary key to tell new rows by")
                .next("add  watermark: updated_at  with a column of the query that only grows"),
        );
    }
    let cursor = match facts.watermark {
        Some(watermark) => Some(watermark.spec.clone()),
        None => (incremental && facts.home_is_sql).then(CursorSpec::default),
    };
    Some(Settles { settling, incremental, cursor, every_run })
}
