//! The corpora of the fuzzer, for the tests that replay them.

use std::panic::catch_unwind;
use std::path::Path;

/// Holds every file of a target's corpus against what the target checks. There must be at least so many.
pub(crate) fn replay(target: &str, least: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a file");
        assert!(catch_unwind(|| check(&bytes)).is_ok(), "{} does not hold", path.display());
        count += 1;
    }
    assert!(count >= least, "the corpus has {count} files");
}
