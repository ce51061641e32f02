//! Listing a folder that others may exchange for another one at any moment.

use std::path::Path;
use std::time::{Duration, SystemTime};

use hygge_core::{Error, Result};

use super::Listing;
use crate::files::platform::{Identity, changed_of};

/// So often a folder is listed that does not stay what it is.
const TRIES: u32 = 8;

/// The wait before it is listed anew, times the tries so far.
const PAUSE: Duration = Duration::from_millis(10);

/// Lists below `top` until that is one folder from beginning to end: a load takes a folder's name in one step, and what
/// was listed by names before and after that would be two halves of two loads.
///
/// `list` gives none where a folder went away under it.
///
/// # Errors
/// If it never stays; and those of `list`.
pub(super) fn listed(top: &Path, shown: &str, list: impl Fn() -> Result<Option<Listing>>) -> Result<Listing> {
    let moves = || {
        Error::moved_on(
            "the folder is being exchanged while it is listed: one part would be of one load and one of another",
        )
        .at(shown)
        .next("run again")
    };
    if !top.is_dir() {
        return list()?.ok_or_else(moves);
    }
    for n in 1..=TRIES {
        // As long as it is open, no other folder gets its number.
        let open = std::fs::read_dir(top);
        let before = seen(top);
        let found = list();
        let after = seen(top);
        drop(open);
        let same = match (before, after) {
            // One that others add to all the time is taken as it comes in the end; its name stayed with it.
            (Some(before), Some(after)) if n == TRIES => before.0 == after.0,
            (Some(before), Some(after)) => before == after,
            _ => false,
        };
        match found {
            Ok(Some(listing)) if same => return Ok(listing),
            Err(error) if same => return Err(error),
            _ => std::thread::sleep(PAUSE * n),
        }
    }
    Err(moves())
}

/// Which folder it is, and when it was last renamed or had names added: where folders cannot be exchanged, one is moved
/// away and back.
fn seen(top: &Path) -> Option<(Identity, SystemTime)> {
    let meta = std::fs::metadata(top).ok()?;
    Some((Identity::of(&meta), changed_of(&meta)))
}

