//! Reading one home.

use super::connection::{database, sound_path, sound_url};
use super::fields::{Fields, Said};
use super::kinds::{
    Area, Argument, Below, Codec, ColumnTypes, CsvHome, FilesHome, HeaderAt, HomeConfig, HomePath, Infer, JsonHome,
    ParquetHome, Partitions, SqliteHome, XlsxHome,
};
use super::part::{Kind, Names, Opened, Written, open};
use super::problem::{Problem, Problems};
use super::source::Pos;
use super::spot::Spot;
use super::units;
use super::yaml::{Node, Scalar, Value};
use crate::files::web::is_web;

/// A home with what it asks for, before a flow adds its own.
pub(crate) struct HomePart {
    pub(crate) at: Pos,
    pub(crate) config: HomeConfig,
    pub(crate) is_sql: bool,
    /// Whether it decides by itself what it can be asked: a registered type, or a program.
    pub(crate) is_free: bool,
    pub(crate) table: Option<Said<String>>,
    pub(crate) query: Option<Said<String>>,
    pub(crate) tables: Option<Said<String>>,
    pub(crate) exclude: Option<Said<Vec<Said<String>>>>,
    pub(crate) columns: Option<ColumnsSaid>,
    pub(crate) filter: Option<Said<String>>,
    pub(crate) batch_rows: Option<Said<u64>>,
    pub(crate) readers: Option<Said<u64>>,
    pub(crate) spot: Spot,
}

/// What `columns:` says.
#[derive(Clone)]
pub(crate) struct ColumnsSaid {
    pub(crate) at: Pos,
    /// The columns to read; none where only types are given.
    pub(crate) chosen: Option<Vec<String>>,
    pub(crate) types: ColumnTypes,
}

/// Reads a home. None: it is broken, and why has been told.
pub(crate) fn read(written: &Written, names: &Names, problems: &mut Problems) -> Option<HomePart> {
    if let Some(of) = super::custom::home_type(written, names) {
        return super::custom::home(written, of, problems);
    }
    let before = problems.told();
    let opened = open(written, &super::part::HOME_SIDE, names, problems)?;
    let fields = &opened.fields;
    let columns = columns(fields, problems);
    let types = columns.as_ref().map(|c| c.types.clone()).unwrap_or_default();
    let config = match opened.kind {
        Kind::Sql => {
            one_question(fields, problems);
            HomeConfig::Sqlite(SqliteHome {
                path: database(&opened, names, problems)?,
                types,
                many_tables: fields.has("tables"),
            })
        }
        Kind::Parquet => {
            no_types("Parquet", columns.as_ref(), problems);
            HomeConfig::Parquet(ParquetHome {
                path: files_path(&opened, problems)?,
                partitions: partitions(&opened.fields, problems)?,
            })
        }
        Kind::Arrow => {
            no_types("Arrow", columns.as_ref(), problems);
            HomeConfig::Arrow(FilesHome {
                path: files_path(&opened, problems)?,
                partitions: partitions(&opened.fields, problems)?,
            })
        }
        Kind::Avro => {
            no_types("Avro", columns.as_ref(), problems);
            HomeConfig::Avro(FilesHome {
                path: files_path(&opened, problems)?,
                partitions: partitions(&opened.fields, problems)?,
            })
        }
        Kind::Xlsx => HomeConfig::Xlsx(xlsx(&opened, types, problems)?),
        Kind::Csv => HomeConfig::Csv(csv(&opened, types, problems)?),
        Kind::Ndjson | Kind::Json => HomeConfig::Json(json(&opened, types, problems)?),
        Kind::Exec => {
            let said = columns.as_ref().filter(|said| !said.types.is_empty());
            super::custom::no_types(said.map(|said| &said.at), problems);
            HomeConfig::Exec(super::custom::exec(&opened, problems)?)
        }
    };
    if problems.told() > before {
        return None;
    }
    Some(HomePart {
        at: fields.at.clone(),
        config,
        is_sql: opened.kind == Kind::Sql,
        is_free: opened.kind == Kind::Exec,
        table: fields.text("table"),
        query: fields.text("query"),
        tables: fields.text("tables"),
        exclude: fields.texts("exclude"),
        columns,
        filter: fields.text("where"),
        batch_rows: fields.count("batch_size"),
        readers: fields.count("readers").or_else(|| fields.count("connections")),
        spot: opened.spot,
    })
}

