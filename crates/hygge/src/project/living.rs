//! The one place that knows which type of the configuration is which home and which store.

use std::path::Path;
use std::sync::Arc;

use hygge_core::home::Home;
use hygge_core::simple::UnstagedStore;
use hygge_core::store::Store;
use hygge_core::{Error, Result};

use crate::config::{self, Argument, HomeConfig, HomePath, ParquetCodec, ParquetStore, StoreConfig};
use crate::files::arrow::ArrowFormat;
use crate::files::csv::format::{CsvFormat, CsvFormatConfig};
use crate::files::format::FileFormat;
use crate::files::json::format::{JsonFormat, JsonFormatConfig};
use crate::files::parquet::{Encodings, ParquetFormat};
use crate::files::paths;
use crate::files::web::Header;
use crate::homes::arrow::ArrowHome;
use crate::homes::avro::AvroHome;
use crate::homes::csv::{CsvHome, CsvHomeConfig, Infer};
use crate::homes::exec::ExecHome;
use crate::homes::files::partitions::Partitions;
use crate::homes::files::{FilesHome, ReadFormat};
use crate::homes::json::{JsonHome, JsonHomeConfig};
use crate::homes::parquet::ParquetHome;
use crate::homes::sqlite::{SqliteHome, SqliteHomeConfig};
use crate::homes::xlsx::{XlsxHome, XlsxHomeConfig};
use crate::stores::exec::ExecStore;
use crate::stores::files::FileStore;
use crate::stores::sqlite::{SqliteStore, SqliteStoreConfig};

/// A home as it is configured. Nothing is opened yet.
///
/// # Errors
/// Refused, if it cannot be as it is configured.
pub fn home(root: &Path, config: &HomeConfig, entity: Option<&str>) -> Result<Arc<dyn Home>> {
    Ok(match config {
        HomeConfig::Sqlite(home) => {
            let written = database(&home.path, entity)?;
            let path = paths::resolve(root, &written);
            Arc::new(SqliteHome::new(SqliteHomeConfig {
                identity: paths::relative(root, &path),
                types: home.types.iter().cloned().collect(),
                many_tables: home.many_tables,
                ..SqliteHomeConfig::new(path, written)
            }))
        }
        HomeConfig::Parquet(home) => of_files(ParquetHome::new(root, &home.path), &home.path, &home.partitions),
        HomeConfig::Csv(home) => of_files(CsvHome::new(csv_home(root, home))?, &home.path, &home.partitions),
        HomeConfig::Json(home) => of_files(JsonHome::new(json_home(root, home))?, &home.path, &home.partitions),
        HomeConfig::Arrow(home) => of_files(ArrowHome::new(root, &home.path), &home.path, &home.partitions),
        HomeConfig::Avro(home) => of_files(AvroHome::new(root, &home.path), &home.path, &home.partitions),
        HomeConfig::Xlsx(home) => of_files(XlsxHome::new(xlsx_home(root, home)), &home.path, &home.partitions),
        HomeConfig::Exec(program) => Arc::new(ExecHome::new(root, program, entity)),
        HomeConfig::Custom(home) => (home.made_by.make)(&home.options, root, entity)?,
    })
}

/// A store as it is configured. Nothing is opened yet.
///
/// # Errors
/// Refused, if it cannot be as it is configured.
pub fn store(root: &Path, config: &StoreConfig, entity: Option<&str>) -> Result<Arc<dyn Store>> {
    match config {
        StoreConfig::Parquet(store) => {
            files(root, &store.path, store.one_file, &store.partition_by, Arc::new(parquet(store)?))
        }
        StoreConfig::Exec(program) => Ok(Arc::new(UnstagedStore::new(ExecStore::new(root, program, entity)))),
        StoreConfig::Custom(store) => (store.made_by.make)(&store.options, root, entity),
        StoreConfig::Csv(store) => files(root, &store.path, store.one_file, &store.partition_by, Arc::new(csv(store)?)),
        StoreConfig::Json(store) => {
            files(root, &store.path, store.one_file, &store.partition_by, Arc::new(json(store)?))
        }
        StoreConfig::Arrow(store) => {
            let end = store.path.rsplit('.').next().filter(|end| store.one_file && ["feather", "ipc"].contains(end));
            let format = ArrowFormat::new(store.compression).ending_in(end.unwrap_or("arrow"));
            files(root, &store.path, store.one_file, &store.partition_by, Arc::new(format))
        }
        StoreConfig::Sqlite(store) => {
            let written = database(&store.path, entity)?;
            let path = paths::resolve(root, &written);
            let table = store.table.clone();
            Ok(Arc::new(SqliteStore::new(SqliteStoreConfig { table, ..SqliteStoreConfig::new(path, written) })))
        }
    }
}

