//! What must hold of a file, whatever stands in it.

use std::path::Path;

use hygge_core::budget::Budget;
use hygge_core::conformance::{context, split_context};
use hygge_core::context::Context;
use hygge_core::home::{CursorSpec, Home, NullCursor, Opened, ReadRequest, Scan, Source};
use hygge_core::split::Split;
use hygge_core::{Error, ErrorKind, Result, Retry};

/// How many rows a split is said to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// As many as there are.
    Counted,
    /// About as many.
    Guess,
}

/// Reads the file of a home whose root is `root` in one and in parts, within little memory: the same rows, as many as
/// were told before, or an error; and, where the home follows a column, no more than these. The rows of the file, where
/// all of them could be read.
///
/// # Panics
/// If that does not hold, or the home says that it is at fault itself, or that the file changed, which it did not.
#[must_use]
pub fn check(home: &dyn Home, root: &Path, said: Said) -> Option<u64> {
    let whole = ReadRequest { readers: 4, ..ReadRequest::all(Source::Whole { entity: None }) };
    let parts = ReadRequest { split_bytes: 1, ..whole.clone() };
    let found = read(home, root, &whole, said)?;
    assert!(!found.again, "one part begins where the file does");
    let mut apart = read(home, root, &parts, said)?;
    if apart.again {
        // A guess where a row begins may be wrong; then none is made any more.
        apart = read(home, root, &parts, said)?;
        assert!(!apart.again, "running again does not help");
    }
    if let (Some(rows), Some(apart)) = (found.rows, apart.rows) {
        assert_eq!(rows, apart, "as many rows in parts");
    }
    let spec = CursorSpec { column: Some(found.first?), nulls: NullCursor::Skip, ..CursorSpec::default() };
    let follows = ReadRequest { cursor: Some(spec), exact_edge: true, ..whole };
    if let (Some(rows), Some(Read { rows: Some(followed), .. })) = (found.rows, read(home, root, &follows, Said::Guess))
    {
        assert!(followed <= rows, "{followed} rows of {rows} have a value");
    }
    found.rows
}

/// What came of a file.
struct Read {
    /// The first column's name.
    first: Option<String>,
    /// All rows, where nothing was wrong with them.
    rows: Option<u64>,
    /// Whether a new run is said to help.
    again: bool,
}

/// None where the home does not open.
fn read(home: &dyn Home, root: &Path, request: &ReadRequest, said: Said) -> Option<Read> {
    let ctx = Context { budget: Budget::new(32 << 20, 1).expect("enough"), ..context(root.to_path_buf()) };
    let mut again = false;
    let mut told = |error: Error| {
        assert!(error.kind() != ErrorKind::Bug, "{error:?}");
        assert!(!error.found().is_empty());
        again |= error.retry() == Retry::Run;
    };
    let scan = match home.open(&ctx, request) {
        Ok(Opened::Scan(scan)) => scan,
        Ok(Opened::Unchanged(_)) => panic!("nothing was settled before"),
        Err(error) => {
            told(error);
            assert!(!again, "the file does not change");
            return None;
        }
    };
    let first = scan.schema().fields().first().map(|field| field.name().clone());
    let mut rows = Some(0);
    for split in scan.splits() {
        let found = rows_of(&*scan, split, &ctx).map_err(&mut told).ok();
        if let (Some(found), Some(rows), Said::Counted) = (found, split.rows, said) {
            assert_eq!(found, rows, "{}", split.label);
        }
        rows = rows.zip(found).map(|(rows, found)| rows + found);
    }
    if let Err(error) = scan.finish(&ctx) {
        told(error);
        rows = None;
    }
    Some(Read { first, rows, again })
}

fn rows_of(scan: &dyn Scan, split: &Split, ctx: &Context) -> Result<u64> {
    let mut stream = scan.read(split, &split_context(ctx, 1_000))?;
    let mut rows = 0;
    while let Some(batch) = stream.next()? {
        assert_eq!(batch.rows.schema(), scan.schema());
        rows += batch.rows.num_rows() as u64;
    }
    Ok(rows)
}

/// Reads what is in a corpus as a file of that name. At least so many files must be there, and so many be whole.
#[cfg(test)]
pub(crate) fn replay<H: Home>(target: &str, name: &str, home: impl Fn(&Path) -> H, said: Said, least: (usize, usize)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let dir = tempfile::tempdir().expect("a folder");
    let home = home(dir.path());
    let (mut count, mut whole) = (0, 0);
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let path = entry.expect("a file").path();
        std::fs::copy(&path, dir.path().join(name)).expect("copies");
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&home, dir.path(), said)));
        whole += usize::from(found.unwrap_or_else(|_| panic!("{} does not hold", path.display())).is_some());
        count += 1;
    }
    assert!(count >= least.0 && whole >= least.1, "the corpus has {count} files, of which {whole} are whole");
}
