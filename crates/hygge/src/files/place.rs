//! A place of files: what is live, and the private folder beside it that holds lock, receipts and staging.
//!
//! ```text
//! data/users/                       live: readers see this and nothing else
//! data/.users.hygge/lock            held for the run, never removed
//!                  /receipts/       0000000007.json, 0000000008-<run>.pending, 0000000008-<run>.intent
//!                  /staging/<run>/  parts/ of the splits, fresh/ to be exchanged for the live folder
//!                  /staging/dead-…  what a dead run left, on its way out
//! ```

pub mod fallback;
pub mod folder;
pub mod lock;
pub mod one_file;
pub mod receipts;
pub mod sweep;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::place::PlaceId;
use hygge_core::receipt::Receipt;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use self::lock::PlaceLock;
use super::durable::Disk;
use super::format::FileFormat;
use super::hive;
use super::paths;
use super::platform::{self, Identity};

/// Whether a place is a folder of files or one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A folder of files, flat or in folders called `name=value`.
    Folder,
    /// One file.
    OneFile,
}

/// Where a place and its private folder lie.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// The folder or file that readers see.
    pub live: PathBuf,
    /// The folder that holds it.
    pub parent: PathBuf,
    /// The private folder.
    pub base: PathBuf,
    /// A folder of files or one file.
    pub shape: Shape,
    /// The place.
    pub place: PlaceId,
}

impl Sibling {
    /// Of a place.
    ///
    /// # Errors
    /// Refused for the root of the file system, which has nothing beside it.
    pub fn of(place: &PlaceId, shape: Shape) -> Result<Self> {
        let live = paths::path_of(place);
        let (Some(parent), Some(name)) = (live.parent(), place.path.last()) else {
            return Err(Error::refused("the root of the file system can be no place")
                .at(&place.shown)
                .next("give a folder below it"));
        };
        let parent = parent.to_path_buf();
        let base = parent.join(format!(".{name}.hygge"));
        Ok(Self { live, parent, base, shape, place: place.clone() })
    }

    /// Where receipts lie.
    #[must_use]
    pub fn receipts(&self) -> PathBuf {
        self.base.join("receipts")
    }

    /// Where runs stage.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.base.join("staging")
    }

    /// Refuses what can be no place: a file where a folder is meant, a folder where a file is, the root of a mount, what
    /// lies in another place, a folder that may not be written. Makes nothing.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<()> {
        let shown = &self.place.shown;
        match std::fs::symlink_metadata(&self.live) {
            Ok(meta) if meta.is_dir() && self.shape == Shape::OneFile => {
                return Err(Error::refused("the path ends like a file, but a folder is there")
                    .at(shown)
                    .next("give another path, or remove the folder"));
            }
            Ok(meta) if !meta.is_dir() && self.shape == Shape::Folder => {
                return Err(Error::refused("the path is that of a file, where a folder of files should settle")
                    .at(shown)
                    .next(
                        "give the path of a folder, or one that ends in the format's extension to settle in one file",
                    ));
            }
            Ok(_) => {
                let mount = self.shape == Shape::Folder && platform::is_mount_point(&self.live).unwrap_or(false);
                if mount {
                    return Err(Error::refused(
                        "the folder is the root of a mount, which cannot be exchanged in one step",
                    )
                    .at(shown)
                    .next("use a folder below it"));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("look at", &self.live, error).as_refusal()),
        }
        if let Some(around) = self.parent.ancestors().find(|folder| is_place(folder)) {
            return Err(Error::refused(format!(
                "the path lies in {}, in which the rows of another flow have settled",
                around.display()
            ))
            .at(shown)
            .next("give a path beside that folder"));
        }
        let mut held_by = self.parent.as_path();
        while !held_by.exists() {
            match held_by.parent() {
                Some(parent) => held_by = parent,
                None => break,
            }
        }
        platform::may_write(held_by).map_err(|e| Error::io("write in", held_by, e).at(shown).as_refusal())
    }
}

