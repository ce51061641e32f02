//! The one place that knows which type of the configuration is which home and which store.

use std::path::Path;
use std::sync::Arc;

use hygge_core::home::Home;
use hygge_core::store::Store;
use hygge_core::{Error, Result};

use crate::config::{HomeConfig, ParquetCodec, StoreConfig};
use crate::files::parquet::ParquetFormat;
use crate::files::paths;
use crate::homes::parquet::ParquetHome;
use crate::homes::sqlite::{SqliteHome, SqliteHomeConfig};
use crate::stores::files::FileStore;

/// A home as it is configured. Nothing is opened yet.
///
/// # Errors
/// Refused, if it cannot be as it is configured.
pub fn home(root: &Path, config: &HomeConfig, entity: Option<&str>) -> Result<Arc<dyn Home>> {
    Ok(match config {
        HomeConfig::Sqlite(home) => {
            // Without {entity} all entities are tables of one file.
            let written = match entity {
                Some(_) if home.path.contains("{entity}") => paths::fill_entity(&home.path, entity)?,
                _ => home.path.clone(),
            };
            let path = paths::resolve(root, &written);
            Arc::new(SqliteHome::new(SqliteHomeConfig {
                identity: paths::relative(root, &path),
                types: home.types.iter().cloned().collect(),
                ..SqliteHomeConfig::new(path, written)
            }))
        }
        HomeConfig::Parquet(home) => Arc::new(ParquetHome::new(root, &home.path)),
        HomeConfig::Csv(_) => {
            return Err(Error::refused(format!("homes of type {} are not there yet", config.kind())));
        }
    })
}

/// A store as it is configured. Nothing is opened yet.
///
/// # Errors
/// Refused, if it cannot be as it is configured.
pub fn store(root: &Path, config: &StoreConfig) -> Result<Arc<dyn Store>> {
    Ok(match config {
        StoreConfig::Parquet(store) => Arc::new(FileStore::new(root, &store.path, Arc::new(parquet(store.codec)?))),
        StoreConfig::Csv(_) | StoreConfig::Sqlite(_) => {
            return Err(Error::refused(format!("stores of type {} are not there yet", config.kind())));
        }
    })
}

fn parquet(codec: ParquetCodec) -> Result<ParquetFormat> {
    let (name, level) = match codec {
        ParquetCodec::None => ("none", None),
        ParquetCodec::Snappy => ("snappy", None),
        ParquetCodec::Lz4 => ("lz4", None),
        ParquetCodec::Gzip(level) => ("gzip", Some(level)),
        ParquetCodec::Zstd(level) => ("zstd", Some(level)),
    };
    ParquetFormat::compressed(name, level.map(|level| i32::try_from(level).unwrap_or(i32::MAX)))
}