/// `table`, `query` and `tables` exclude one another, and `readers` is `connections`.
fn one_question(fields: &Fields, problems: &mut Problems) {
    let mut first: Option<(&str, &Pos)> = None;
    for name in ["table", "query", "tables"] {
        let Some(at) = fields.at(name) else { continue };
        match first {
            None => first = Some((name, at)),
            Some((other, there)) => problems.add(
                Problem::at(at, format!("`{name}` and `{other}` (at {there}) both say what to read"))
                    .next("keep one of the two")
                    .also(there),
            ),
        }
    }
    if let (Some(at), None) = (fields.at("exclude"), fields.at("tables")) {
        problems.add(
            Problem::at(at, "`exclude` leaves tables out of `tables`, and there is no `tables`")
                .next("write  tables: \"*\"  or take the line out"),
        );
    }
    if let (Some(at), Some(tables)) = (fields.at("where"), fields.at("tables")) {
        problems.add(
            Problem::at(at, "one `where` cannot be asked of every table that `tables` finds")
                .next("list the tables as  entities:  of the flow, each with its own `where`")
                .also(tables),
        );
    }
    if let (Some(said), Some(other)) = (fields.count("readers"), fields.count("connections"))
        && said.value != other.value
    {
        problems.add(
            Problem::at(&other.at, format!("`connections` and `readers` (at {}) say the same and disagree", said.at))
                .next("keep one of the two")
                .also(&said.at),
        );
    }
}

/// Refuses types of columns for files that know them.
pub(crate) fn no_types(shown: &str, columns: Option<&ColumnsSaid>, problems: &mut Problems) {
    if let Some(columns) = columns.filter(|columns| !columns.types.is_empty()) {
        problems.add(
            Problem::at(
                &columns.at,
                format!("{shown} files know the types of their columns, so none can be given here"),
            )
            .next("write the names only:  columns: [id, name]"),
        );
    }
}

fn xlsx(opened: &Opened, types: ColumnTypes, problems: &mut Problems) -> Option<XlsxHome> {
    let fields = &opened.fields;
    let range = match fields.text("range") {
        None => None,
        Some(said) => {
            let area = Area::parse(&said.value).ok();
            if area.is_none() {
                problems.add(
                    Problem::at(&said.at, "`range` takes a part of a sheet, and this is none")
                        .next("write  range: A1:F100  (or A:F for all rows)"),
                );
                return None;
            }
            area
        }
    };
    let header = match fields.text("header") {
        None => HeaderAt::First,
        Some(said) => match (said.value.as_str(), said.value.parse::<u32>()) {
            ("true", _) => HeaderAt::First,
            ("false", _) => HeaderAt::None,
            (_, Ok(row)) if row > 0 => HeaderAt::Row(row),
            _ => {
                problems.add(
                    Problem::at(&said.at, "`header` takes true, false, or the number of a row from 1")
                        .next("write  header: 3  if the third row names the columns"),
                );
                return None;
            }
        },
    };
    Some(XlsxHome {
        path: files_path(opened, problems)?,
        types,
        partitions: partitions(fields, problems)?,
        sheet: fields.text("sheet").map(|said| said.value),
        range,
        header,
        nulls: fields
            .texts("nulls")
            .map(|said| said.value.into_iter().map(|text| text.value).collect())
            .unwrap_or_default(),
    })
}