/// Whether a load has settled in a folder: its receipts lie beside it.
fn is_place(folder: &Path) -> bool {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else { return false };
    parent.join(format!(".{}.hygge", name.to_string_lossy())).join("receipts").is_dir()
}

/// A file that is live, as a receipt names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveFile {
    /// Its name in the folder, with those of the folders `name=value` that it lies in.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// As the file itself says.
    pub rows: u64,
}

/// What a receipt calls live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LiveFiles {
    /// All files of the place.
    pub files: Vec<LiveFile>,
    /// Names that no receipt had named and that this load took away (`adopt`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_away: Vec<String>,
    /// The folder, or the one file, that this load made visible; none where nothing had to change place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Identity>,
    /// When the one file was written, in nanoseconds since 1970: with identity and size as they were, it is the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<i64>,
    /// Digest of the one file, where it cannot carry its receipt inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl LiveFiles {
    /// Out of a receipt.
    ///
    /// # Errors
    /// Refused, if the receipt is not one of a place of files.
    pub fn of(receipt: &Receipt, shown: &str) -> Result<Self> {
        serde_json::from_value(receipt.live.clone()).map_err(|e| {
            Error::refused("the receipt does not say which files are live")
                .at(shown)
                .next_anew("to settle everything anew")
                .because(e)
        })
    }

    /// Into a receipt.
    ///
    /// # Errors
    /// Only for a bug.
    pub fn into_json(self) -> Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|e| Error::bug("live files could not be written as JSON").because(e))
    }
}

/// A place that this run holds.
pub struct Held {
    /// Where it lies.
    pub sibling: Sibling,
    /// Released when this value is dropped.
    pub lock: PlaceLock,
    /// How it is changed.
    pub disk: Disk,
    /// What its files are.
    pub format: Arc<dyn FileFormat>,
    /// Who holds it.
    pub run: Arc<str>,
}

impl Held {
    /// This run's own staging.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.sibling.staging().join(&*self.run)
    }

    /// Fails when this run is no longer the place's holder: its lock or its staging has been taken away.
    ///
    /// # Errors
    /// Then nothing may be published any more.
    pub fn still_ours(&self, staging: Identity) -> Result<()> {
        let same = Identity::at(&self.staging()).map_err(|e| Error::io("look at", &self.staging(), e))?;
        if self.lock.still_ours() && same == Some(staging) {
            return Ok(());
        }
        Err(Error::failed("another run has taken the place over: this one had lost its lock, and publishes nothing")
            .at(&self.sibling.place.shown)
            .next("leave the .hygge folder beside the place alone while runs go on, then run again"))
    }
}

/// The names of all files of a place, also of those in folders called `name=value`, sorted; a folder of another name is
/// one name, and none of ours.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<String>> {
    fn walk(folder: &Path, head: &str, out: &mut Vec<String>) -> Result<()> {
        for name in names_in(folder)? {
            let path = folder.join(&name);
            if is_key_folder(&path, &name) {
                walk(&path, &format!("{head}{name}/"), out)?;
            } else {
                out.push(format!("{head}{name}"));
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(folder, "", &mut out)?;
    out.sort();
    Ok(out)
}

/// Whether `path`, the last part of which is `name`, is a folder called `name=value`.
pub(crate) fn is_key_folder(path: &Path, name: &str) -> bool {
    hive::is_key(name) && path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

/// The last part of a file's name in a place.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The folders above names in a place, each once; the outer ones first.
pub(crate) fn folders_of<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let above = |name: &'a str| name.match_indices('/').map(move |(at, _)| &name[..at]);
    names.into_iter().flat_map(above).collect()
}

/// The names in a folder, sorted; none where there is no folder.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("list", folder, e))?;
        // A name that is no UTF-8 is none of ours; it is told from ours by its replacement characters.
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
