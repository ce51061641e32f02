//! The shapes that a value may have: one description for the reader and for the JSON Schema.

use serde_json::{Value as Json, json};

use super::keys::Key;
use super::problem::{Problem, any_of, nearest};
use super::source::Pos;
use super::units;
use super::yaml::{Node, Scalar, Value};

/// What a key takes.
pub(crate) enum Shape {
    /// A text, not empty; a bare number counts as text.
    Text,
    /// The URL of a database, or the name of one.
    Connection,
    /// A text that may be empty, or be a word such as `null` that YAML reads otherwise.
    Literal,
    /// One such text or a list of them.
    Literals,
    /// A text or a list of texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds.
    Count(u64, u64),
    /// A number of bytes within bounds.
    Size(u64, u64),
    /// A span of time.
    Span,
    /// A number of days.
    Days,
    /// One of some words.
    Word(&'static [&'static str]),
    /// One of some words; others are explained by whoever reads it.
    Kind(&'static [&'static str]),
    /// Names, types by name, or a list that mixes both.
    Columns,
    /// A program and its arguments.
    Command,
    /// A mapping of names to single texts.
    Variables,
    /// A column, or a mapping of these keys.
    Watermark(&'static [Key]),
    /// A name, a path, or a mapping; the second is the name of its definition in the schema.
    Part(&'static str),
    /// A list of names or mappings.
    Entities,
    /// A mapping of names to the definition of this name.
    Named(&'static str),
    /// A mapping of these keys.
    Group(&'static [Key]),
}

/// What is wrong with a value, and what to write.
type Wrong = (String, String);

impl Shape {
    /// Whether the value fits, deep enough for the typed readers of [`super::fields::Fields`] to rely on it.
    pub(crate) fn check(&self, key: &str, node: &Node, problems: &mut Vec<Problem>) {
        let mut tell = |at: &Pos, (found, advice): Wrong| problems.push(Problem::at(at, found).next(advice));
        match (self, &node.value) {
            (Self::Texts | Self::Literals, Value::List(items)) => {
                let one = if matches!(self, Self::Texts) { Self::Text } else { Self::Literal };
                for item in items {
                    one.check(key, item, problems);
                }
            }
            (Self::Literals, _) => Self::Literal.check(key, node, problems),
            (Self::Command, Value::List(items)) => {
                for item in items {
                    Self::Literal.check(key, item, problems);
                }
            }
            (Self::Command, Value::Scalar(scalar)) if scalar.lost => {}
            (Self::Variables, Value::Map(map)) => {
                for (name, node) in &map.entries {
                    Self::Literal.check(&name.text, node, problems);
                }
            }
            (Self::Columns, Value::List(items)) => {
                for item in items {
                    match &item.value {
                        Value::Map(_) => Self::Columns.check(key, item, problems),
                        _ => Self::Text.check(key, item, problems),
                    }
                }
            }
            (Self::Columns, Value::Map(map)) => {
                let mut cut = false;
                for (name, node) in &map.entries {
                    // The second half of a type that a comma cut in two.
                    if std::mem::take(&mut cut) && name.text.ends_with(')') && node.is_null() {
                        continue;
                    }
                    if let Some(scalar) = node.scalar().filter(|s| s.text.contains('(') && !s.text.contains(')')) {
                        cut = true;
                        let found = format!(
                            "inside {{ }} a comma ends the value, so `{}` is all that is left of this type",
                            scalar.shown()
                        );
                        tell(&node.at, (found, "put the type in quotes: \"decimal(18,2)\"".into()));
                        continue;
                    }
                    let wrong = match node.scalar() {
                        Some(scalar) if scalar.lost => continue,
                        Some(scalar) => units::column_type(&scalar.text).err().map(|e| told(&e, scalar)),
                        None => Some((
                            format!("a column's type is one word, and this is {}", node.kind()),
                            "write a type such as text, int or double".into(),
                        )),
                    };
                    if let Some(wrong) = wrong {
                        tell(&node.at, wrong);
                    }
                }
            }
            (Self::Texts | Self::Columns, _) | (Self::Watermark(_) | Self::Part(_), Value::Scalar(_)) => {
                Self::Text.check(key, node, problems);
            }
            (Self::Watermark(_) | Self::Part(_) | Self::Named(_) | Self::Group(_), Value::Map(_)) => {}
            (Self::Named(_) | Self::Group(_) | Self::Variables, _) if node.is_null() => {}
            (Self::Entities, Value::List(items)) => {
                for item in items {
                    if !matches!(item.value, Value::Map(_)) {
                        Self::Text.check(key, item, problems);
                    }
                }
            }
            (_, Value::Scalar(scalar)) => {
                if let Err(wrong) = self.scalar(key, scalar) {
                    tell(&node.at, wrong);
                }
            }
            _ => tell(
                &node.at,
                (format!("`{key}` takes {}, and this is {}", self.wanted(), node.kind()), self.example(key)),
            ),
        }
    }

    fn scalar(&self, key: &str, scalar: &Scalar) -> Result<(), Wrong> {
        if scalar.lost || matches!(self, Self::Literal) {
            return Ok(());
        }
        if scalar.is_null() || (scalar.text.is_empty() && scalar.written.is_none()) {
            return Err((format!("`{key}` is empty"), self.example(key)));
        }
        if scalar.text.is_empty() {
            return Err((
                format!("`{key}` is empty once {} is expanded", scalar.shown()),
                "give the variable a value".into(),
            ));
        }
        // What stands in quotes is text, unless a variable is in it: then the quotes are only YAML's.
        let bare = !scalar.quoted || scalar.written.is_some();
        let fits = match self {
            Self::Text | Self::Connection | Self::Kind(_) => true,
            Self::Word(words) => said_word(words, &scalar.text).is_some(),
            Self::Flag => bare && flag(&scalar.text).is_some(),
            Self::Count(least, most) => bare && scalar.text.parse().is_ok_and(|n: u64| (*least..=*most).contains(&n)),
            Self::Size(least, most) => match units::size(&scalar.text) {
                Ok(size) => (*least..=*most).contains(&size),
                Err(error) => return Err(told(&error, scalar)),
            },
            Self::Span => return units::duration(&scalar.text).map(|_| ()).map_err(|e| told(&e, scalar)),
            Self::Days => return units::days(&scalar.text).map(|_| ()).map_err(|e| told(&e, scalar)),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let quotes = if bare { "" } else { ", and quotes make it text" };
        let advice = match self {
            Self::Word(words) => match meant(&scalar.text, words) {
                Some(word) => format!("write {word}"),
                None => self.example(key),
            },
            Self::Flag => match scalar.text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => format!("write  {key}: true"),
                "no" | "off" | "n" | "false" => format!("write  {key}: false"),
                _ => self.example(key),
            },
            Self::Count(..) if !bare => format!("write  {key}: {}", scalar.shown()),
            _ => self.example(key),
        };
        Err((format!("`{key}` takes {}, and this is `{}`{quotes}", self.wanted(), scalar.shown()), advice))
    }

    /// What it takes, as part of a sentence.
    fn wanted(&self) -> String {
        match self {
            Self::Text | Self::Connection | Self::Literal | Self::Kind(_) => "a single text".into(),
            Self::Texts | Self::Literals => "a text or a list of texts".into(),
            Self::Flag => "true or false".into(),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Size(least, most) => format!("a size from {} to {}", bytes(*least), bytes(*most)),
            Self::Span => "a span of time".into(),
            Self::Days => "a number of days".into(),
            Self::Word(words) => any_of(words.iter().copied()),
            Self::Columns => "a list of names or a mapping of names to types".into(),
            Self::Watermark(_) => "a column or a mapping".into(),
            Self::Part(_) => "a name, a path or a mapping".into(),
            Self::Entities => "a list of names or mappings".into(),
            Self::Command => "a list: the program, then its arguments".into(),
            Self::Variables => "a mapping of names to texts".into(),
            Self::Named(_) | Self::Group(_) => "a mapping".into(),
        }
    }

    /// An imperative with an example.
    fn example(&self, key: &str) -> String {
        let value = match self {
            Self::Connection => "sqlite:///shop.db".into(),
            Self::Text | Self::Literal => return format!("write one value after  {key}:"),
            Self::Kind(words) | Self::Word(words) => return format!("write {}", any_of(words.iter().copied())),
            Self::Texts => "[first, second]".into(),
            Self::Literals => "[\"NA\", \"\"]".into(),
            Self::Flag => "true".into(),
            Self::Count(_, most) => if *most > 1_000 { "10000" } else { "3" }.into(),
            Self::Size(least, most) => bytes((*most).min((*least).max(64 << 20))),
            Self::Span => "30s".into(),
            Self::Days => "90d".into(),
            Self::Columns => "[id, name]  or  {amount: double}".replace("  or  ", ", or {key}: ").replace("{key}", key),
            Self::Watermark(_) => "updated_at".into(),
            Self::Part("store") => "data/users".into(),
            Self::Part(_) => "{type: sqlite, connection: sqlite:///shop.db, table: users}".into(),
            Self::Command => "[python3, my_program.py]".into(),
            Self::Entities => "[users, orders]".into(),
            Self::Named(_) | Self::Group(_) | Self::Variables => {
                return format!("write  name: value  below  {key}:, indented");
            }
        };
        format!("write  {key}: {value}")
    }

    /// The shape as JSON Schema.
    pub(crate) fn schema(&self) -> Json {
        let text = json!({"type": ["string", "number", "boolean"], "minLength": 1});
        let literal = json!({"type": ["string", "number", "boolean", "null"]});
        let variable = json!({"type": "string", "pattern": "\\$\\{"});
        let reference = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
        let types = json!({"type": "object", "additionalProperties": {"type": "string", "pattern": type_pattern()}});
        match self {
            Self::Text => text,
            Self::Literal => literal,
            Self::Connection => json!({"type": "string", "pattern": "^[^:/.]+$|^sqlite:(///|[^/])|\\$\\{"}),
            Self::Texts => {
                json!({"anyOf": [text, {"type": "array", "items": text, "minItems": 1, "uniqueItems": true}]})
            }
            Self::Literals => json!({"anyOf": [literal, {"type": "array", "items": literal}]}),
            Self::Flag => json!({"anyOf": [{"type": "boolean"}, variable]}),
            Self::Count(least, most) => {
                json!({"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, variable]})
            }
            Self::Size(least, most) => json!({"anyOf": [
                {"type": "integer", "minimum": least, "maximum": most},
                {"type": "string", "pattern": "^\\s*[0-9][0-9_]*\\s*([kKmMgGtT][iI]?)?[bB]?\\s*$"},
                variable
            ]}),
            Self::Span => json!({"type": "string", "pattern": "^\\s*([0-9]+\\s*(ms|s|sec|m|min|h|d|w)\\s*)+$|\\$\\{"}),
            Self::Days => json!({"anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^\\s*[0-9]+\\s*(d|days)?\\s*$|\\$\\{"}
            ]}),
            Self::Word(words) | Self::Kind(words) => json!({"anyOf": [{"enum": words}, variable]}),
            Self::Columns => json!({"anyOf": [
                text,
                types,
                {"type": "array", "items": {"anyOf": [text, types]}, "minItems": 1, "uniqueItems": true}
            ]}),
            Self::Command => json!({"type": "array", "items": literal, "minItems": 1}),
            Self::Variables => json!({"type": ["object", "null"], "additionalProperties": literal}),
            Self::Watermark(keys) => {
                let mut mapping = object(keys);
                mapping["anyOf"] = json!([{"required": ["column"]}, {"required": ["watermark_column"]}]);
                json!({"anyOf": [text, mapping]})
            }
            Self::Part(name) => json!({"anyOf": [text, reference(name)]}),
            Self::Entities => json!({
                "type": "array", "items": {"anyOf": [text, reference("entity")]}, "minItems": 1, "uniqueItems": true
            }),
            Self::Named(name) => json!({
                "type": ["object", "null"],
                "propertyNames": {"pattern": "^[^-\\s./*?:{}][^\\s./*?:{}]*$"},
                "additionalProperties": match *name {
                    "connection" => json!({"type": "string", "pattern": "^sqlite:(///|[^/])|\\$\\{"}),
                    "home" | "store" => json!({"anyOf": [text, reference(name)]}),
                    name => reference(name),
                }
            }),
            Self::Group(keys) => {
                let mut group = object(keys);
                group["type"] = json!(["object", "null"]);
                group
            }
        }
    }
}

/// A closed mapping of some keys.
pub(crate) fn object(keys: &[Key]) -> Json {
    let mut properties = serde_json::Map::new();
    for key in keys {
        let mut schema = key.shape.schema();
        schema["description"] = json!(key.doc);
        properties.insert(key.name.to_owned(), schema);
    }
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn type_pattern() -> String {
    "^[A-Za-z][A-Za-z0-9 ]*(\\(\\s*[0-9]+\\s*(,\\s*[0-9]+\\s*)?\\))?$|\\$\\{".into()
}

/// `true` and `false` as YAML 1.2 writes them.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A number of bytes in the greatest unit that shows it exactly.
fn bytes(n: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if n >= 1 << shift && n.is_multiple_of(1 << shift) {
            return format!("{}{unit}", n >> shift);
        }
    }
    format!("{n}B")
}

/// An error of [`units`], with the value as it may be shown.
fn told(error: &hygge_core::Error, scalar: &Scalar) -> Wrong {
    let found = match &scalar.written {
        Some(written) => error.found().replace(&format!("`{}`", scalar.text), &format!("the value of `{written}`")),
        None => error.found().to_owned(),
    };
    let advice = match error.advice() {
        Some(hygge_core::Advice::Do(advice)) => advice.clone(),
        _ => String::new(),
    };
    (found, advice)
}

/// Words of other tools, with ours.
const MEANT: [(&str, &str); 22] = [
    ("upsert", "merge"),
    ("update", "merge"),
    ("incremental", "append"),
    ("insert", "append"),
    ("overwrite", "replace"),
    ("truncate", "replace"),
    ("full", "replace"),
    ("full", "full_drop"),
    ("replace", "full_drop"),
    ("full_refresh", "full_drop"),
    ("refresh", "full_drop"),
    ("full_refresh", "replace"),
    ("full_drop", "replace"),
    ("gz", "gzip"),
    ("zst", "zstd"),
    ("bz2", "bzip2"),
    ("bzip", "bzip2"),
    ("lzma", "xz"),
    ("uncompressed", "none"),
    ("false", "none"),
    ("always", "every_run"),
    ("full_file", "all"),
];

/// The word that a text says, in small letters or all in capitals (`INFO`).
pub(crate) fn said_word(words: &[&'static str], text: &str) -> Option<&'static str> {
    let capitals = |word: &str| word.to_ascii_uppercase() == text;
    words.iter().copied().find(|word| *word == text || capitals(word))
}

/// The word that was meant.
pub(crate) fn meant<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let ours = MEANT.iter().filter(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours);
    ours.into_iter()
        .find_map(|ours| words.iter().copied().find(|word| *word == ours))
        .or_else(|| nearest(text, words.iter().copied()))
}