/// Where another may come between.
pub(super) fn pass(at: &Path) {
    #[cfg(test)]
    tests::come_between(at);
    let _ = at;
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::PathBuf;
    use std::rc::Rc;

    use hygge_core::Retry;

    use super::*;
    use crate::files::listing::FileSource;
    use crate::files::platform;

    type Other = Box<dyn FnMut(&Path)>;

    thread_local! {
        static OTHER: RefCell<Option<Other>> = const { RefCell::new(None) };
    }

    pub(super) fn come_between(at: &Path) {
        OTHER.with_borrow_mut(|other| other.iter_mut().for_each(|other| other(at)));
    }

    /// A folder of two partitions, and beside it the one that the next load has built.
    fn two_loads() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, files) in [("d", &["a"][..]), ("next", &["a", "b"])] {
            for year in ["year=1", "year=2"] {
                let folder = dir.path().join(name).join(year);
                std::fs::create_dir_all(&folder).expect("a folder");
                for file in files {
                    std::fs::write(folder.join(format!("{file}.csv")), file).expect("a file");
                }
            }
        }
        dir
    }

    /// Lists while another does something at each pass, told how many there were before.
    fn names(dir: &Path, written: &str, mut other: impl FnMut(usize, &Path) + 'static) -> Result<Vec<String>> {
        let passed = Rc::new(Cell::new(0));
        let count = Rc::clone(&passed);
        OTHER.set(Some(Box::new(move |at| {
            other(count.get(), at);
            count.set(count.get() + 1);
        })));
        let listing = FileSource::new(dir, written, &["csv"]).list(None);
        OTHER.set(None);
        assert!(passed.get() > 0, "nothing came between");
        Ok(listing?.files.into_iter().map(|file| file.shown).collect())
    }

    fn exchange(dir: &Path) -> impl Fn() + use<> {
        let (live, next): (PathBuf, PathBuf) = (dir.join("d"), dir.join("next"));
        move || platform::exchange(&live, &next).expect("exchanged")
    }

    #[test]
    fn a_listing_is_of_one_load_though_the_next_settles_meanwhile() {
        let both = ["d/year=1/a.csv", "d/year=1/b.csv", "d/year=2/a.csv", "d/year=2/b.csv"];
        for written in ["d", "d/*/*.csv"] {
            // Pass by pass: before the first partition, and between the two.
            for at in 0..3 {
                let dir = two_loads();
                let exchange = exchange(dir.path());
                let seen = names(dir.path(), written, move |n, _| {
                    if n == at {
                        exchange();
                    }
                })
                .expect("lists");
                if written == "d" || at < 2 {
                    assert_eq!(seen, both, "{written}, at pass {at}");
                }
            }
        }
    }

    #[test]
    fn a_folder_that_is_moved_away_and_back_is_listed_anew() {
        let dir = two_loads();
        let (live, away) = (dir.path().join("d"), dir.path().join("away"));
        // The clock of a file system may tick as seldom as this.
        std::thread::sleep(Duration::from_millis(20));
        let seen = names(dir.path(), "d", move |n, _| {
            if n == 2 {
                std::fs::rename(&live, &away).expect("moved");
                for year in ["year=1", "year=2"] {
                    std::fs::write(away.join(year).join("b.csv"), "b").expect("a file");
                }
                std::fs::rename(&away, &live).expect("moved");
            }
        });
        assert_eq!(seen.expect("lists").len(), 4);
    }

    #[test]
    fn a_folder_that_never_stays_stops_the_run_only() {
        let dir = two_loads();
        for name in ["d", "next"] {
            std::fs::remove_dir_all(dir.path().join(name).join("year=2")).expect("removed");
        }
        for written in ["d", "d/*/*.csv"] {
            let exchange = exchange(dir.path());
            let error = names(dir.path(), written, move |_, at| {
                if at.ends_with("year=1") || at.ends_with("a.csv") {
                    exchange();
                }
            });
            let error = error.expect_err("never one folder");
            assert!(error.found().contains("exchanged while it is listed"), "{error}");
            assert_eq!(error.retry(), Retry::Run, "{error}");
        }
    }

    #[test]
    fn a_partition_that_goes_away_is_not_there() {
        let dir = two_loads();
        let mut gone = false;
        let seen = names(dir.path(), "d", move |_, at| {
            if at.ends_with("year=2") && !std::mem::replace(&mut gone, true) {
                std::fs::remove_dir_all(at).expect("removed");
            }
        });
        assert_eq!(seen.expect("lists"), ["d/year=1/a.csv"]);
    }

    #[test]
    fn a_folder_whose_name_is_no_text_tells_no_value() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("d").join(OsStr::from_bytes(b"name=\xff"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("a.csv"), "a").expect("a file");
        let source = FileSource::new(dir.path(), "d", &["csv"]);
        let files = source.list(None).expect("lists").files;
        let error = source.keys(None, &files).expect_err("no text");
        assert!(error.found().contains("no UTF-8"), "{error}");
    }

    #[test]
    fn an_underscore_hides_no_partition() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["d/_d=1/a.csv", "d/_d=1/_a=b.csv", "d/_d=1/_temporary/a.csv", "d/_temporary/a.csv", "d/.x=1/a.csv"]
        {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "a").expect("a file");
        }
        for written in ["d", "d/**/*.csv"] {
            let source = FileSource::new(dir.path(), written, &["csv"]);
            let files = source.list(None).expect("lists").files;
            assert_eq!(files.iter().map(|file| file.shown.as_str()).collect::<Vec<_>>(), ["d/_d=1/a.csv"], "{written}");
            let keys = source.keys(None, &files).expect("keys").expect("some");
            assert_eq!(keys, [vec![("_d".to_owned(), Some("1".to_owned()))]], "{written}");
        }
    }
}
