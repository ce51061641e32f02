//! The laws of a store, kept by folders and files of JSON. What is visible is read by `serde_json`, not by us.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::conformance::{Row, StoreUnderTest, store_laws};
use hygge_core::store::Store;
use serde_json::Value;

use super::{JsonFormat, JsonFormatConfig};
use crate::files::codec::Codec;
use crate::files::durable::Disk;
use crate::files::packing::Packing;
use crate::stores::files::FileStore;
use crate::stores::files::tests::all_below;

struct Subject {
    dir: tempfile::TempDir,
    path: &'static str,
    config: JsonFormatConfig,
}

fn subject(path: &'static str, codec: Codec, array: bool) -> Subject {
    let config = JsonFormatConfig { packing: Packing { codec, level: None }, ..JsonFormatConfig::new(array) };
    Subject { dir: tempfile::tempdir().expect("a folder"), path, config }
}

impl Subject {
    fn rows_in(&self, path: &Path) -> Vec<Row> {
        let mut text = String::new();
        let file = std::fs::File::open(path).expect("opens");
        self.config.packing.codec.reader(file).expect("begins").read_to_string(&mut text).expect("unpacks");
        let rows: Vec<Value> = if self.config.array {
            serde_json::from_str(&text).expect("is JSON")
        } else {
            text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
        };
        let row = |row: &Value| (row["id"].as_i64().expect("a number"), row["name"].as_str().map(str::to_owned));
        rows.iter().map(row).collect()
    }
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        let format = Arc::new(JsonFormat::new(self.config).expect("a format"));
        let store = FileStore::new(self.dir.path(), self.path, format);
        Arc::new(store.on_disk(Disk::default(), Duration::from_millis(1)))
    }

    fn visible(&self) -> Option<Vec<Row>> {
        let live = self.dir.path().join(self.path);
        if live.is_file() {
            return Some(self.rows_in(&live));
        }
        let entries = std::fs::read_dir(live).ok()?;
        Some(entries.flat_map(|entry| self.rows_in(&entry.expect("an entry").path())).collect())
    }

    fn lose_lock(&self) -> bool {
        let name = self.path.rsplit('/').next().expect("a name");
        std::fs::remove_file(self.dir.path().join(format!("data/.{name}.hygge/lock"))).expect("the lock is there");
        true
    }

    fn fingerprint(&self) -> String {
        all_below(self.dir.path())
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }
}

#[test]
fn a_folder_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Plain, false));
}

#[test]
fn a_folder_of_packed_arrays_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Gzip, true));
}

#[test]
fn one_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.ndjson", Codec::Plain, false));
    store_laws(|| subject("data/laws.json", Codec::Plain, true));
}

#[test]
fn one_packed_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.ndjson.gz", Codec::Gzip, false));
    store_laws(|| subject("data/laws.json.zst", Codec::Zstd, true));
}
