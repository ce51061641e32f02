//! The laws of a store, kept by folders and files of CSV. What is visible is read by the slow reading, not by ours.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::conformance::{Row, StoreUnderTest, store_laws};
use hygge_core::store::Store;

use super::{CsvFormat, CsvFormatConfig};
use crate::files::codec::Codec;
use crate::files::csv::index::Dialect;
use crate::files::csv::reference;
use crate::files::durable::Disk;
use crate::files::packing::Packing;
use crate::stores::files::FileStore;
use crate::stores::files::tests::all_below;

struct Subject {
    dir: tempfile::TempDir,
    path: &'static str,
    config: CsvFormatConfig,
}

fn subject(path: &'static str, codec: Codec, header: bool) -> Subject {
    let packing = Packing { codec, level: None };
    let config = CsvFormatConfig { header, packing, ..CsvFormatConfig::default() };
    Subject { dir: tempfile::tempdir().expect("a folder"), path, config }
}

impl Subject {
    fn rows_in(&self, path: &Path) -> Vec<Row> {
        let file = std::fs::File::open(path).expect("opens");
        let mut text = Vec::new();
        match self.config.packing.codec {
            Codec::Plain => std::io::BufReader::new(file).read_to_end(&mut text),
            Codec::Gzip => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text),
            Codec::Zstd => zstd::Decoder::new(file).expect("begins").read_to_end(&mut text),
        }
        .expect("unpacks");
        let read = reference::read(&text, Dialect::default(), 2);
        assert_eq!(read.fault, None, "no CSV: {}", String::from_utf8_lossy(&text));
        let text = |field: &(Vec<u8>, bool)| String::from_utf8(field.0.clone()).expect("UTF-8");
        let row = |row: &Vec<reference::Field>| {
            let name = (row[1].1 || !row[1].0.is_empty()).then(|| text(&row[1]));
            (text(&row[0]).parse().expect("a number"), name)
        };
        let mut rows = read.rows.iter();
        if self.config.header {
            let header = rows.next().expect("a header");
            assert_eq!((text(&header[0]), text(&header[1])), ("id".to_owned(), "name".to_owned()));
        }
        rows.map(row).collect()
    }
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        let format = Arc::new(CsvFormat::new(&self.config).expect("a format"));
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
    store_laws(|| subject("data/laws", Codec::Plain, true));
}

#[test]
fn a_folder_of_packed_files_without_headers_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Gzip, false));
}

#[test]
fn one_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.csv", Codec::Plain, true));
}

#[test]
fn one_packed_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.csv.gz", Codec::Gzip, true));
    store_laws(|| subject("data/laws.csv.zst", Codec::Zstd, true));
}
