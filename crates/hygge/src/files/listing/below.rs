//! Files in folders that are called `name=value`: which are read, and what the folders tell of each.

use std::io;
use std::path::{Component, Path, PathBuf};

use hygge_core::{Error, Part, Result};

use super::globs::{base, is_glob};
use super::{FileSource, Listing, PinnedFile, hidden, steady};
use crate::files::hive::{self, Keys};
use crate::files::paths;

/// Deeper than this no table is kept; a link that leads back up is told so.
const DEEPEST: usize = 64;

/// Whether folders called `name=value` tell columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Below {
    /// Where a folder has no files of its own but such folders, and where a pattern leads through such.
    #[default]
    Auto,
    /// They do.
    Hive,
    /// Their names say nothing, and a folder is read flat.
    Off,
}

impl FileSource {
    /// The same, with another rule for folders called `name=value`.
    #[must_use]
    pub fn with_below(self, below: Below) -> Self {
        Self { below, ..self }
    }

    /// Whether what lies below a folder is read.
    pub(super) fn reads_below(&self, folder: &Path) -> bool {
        match self.below {
            Below::Off => false,
            Below::Hive => true,
            Below::Auto => has_keys(folder).unwrap_or(false),
        }
    }

    /// The files in a folder, or below it; none where a folder went away meanwhile.
    pub(super) fn list_folder_or_below(&self, folder: &Path, filled: &str) -> Result<Option<Listing>> {
        if !self.reads_below(folder) {
            return self.list_folder(folder).map(Some);
        }
        let mut all = Listing { files: Vec::new(), passed_over: Vec::new() };
        if !self.walk(folder, folder, &mut all)? {
            return Ok(None);
        }
        all.files.sort_by(|a, b| a.path.cmp(&b.path));
        all.passed_over.sort();
        if self.below == Below::Hive {
            return Ok(Some(all));
        }
        let above = all.files.iter().find(|file| file.path.parent() == Some(folder));
        let is_keyed = |file: &&PinnedFile| folders(folder, &file.path).first().is_some_and(|name| hive::is_key(name));
        match (above, all.files.iter().find(is_keyed)) {
            (_, None) => self.list_folder(folder).map(Some),
            (Some(above), Some(below)) => Err(Error::refused(format!(
                "the folder holds files of its own and others in folders called name=value, as {} and {}: it cannot be told which are the table",
                above.shown, below.shown
            ))
            .at(filled)
            .next_set(Part::Home, "partitions: off   # reads the folder's own files only")),
            (None, Some(_)) => Ok(Some(all)),
        }
    }