/// The path of a home of files: a file, a folder or a pattern.
fn files_path(opened: &Opened, problems: &mut Problems) -> Option<HomePath> {
    if !opened.fields.has("path") {
        problems.add(
            Problem::at(&opened.fields.at, format!("{} needs a `path`", opened.shown))
                .next("write  path: data/users  (a file, a folder, or a pattern such as data/*.csv)"),
        );
        return None;
    }
    let said = opened.fields.text("path")?;
    let at = &opened.fields.node("path")?.at;
    let headers = headers(opened);
    if is_web(&said.value) {
        problems.keep(sound_url(at, &said.value, "home"))?;
        if let Some(at) = opened.fields.at("partitions") {
            problems.add(
                Problem::at(at, "partitions are told by the names of folders, and a URL names one file")
                    .next("take the line out"),
            );
            return None;
        }
    } else {
        problems.keep(sound_path(at, &said.value))?;
        if let Some(at) = opened.fields.at("headers") {
            problems.add(
                Problem::at(at, "`headers` are sent to a server, and this path is on this machine")
                    .next("take the line out, or write a URL as the path"),
            );
            return None;
        }
    }
    let fits = match super::part::ending(&said.value) {
        super::part::Ending::File(kind) => kind == opened.kind,
        _ => true,
    };
    if !fits {
        problems.add(
            Problem::at(&said.at, format!("this path ends like another format than {} reads", opened.shown))
                .next("mend the `path`, or the `type`"),
        );
        return None;
    }
    if !is_web(&said.value) && said.value.contains('*') {
        let plain = said.value.replace("{entity}", "x");
        if let Err(error) = glob::Pattern::new(&plain) {
            problems.add(
                Problem::at(&said.at, format!("this pattern cannot be read: {}", error.msg))
                    .next("use * within a folder and ** as a whole folder name"),
            );
            return None;
        }
    }
    Some(HomePath { text: said.value, headers })
}

fn headers(opened: &Opened) -> Vec<(String, Argument)> {
    let argument = |scalar: &Scalar| Argument { text: scalar.text.clone(), written: scalar.written.clone() };
    let said = opened.fields.node("headers").and_then(Node::map).map(|map| map.entries.as_slice()).unwrap_or_default();
    said.iter().filter_map(|(name, node)| Some((name.text.clone(), argument(node.scalar()?)))).collect()
}

fn csv(opened: &Opened, types: ColumnTypes, problems: &mut Problems) -> Option<CsvHome> {
    let fields = &opened.fields;
    let path = files_path(opened, problems)?;
    let separator = separator(fields, if names_tsv(&path) { b'\t' } else { b',' }, problems)?;
    let quote = match fields.text("quote") {
        None => Some(b'"'),
        Some(said) if said.value == "none" => None,
        Some(said) => match said.value.as_bytes() {
            [byte] if byte.is_ascii() && *byte != separator && !byte.is_ascii_control() => Some(*byte),
            _ => {
                problems.add(
                    Problem::at(&said.at, "`quote` takes one plain character that is not the separator, or none")
                        .next("write  quote: \"'\"  or  quote: none"),
                );
                return None;
            }
        },
    };
    Some(CsvHome {
        path,
        partitions: partitions(fields, problems)?,
        separator,
        quote,
        header: fields.flag("header").is_none_or(|said| said.value),
        nulls: fields
            .texts("nulls")
            .map(|said| said.value.into_iter().map(|text| text.value).collect())
            .unwrap_or_default(),
        types,
        infer: infer(fields),
        compression: compression(fields),
    })
}

fn json(opened: &Opened, types: ColumnTypes, problems: &mut Problems) -> Option<JsonHome> {
    let fields = &opened.fields;
    Some(JsonHome {
        path: files_path(opened, problems)?,
        partitions: partitions(fields, problems)?,
        lines: opened.kind == Kind::Ndjson,
        types,
        infer: infer(fields),
        nested_as_text: fields.word("nested").is_some_and(|said| said.value == "text"),
        compression: compression(fields),
    })
}

fn infer(fields: &Fields) -> Infer {
    match fields.word("infer").map(|said| said.value) {
        Some("all") => Infer::All,
        _ => Infer::Sample,
    }
}

/// How files are packed, where that is said.
fn compression(fields: &Fields) -> Option<Codec> {
    fields.word("compression").and_then(|said| Codec::said(said.value))
}

/// Whether the last part of a path names files of values parted by tabs. A folder above may be called what it likes.
pub(crate) fn names_tsv(path: &str) -> bool {
    super::part::without_query(path).rsplit('/').next().is_some_and(|last| last.to_ascii_lowercase().contains(".tsv"))
}

