//! Reading one store.

use super::connection::{database, path};
use super::fields::Fields;
use super::home::{names_tsv, separator};
use super::kinds::{
    ArrowPacking, ArrowStore, Codec, CsvStore, JsonStore, Packing, ParquetCodec, ParquetStore, SqliteStore, StoreConfig,
};
use super::part::{Ending, Kind, Names, Opened, STORE_SIDE, Written, ending, open};
use super::problem::{Problem, Problems};
use super::source::Pos;
use super::spot::Spot;

/// A store, before a flow speaks of entities.
pub(crate) struct StorePart {
    pub(crate) at: Pos,
    /// Where the path or the table is written, for messages.
    pub(crate) place_at: Pos,
    pub(crate) config: StoreConfig,
    pub(crate) spot: Spot,
}

/// Reads a store. None: it is broken, and why has been told.
pub(crate) fn read(written: &Written, names: &Names, problems: &mut Problems) -> Option<StorePart> {
    if let Some(of) = super::custom::store_type(written, names) {
        return super::custom::store(written, of, problems);
    }
    let before = problems.told();
    let opened = open(written, &STORE_SIDE, names, problems)?;
    let fields = &opened.fields;
    let config = match opened.kind {
        Kind::Sql => sqlite(&opened, names, problems).map(StoreConfig::Sqlite),
        Kind::Parquet => parquet(&opened, problems).map(StoreConfig::Parquet),
        Kind::Csv => csv(&opened, problems).map(StoreConfig::Csv),
        Kind::Ndjson | Kind::Json => json(&opened, problems).map(StoreConfig::Json),
        Kind::Arrow => arrow(&opened, problems).map(StoreConfig::Arrow),
        // They are no stores, which has been told.
        Kind::Avro | Kind::Xlsx => None,
        Kind::Exec => super::custom::exec(&opened, problems).map(StoreConfig::Exec),
    };
    if problems.told() > before {
        return None;
    }
    let place_at = ["table", "path", "connection"].iter().find_map(|key| fields.at(key)).unwrap_or(&fields.at);
    Some(StorePart { at: fields.at.clone(), place_at: place_at.clone(), config: config?, spot: opened.spot })
}

fn sqlite(opened: &Opened, names: &Names, problems: &mut Problems) -> Option<SqliteStore> {
    let path = database(opened, names, problems)?;
    let table = opened.fields.text("table");
    if let Some(said) = &table {
        problems.keep(sound_table(&said.at, &said.value))?;
    }
    Some(SqliteStore { path, table: table.map(|said| said.value) })
}

/// Refuses names of tables that belong to hygge or to SQLite.
fn sound_table(at: &Pos, table: &str) -> Result<(), Problem> {
    let lower = table.to_ascii_lowercase();
    if lower.starts_with("_hygge") {
        return Err(Problem::at(at, "tables that begin with _hygge are hygge's own").next("choose another name"));
    }
    if lower.starts_with("sqlite_") {
        return Err(Problem::at(at, "tables that begin with sqlite_ are SQLite's own").next("choose another name"));
    }
    Ok(())
}

/// The path of a store of files, and whether it is one file.
fn place(opened: &Opened, problems: &mut Problems) -> Option<(String, bool)> {
    if !opened.fields.has("path") {
        problems.add(
            Problem::at(&opened.fields.at, format!("{} needs a `path`", opened.shown)).next("write  path: data/users"),
        );
        return None;
    }
    let said = path(&opened.fields, problems)?;
    if said.value.contains(['*', '?']) {
        problems.add(
            Problem::at(&said.at, "a store's path is one place, and this is a pattern")
                .next("write a folder or a file without * and ?"),
        );
        return None;
    }
    let bare = said.value.trim_end_matches('/');
    if bare.is_empty() || bare.rsplit('/').next().is_some_and(|last| matches!(last, "." | "..")) {
        problems.add(
            Problem::at(&said.at, "a store needs a folder or a file of its own, and this path ends in none")
                .next("write a folder below it: data/users"),
        );
        return None;
    }
    match ending(&said.value) {
        Ending::File(kind) if kind == opened.kind => Some((said.value, true)),
        Ending::File(_) => {
            problems.add(
                Problem::at(&said.at, format!("this path ends like another format than {} writes", opened.shown))
                    .next("mend the `path`, or the `type`"),
            );
            None
        }
        _ => Some((bare.to_owned(), false)),
    }
}

/// The columns of `partition_by:`. None: it is broken, and why has been told.
fn partition_by(fields: &Fields, one_file: bool, problems: &mut Problems) -> Option<Vec<String>> {
    let Some(at) = fields.at("partition_by") else { return Some(Vec::new()) };
    // One that was written and does not fit has been told.
    let said = fields.texts("partition_by")?;
    if one_file {
        problems.add(
            Problem::at(at, "`partition_by` parts rows into folders, and the path is that of one file")
                .next("give the path of a folder, or take the line out"),
        );
        return None;
    }
    let mut names: Vec<String> = Vec::with_capacity(said.value.len());
    for name in said.value {
        if names.contains(&name.value) {
            problems.add(
                Problem::at(&name.at, format!("`partition_by` names the column `{}` twice", name.value))
                    .next("keep one of the two"),
            );
            return None;
        }
        names.push(name.value);
    }
    if names.is_empty() {
        problems.add(Problem::at(at, "`partition_by` is an empty list").next("name the columns, or take the line out"));
        return None;
    }
    Some(names)
}