    /// All files below a folder that is not hidden; false where one went away meanwhile.
    fn walk(&self, top: &Path, folder: &Path, out: &mut Listing) -> Result<bool> {
        if folder.components().count() > top.components().count() + DEEPEST {
            return Err(Error::refused(format!("the folder is more than {DEEPEST} folders deep"))
                .at(folder.display().to_string())
                .next("take out the link that leads back up"));
        }
        steady::pass(folder);
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("list", folder, error).as_refusal()),
        };
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("list", folder, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_hidden_folder(&name) {
                continue;
            }
            let path = entry.path();
            let meta = match std::fs::metadata(&path) {
                Ok(meta) => meta,
                // Gone since it was listed: it is not there.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("look at", &path, error)),
            };
            if meta.is_dir() {
                if !self.walk(top, &path, out)? {
                    return Ok(false);
                }
            } else if meta.is_file() && !hidden(&name) && self.is_meant(&name) {
                out.files.push(PinnedFile::of(&path, paths::relative(&self.root, &path), &meta));
            } else if meta.is_file() && !hidden(&name) {
                out.passed_over.push(paths::relative(top, &path));
            }
        }
        Ok(true)
    }

    /// Takes out what lies in hidden folders, where folders of others tell something: tools set aside there what they work on.
    pub(super) fn without_hidden(&self, written: &str, files: &mut Vec<PinnedFile>) {
        let Some((folder, _)) = base(written) else { return };
        let top = paths::resolve(&self.root, &folder);
        let any = |file: &PinnedFile, test: fn(&str) -> bool| folders(&top, &file.path).iter().any(|name| test(name));
        if self.below != Below::Off && files.iter().any(|file| any(file, hive::is_key)) {
            files.retain(|file| !any(file, is_hidden_folder));
        }
    }

    /// What the folders of files tell of each, in the order of `files`: the same names for all. None where folders tell
    /// nothing.
    ///
    /// Only folders below the one that the path names are asked, or below the last before its first pattern.
    ///
    /// # Errors
    /// Refused, if they do not agree, or one name comes twice.
    pub fn keys(&self, entity: Option<&str>, files: &[PinnedFile]) -> Result<Option<Vec<Keys>>> {
        let filled = self.filled(entity)?;
        let path = paths::resolve(&self.root, &filled);
        if self.below == Below::Off || files.is_empty() {
            return Ok(None);
        }
        let (top, is_pattern) = if path.is_dir() {
            (path, false)
        } else if let (true, Some((folder, _))) = (is_glob(&filled), base(&filled)) {
            (paths::resolve(&self.root, &folder), true)
        } else {
            return self.none_there(&filled);
        };
        let mut all = Vec::with_capacity(files.len());
        for file in files {
            let mut keys = Keys::new();
            let names = folders(&top, &file.path);
            check_text(&file.path, names.len()).map_err(|e| e.at(&file.shown))?;
            for name in names {
                match hive::key(&name).map_err(|e| e.at(&file.shown))? {
                    Some((key, _)) if keys.iter().any(|(there, _)| *there == key) => {
                        return Err(Error::refused(format!("two folders of its path are called {key}="))
                            .at(&file.shown)
                            .next("rename one of the folders"));
                    }
                    Some(key) => keys.push(key),
                    None if is_pattern => {}
                    None => {
                        return Err(Error::refused(format!(
                            "the folder {name} is not called name=value, as others there are"
                        ))
                        .at(&file.shown)
                        .next(format!("move {name} out of {filled}, or write a pattern that leads to the files")));
                    }
                }
            }
            all.push(keys);
        }
        let (first, keys) = (&files[0].shown, &all[0]);
        let names = |keys: &Keys| keys.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let expected = names(keys);
        if let Some(at) = all.iter().position(|keys| names(keys) != expected) {
            let error = Error::refused(format!(
                "{first} lies in {}, and {} in {}",
                told(&expected),
                files[at].shown,
                told(&names(&all[at]))
            ));
            return Err(if is_pattern {
                error.next_set(Part::Home, "partitions: off   # their names say nothing")
            } else {
                error.next("let all files lie in folders of the same names")
            });
        }
        if expected.is_empty() { self.none_there(&filled) } else { Ok(Some(all)) }
    }

    fn none_there(&self, filled: &str) -> Result<Option<Vec<Keys>>> {
        if self.below == Below::Auto {
            return Ok(None);
        }
        Err(Error::refused("no folder below it is called name=value, so that there are no partitions")
            .at(filled)
            .next("take `partitions:` out, or give the path of the folder that holds those folders"))
    }
}

/// Whether a folder holds folders called `name=value`.
fn has_keys(folder: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if hive::is_key(&entry.file_name().to_string_lossy()) && entry.path().is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The names of the folders between a folder and a file below it.
fn folders(top: &Path, file: &Path) -> Vec<String> {
    let parent: PathBuf =
        file.parent().map(|parent| paths::resolve(Path::new("/"), &parent.to_string_lossy())).unwrap_or_default();
    let Ok(between) = parent.strip_prefix(top) else { return Vec::new() };
    let name = |component: Component<'_>| component.as_os_str().to_string_lossy().into_owned();
    between.components().map(name).collect()
}

/// Whether a folder is not looked into: tools call so what they set aside. One that tells a column does not hide.
fn is_hidden_folder(name: &str) -> bool {
    hidden(name) && !hive::is_key(name)
}

/// Refuses a file that lies in a folder called `name=value` whose name is no text, among the last `depth` above it: two
/// such values would be taken for one.
fn check_text(file: &Path, depth: usize) -> Result<()> {
    for name in file.ancestors().skip(1).take(depth).filter_map(Path::file_name) {
        let shown = name.to_string_lossy();
        if name.to_str().is_none() && hive::is_key(&shown) {
            return Err(hive::no_text(&shown));
        }
    }
    Ok(())
}

fn told(names: &[String]) -> String {
    match names {
        [] => "no such folder".to_owned(),
        [one] => format!("a folder of {one}"),
        many => format!("folders of {}", many.join(", ")),
    }
}
