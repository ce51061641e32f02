//! A file of any bytes, read by its home as a run reads it, within little memory.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use hygge::homes::files::fuzzed::Said;
use hygge::homes::files::fuzzed::check;
use hygge_core::home::Home;

/// The folder of this process, in memory where there is such a thing.
pub fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let shm = PathBuf::from("/dev/shm");
        let root = if shm.is_dir() { shm } else { std::env::temp_dir() };
        let folder = root.join(format!("hygge-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

/// Reads the bytes as a file of that name.
pub fn read<H: Home>(name: &str, bytes: &[u8], said: Said, home: impl Fn(&Path) -> H) {
    std::fs::write(folder().join(name), bytes).expect("writes");
    let _ = check(&home(folder()), folder(), said);
}