fn parquet(opened: &Opened, problems: &mut Problems) -> Option<ParquetStore> {
    let fields = &opened.fields;
    let (path, one_file) = place(opened, problems)?;
    let codec = match fields.word("compression").map_or("snappy", |said| said.value) {
        "gzip" => ParquetCodec::Gzip(packing(fields, Codec::Gzip, problems)?.level?),
        "zstd" => ParquetCodec::Zstd(packing(fields, Codec::Zstd, problems)?.level?),
        plain => {
            no_level(fields, plain, problems);
            match plain {
                "lz4" => ParquetCodec::Lz4,
                "none" => ParquetCodec::None,
                _ => ParquetCodec::Snappy,
            }
        }
    };
    let row_group_bytes = fields.size("row_group_size").map(|said| said.value);
    let plain = fields.word("encoding").is_some_and(|said| said.value == "plain");
    Some(ParquetStore {
        path,
        one_file,
        partition_by: partition_by(fields, one_file, problems)?,
        codec,
        row_group_bytes,
        plain,
    })
}

fn arrow(opened: &Opened, problems: &mut Problems) -> Option<ArrowStore> {
    let (path, one_file) = place(opened, problems)?;
    let compression = match opened.fields.word("compression").map(|said| said.value) {
        Some("none") => ArrowPacking::None,
        Some("zstd") => ArrowPacking::Zstd,
        _ => ArrowPacking::Lz4,
    };
    Some(ArrowStore { path, one_file, partition_by: partition_by(&opened.fields, one_file, problems)?, compression })
}

fn csv(opened: &Opened, problems: &mut Problems) -> Option<CsvStore> {
    let fields = &opened.fields;
    let (path, one_file) = place(opened, problems)?;
    let compression = compression(fields, one_file.then_some(path.as_str()), "csv", problems)?;
    Some(CsvStore {
        separator: separator(fields, if one_file && names_tsv(&path) { b'\t' } else { b',' }, problems)?,
        path,
        one_file,
        partition_by: partition_by(fields, one_file, problems)?,
        header: fields.flag("header").is_none_or(|said| said.value),
        null_text: fields.text("null_text").map(|said| said.value).unwrap_or_default(),
        compression,
    })
}

fn json(opened: &Opened, problems: &mut Problems) -> Option<JsonStore> {
    let (path, one_file) = place(opened, problems)?;
    let array = opened.kind == Kind::Json;
    let extension = if array { "json" } else { "ndjson" };
    let compression = compression(&opened.fields, one_file.then_some(path.as_str()), extension, problems)?;
    Some(JsonStore {
        path,
        one_file,
        partition_by: partition_by(&opened.fields, one_file, problems)?,
        array,
        compression,
    })
}

/// How files of text are compressed, `file` being the one file that is written.
fn compression(fields: &Fields, file: Option<&str>, extension: &str, problems: &mut Problems) -> Option<Packing> {
    let by_path = file.map(|path| Codec::split(path).1);
    let said = fields.word("compression").and_then(|said| Some((Codec::said(said.value)?, said.at)));
    if let (Some((said, at)), Some(by_path)) = (&said, by_path)
        && *said != by_path
    {
        problems.add(
            Problem::at(at, format!("`compression: {}` disagrees with the end of the path", said.word()))
                .next(format!("end the path in .{extension}{}, or take the line out", said.end())),
        );
        return None;
    }
    let codec = said.map(|(said, _)| said).or(by_path).unwrap_or(Codec::Plain);
    packing(fields, codec, problems)
}

/// A codec with the level that is given, or the usual one.
fn packing(fields: &Fields, codec: Codec, problems: &mut Problems) -> Option<Packing> {
    let Some(levels) = codec.levels() else {
        no_level(fields, codec.word(), problems);
        return Some(Packing { codec, level: None });
    };
    let Some(said) = fields.count("compression_level") else {
        return (!fields.has("compression_level")).then_some(Packing { codec, level: Some(levels.usual) });
    };
    let level = u32::try_from(said.value).ok().filter(|level| (levels.least..=levels.most).contains(level));
    if level.is_none() {
        problems.add(
            Problem::at(&said.at, format!("{} has levels from {} to {}", codec.word(), levels.least, levels.most))
                .next(format!("write  compression_level: {}", levels.usual)),
        );
    }
    level.map(|level| Packing { codec, level: Some(level) })
}

fn no_level(fields: &Fields, codec: &str, problems: &mut Problems) {
    if let Some(at) = fields.at("compression_level") {
        problems.add(
            Problem::at(at, format!("`compression: {codec}` has no levels"))
                .next("take the line out, or write  compression: zstd"),
        );
    }
}