/// What all homes of files are told beside what their format is.
fn of_files<F: ReadFormat>(home: FilesHome<F>, path: &HomePath, partitions: &Partitions) -> Arc<dyn Home> {
    Arc::new(home.with_headers(headers(path)).with_partitions(partitions.clone()))
}

fn headers(path: &HomePath) -> Vec<Header> {
    let header = |(name, value): &(String, Argument)| Header { name: name.clone(), value: value.text.clone() };
    path.headers.iter().map(header).collect()
}

/// The path of a database. Without `{entity}` all entities are tables of one file.
fn database(path: &str, entity: Option<&str>) -> Result<String> {
    if path.contains("{entity}") { paths::fill_entity(path, entity) } else { Ok(path.to_owned()) }
}

/// A folder of files, or one file.
fn files(
    root: &Path,
    path: &str,
    one_file: bool,
    partition_by: &[String],
    format: Arc<dyn FileFormat>,
) -> Result<Arc<dyn Store>> {
    let end = format!(".{}", format.extension());
    if one_file && !path.to_ascii_lowercase().ends_with(&end) {
        return Err(Error::refused(format!(
            "{path} is to be one file of {}, and its name does not say so",
            format.name()
        ))
        .next(format!("let the path end in {end}, or in / for a folder of such files")));
    }
    Ok(Arc::new(FileStore::new(root, path, format).partitioned_by(partition_by.to_vec())))
}

fn xlsx_home(root: &Path, home: &config::XlsxHome) -> XlsxHomeConfig {
    XlsxHomeConfig {
        root: root.to_path_buf(),
        path: home.path.text.clone(),
        columns: home.types.clone(),
        sheet: home.sheet.clone(),
        range: home.range,
        header: home.header,
        nulls: home.nulls.clone(),
    }
}

fn csv_home(root: &Path, home: &config::CsvHome) -> CsvHomeConfig {
    CsvHomeConfig {
        separator: home.separator,
        quote: home.quote,
        header: home.header,
        nulls: home.nulls.clone(),
        columns: home.types.clone(),
        infer: infer(home.infer),
        codec: home.compression,
        ..CsvHomeConfig::new(root, home.path.text.clone())
    }
}

fn json_home(root: &Path, home: &config::JsonHome) -> JsonHomeConfig {
    JsonHomeConfig {
        columns: home.types.clone(),
        infer: infer(home.infer),
        nested_as_text: home.nested_as_text,
        codec: home.compression,
        ..JsonHomeConfig::new(root, home.path.text.clone(), home.lines)
    }
}

fn infer(infer: config::Infer) -> Infer {
    match infer {
        config::Infer::Sample => Infer::Sample,
        config::Infer::All => Infer::All,
    }
}

fn json(store: &config::JsonStore) -> Result<JsonFormat> {
    let jsonl = store.one_file && store.path.to_ascii_lowercase().contains(".jsonl");
    JsonFormat::new(JsonFormatConfig { array: store.array, packing: store.compression, jsonl })
}

fn csv(store: &config::CsvStore) -> Result<CsvFormat> {
    CsvFormat::new(&CsvFormatConfig {
        separator: store.separator,
        header: store.header,
        null: store.null_text.clone(),
        packing: store.compression,
        tsv: store.one_file && config::names_tsv(&store.path),
    })
}

fn parquet(store: &ParquetStore) -> Result<ParquetFormat> {
    let (name, level) = match store.codec {
        ParquetCodec::None => ("none", None),
        ParquetCodec::Snappy => ("snappy", None),
        ParquetCodec::Lz4 => ("lz4", None),
        ParquetCodec::Gzip(level) => ("gzip", Some(level)),
        ParquetCodec::Zstd(level) => ("zstd", Some(level)),
    };
    let format = ParquetFormat::compressed(name, level.map(|level| i32::try_from(level).unwrap_or(i32::MAX)))?
        .with_encodings(if store.plain { Encodings::Plain } else { Encodings::Delta });
    Ok(match store.row_group_bytes {
        Some(bytes) => format.with_row_group_bytes(bytes),
        None => format,
    })
}
