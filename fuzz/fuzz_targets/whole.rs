//! A file of any bytes, read by its home as a run reads it, within little memory.

use std::path::PathBuf;
use std::sync::OnceLock;

use hygge_core::budget::Budget;
use hygge_core::conformance::{context, split_context};
use hygge_core::context::Context;
use hygge_core::home::{Home, Opened, ReadRequest, Source};

/// What a damaged file makes the library panic at is caught, and is no crash; what is asserted here ends the process.
pub fn calm() {
    std::panic::set_hook(Box::new(|panic| {
        if panic.location().is_some_and(|at| at.file().contains("fuzz_targets")) {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}

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

/// Reads `file`, which lies in [`folder`], in splits and in one: the same rows, as many as were told before, or an error.
pub fn read(home: &dyn Home) {
    let ctx = Context { budget: Budget::new(32 << 20, 1).expect("enough"), ..context(folder().clone()) };
    let mut found = Vec::new();
    for split_bytes in [0, 1] {
        let request = ReadRequest { split_bytes, readers: 4, ..ReadRequest::all(Source::Whole { entity: None }) };
        let Ok(Opened::Scan(scan)) = home.open(&ctx, &request) else { return };
        let mut rows = Some(0);
        for split in scan.splits() {
            let Some(read) = rows_of(&*scan, split, &ctx) else {
                rows = None;
                break;
            };
            assert_eq!(split.rows, Some(read), "{}", split.label);
            rows = rows.map(|rows| rows + read);
        }
        found.push(rows);
    }
    if let [Some(whole), Some(parts)] = found[..] {
        assert_eq!(whole, parts);
    }
}

fn rows_of(scan: &dyn hygge_core::home::Scan, split: &hygge_core::split::Split, ctx: &Context) -> Option<u64> {
    let mut stream = scan.read(split, &split_context(ctx, 1_000)).ok()?;
    let mut rows = 0;
    while let Some(batch) = stream.next().ok()? {
        assert_eq!(batch.rows.schema(), scan.schema());
        rows += batch.rows.num_rows() as u64;
    }
    Some(rows)
}