/// The `separator:` of CSV files.
pub(crate) fn separator(fields: &Fields, default: u8, problems: &mut Problems) -> Option<u8> {
    let Some(said) = fields.text("separator") else {
        // A separator that was written and does not fit has been told.
        return (!fields.has("separator")).then_some(default);
    };
    match said.value.as_str() {
        "tab" | "\\t" | "\t" => Some(b'\t'),
        "comma" => Some(b','),
        "semicolon" => Some(b';'),
        "pipe" => Some(b'|'),
        "space" => Some(b' '),
        text => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Some(*byte),
            _ => {
                problems.add(
                    Problem::at(
                        &said.at,
                        "`separator` takes one plain character, or tab, comma, semicolon, pipe, space",
                    )
                    .next("write  separator: \";\"  or  separator: tab"),
                );
                None
            }
        },
    }
}

/// Reads `columns:` of a home, a flow or an entity.
pub(crate) fn columns(fields: &Fields, problems: &mut Problems) -> Option<ColumnsSaid> {
    columns_of("columns", fields, problems)
}

/// Reads `partitions:` of a home of files. None: it is broken, and why has been told.
fn partitions(fields: &Fields, problems: &mut Problems) -> Option<Partitions> {
    let Some(at) = fields.at("partitions") else { return Some(Partitions::default()) };
    let below = fields.text("partitions").and_then(|said| match said.value.as_str() {
        "auto" => Some(Below::Auto),
        "hive" | "true" => Some(Below::Hive),
        "off" | "none" | "false" => Some(Below::Off),
        _ => None,
    });
    if let Some(below) = below {
        return Some(Partitions { below, ..Partitions::default() });
    }
    if let Some(said) = fields.text("partitions") {
        let name = hygge_core::yaml::word(&said.value);
        problems.add(
            Problem::at(at, "`partitions` takes auto, hive, off, names of folders, or their types")
                .next(format!("write  partitions: [{name}]  if that is the name before the = of folders")),
        );
        return None;
    }
    let said = columns_of("partitions", fields, problems)?;
    Some(Partitions { below: Below::Hive, chosen: said.chosen, types: said.types })
}

fn columns_of(key: &str, fields: &Fields, problems: &mut Problems) -> Option<ColumnsSaid> {
    let node = fields.node(key)?;
    let mut out = ColumnsSaid { at: fields.at(key)?.clone(), chosen: None, types: Vec::new() };
    let mut seen: Vec<(String, Pos)> = Vec::new();
    let mut see = |name: &str, at: &Pos, problems: &mut Problems| match seen.iter().find(|(n, _)| n == name) {
        Some((_, first)) => problems.add(
            Problem::at(at, format!("the column `{name}` is given twice, first at {first}"))
                .next("keep one of the two"),
        ),
        None => seen.push((name.to_owned(), at.clone())),
    };
    let typed = |node: &Node, types: &mut ColumnTypes, names: &mut Vec<(String, Pos)>| {
        for (name, word) in node.map().map(|map| map.entries.as_slice()).unwrap_or_default() {
            if let Some(kind) = word.scalar().and_then(|scalar| units::column_type(&scalar.text).ok()) {
                types.push((name.text.clone(), kind));
            }
            names.push((name.text.clone(), name.at.clone()));
        }
    };
    let mut named = Vec::new();
    match &node.value {
        Value::Map(_) => {
            typed(node, &mut out.types, &mut named);
            for (name, at) in &named {
                see(name, at, problems);
            }
            return Some(out);
        }
        Value::Scalar(scalar) => named.push((scalar.text.clone(), node.at.clone())),
        Value::List(items) => {
            for item in items {
                match &item.value {
                    Value::Scalar(scalar) => named.push((scalar.text.clone(), item.at.clone())),
                    _ => typed(item, &mut out.types, &mut named),
                }
            }
        }
    }
    for (name, at) in &named {
        see(name, at, problems);
    }
    if named.is_empty() {
        problems.add(
            Problem::at(&node.at, format!("`{key}` is an empty list, and a table without columns has no rows"))
                .next("name the columns, or take the line out to have all of them"),
        );
    }
    out.chosen = Some(named.into_iter().map(|(name, _)| name).collect());
    Some(out)
}
