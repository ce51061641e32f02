//! Files that are fetched whole, into a file without a name: it goes when nobody reads it any more, also where the
//! process is killed.

use std::fmt;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use hygge_core::context::Cancellation;
use hygge_core::{Error, Result};

use super::answer::{Head, Version};
use super::client::{Ask, Call, Came, Site};
use super::file::other_bytes;
use super::tries::{Tries, Trouble};

/// A file that was fetched.
#[derive(Clone)]
pub struct Fetched(Arc<Inner>);

struct Inner {
    file: Arc<File>,
    len: u64,
    version: Version,
    /// Of what came.
    digest: String,
    why: &'static str,
    shown: String,
}

impl PartialEq for Fetched {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fetched {}

impl Hash for Fetched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fetched").field(&self.0.shown).field(&self.0.version).finish()
    }
}

impl Fetched {
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.0.file)
    }

    pub(crate) fn length(&self) -> u64 {
        self.0.len
    }

    pub(crate) fn mtime(&self) -> i64 {
        self.0.version.mtime()
    }

    pub(crate) fn version(&self) -> Option<String> {
        self.0.version.digest(self.0.len).or_else(|| Some(self.0.digest.clone()))
    }

    /// Whether an answer that has begun is of the same state.
    pub(super) fn is_still(&self, head: &Head) -> bool {
        head.status == 200 && head.length == Some(self.0.len) && self.0.version.agrees(&head.version)
    }

    pub(crate) fn why(&self) -> &'static str {
        self.0.why
    }
}

/// What has come so far.
struct Fetching {
    file: File,
    got: u64,
    /// The most that came so far, of any answer.
    reached: u64,
    hasher: blake3::Hasher,
    /// The answer that is being read says this of the file.
    version: Version,
    len: Option<u64>,
    /// Where it ends, if it is a part.
    part: Option<u64>,
}

impl Fetching {
    /// What a new answer begins with: the file anew, or what is missing of it.
    fn begin(&mut self, head: &Head, shown: &str) -> Result<(), Trouble> {
        match (head.status, head.part) {
            (200, _) if head.framed => {
                self.file.set_len(0).map_err(|e| cannot_write(shown, e))?;
                std::io::Seek::rewind(&mut self.file).map_err(|e| cannot_write(shown, e))?;
                self.got = 0;
                self.hasher.reset();
                (self.version, self.len, self.part) = (head.version.clone(), head.length, None);
                Ok(())
            }
            (200, _) => Err(Trouble::Final(
                Error::refused(
                    "the server does not say how long the file is, so a lost connection would look like its end",
                )
                .at(shown)
                .next("fetch the file with curl, and give its path"),
            )),
            (206, Some(part))
                if part.begin == self.got && Some(part.of) == self.len && self.version.agrees(&head.version) =>
            {
                if !head.gives(part, part.of) {
                    return Err(Trouble::Final(other_bytes(shown)));
                }
                self.part = Some(part.last + 1);
                Ok(())
            }
            _ => {
                // The next answer is to be of the whole file.
                self.got = 0;
                Err(Trouble::passing("the file changed on its server while it was fetched"))
            }
        }
    }

    /// What to ask for next.
    fn ask(&self) -> Ask {
        match (self.version.condition(), self.len) {
            (Some(version), Some(len)) if 0 < self.got && self.got < len => {
                Ask { range: Some((self.got, len - 1)), if_range: Some(version.to_owned()) }
            }
            _ => Ask::default(),
        }
    }

    fn take(&mut self, bytes: &[u8], shown: &str) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| cannot_write(shown, e))?;
        self.hasher.update(bytes);
        self.got += bytes.len() as u64;
        Ok(())
    }
}

fn cannot_write(shown: &str, error: std::io::Error) -> Error {
    Error::io("keep on this machine's disk what comes from", Path::new(shown), error)
}

/// Fetches a file whole; `call` is an answer that has begun.
///
/// # Errors
/// If it cannot be had to its end, or not be kept.
pub(super) fn fetch(
    root: &Path,
    site: &Arc<Site>,
    mut call: Option<Call>,
    why: &'static str,
    cancel: &Cancellation,
) -> Result<Fetched> {
    let shown = site.shown();
    let mut tries = Tries::new(site.limits);
    let mut fetching = Fetching {
        file: tempfile::tempfile_in(root).map_err(|e| Error::io("fetch a file into", root, e))?,
        got: 0,
        reached: 0,
        hasher: blake3::Hasher::new(),
        version: Version::default(),
        len: None,
        part: None,
    };
    loop {
        let begun = match call.take() {
            Some(call) => Ok(call),
            None => site.call(fetching.ask(), cancel),
        };
        let trouble = match begun.and_then(|call| fetching.begin(&call.head, shown).map(|()| call)) {
            Ok(call) => match read(&call, &mut fetching, &mut tries, shown)? {
                Ended::Whole => break,
                Ended::Part => continue,
                Ended::Lost(found) => Trouble::passing(found),
            },
            Err(trouble) => trouble,
        };
        tries.failed(trouble, shown, cancel)?;
    }
    let Fetching { file, got, hasher, version, .. } = fetching;
    let digest = format!("web-{}", &hasher.finalize().to_hex()[..32]);
    Ok(Fetched(Arc::new(Inner { file: Arc::new(file), len: got, version, digest, why, shown: shown.to_owned() })))
}

/// How an answer ended.
enum Ended {
    /// The file is whole.
    Whole,
    /// All came that the answer promised, and more of the file is missing.
    Part,
    Lost(String),
}

/// Reads an answer to its end.
fn read(call: &Call, fetching: &mut Fetching, tries: &mut Tries, shown: &str) -> Result<Ended> {
    loop {
        if fetching.part == Some(fetching.got) {
            return Ok(if fetching.len == fetching.part { Ended::Whole } else { Ended::Part });
        }
        match call.next()? {
            Came::Bytes(bytes) => {
                // What is beyond the end is of no file that was promised.
                let left = fetching.part.or(fetching.len).map_or(u64::MAX, |end| end - fetching.got);
                let n = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                fetching.take(&bytes[..n], shown)?;
                // What had come before is no progress.
                if fetching.got > fetching.reached {
                    fetching.reached = fetching.got;
                    tries.went_well();
                }
            }
            Came::Over if fetching.len.is_none_or(|len| len == fetching.got) => return Ok(Ended::Whole),
            Came::Over => return Ok(Ended::Lost("the answer ended too early".to_owned())),
            Came::Broken(found) => return Ok(Ended::Lost(found)),
        }
    }
}
