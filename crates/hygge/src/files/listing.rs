//! Finding the files that a home names on this machine.

mod below;
mod globs;
mod steady;

use std::path::{Path, PathBuf};

use hygge_core::home::ReadRequest;
use hygge_core::place::PlaceId;
use hygge_core::{Error, Result};

pub use self::below::Below;
use self::globs::{base, is_glob, matches};
use super::codec::Codec;
use super::hive::is_hidden as hidden;
use super::paths;
pub use super::pinned::{Pin, PinnedFile};

/// The files that a home's path names: a file, a folder (flat), or a glob; with `{entity}` for flows with entities.
#[derive(Debug, Clone)]
pub struct FileSource {
    root: PathBuf,
    written: String,
    extensions: &'static [&'static str],
    below: Below,
}

/// What [`FileSource::list`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The files, sorted by path.
    pub files: Vec<PinnedFile>,
    /// Names in a folder that were passed over because they end differently; for a note.
    pub passed_over: Vec<String>,
}

impl Listing {
    /// What is to be said of how files are read.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        self.files.iter().filter_map(PinnedFile::note)
    }
}

/// What is said of a home whose files have settled and are taken away.
#[must_use]
pub fn emptied(shown: &str) -> String {
    format!("{shown}: no file is there now; those that settled need not be, and new ones are read when they come")
}

impl FileSource {
    /// The files at `written`, from `root`. In a folder, files that end in one of `extensions` (without the leading dot)
    /// are meant; a file or a glob means what it names.
    #[must_use]
    pub fn new(root: &Path, written: &str, extensions: &'static [&'static str]) -> Self {
        Self { root: root.to_path_buf(), written: written.to_owned(), extensions, below: Below::default() }
    }

    /// How the source is shown to people.
    #[must_use]
    pub fn shown(&self, entity: Option<&str>) -> String {
        self.filled(entity).unwrap_or_else(|_| self.written.clone())
    }

    /// Who the source is for a receipt: relative to the root where it lies below it.
    #[must_use]
    pub fn identity(&self) -> String {
        paths::relative(&self.root, &paths::resolve(&self.root, &self.written))
    }

    /// The place that is read, in the stores' terms: the file, the files of a folder, or what a glob names, up to a `**`
    /// in it. What lies below a folder is not read, so a place there is another one; unless it holds partitions.
    #[must_use]
    pub fn location(&self, entity: Option<&str>) -> Option<PlaceId> {
        let filled = self.filled(entity).ok()?;
        if !is_glob(&filled) {
            let path = paths::resolve(&self.root, &filled);
            let mut place = paths::place_id(&path, &filled).ok()?;
            if path.is_dir() && !self.extensions.is_empty() && !self.reads_below(&path) {
                place.path.push(self.extensions.iter().map(|e| format!("*.{e}")).collect::<Vec<_>>().join("|"));
            }
            return Some(place);
        }
        let (folder, parts) = base(&filled)?;
        let mut place = paths::place_id(&paths::resolve(&self.root, &folder), &filled).ok()?;
        place.path.extend(parts.iter().take_while(|&&part| part != "**").map(|&part| part.to_owned()));
        Some(place)
    }

    /// Lists and pins the files.
    ///
    /// # Errors
    /// Refused, if there is none, or one cannot be looked at.
    pub fn list(&self, entity: Option<&str>) -> Result<Listing> {
        let listing = self.list_any(entity)?;
        if listing.files.is_empty() {
            return Err(self.nothing(&self.filled(entity)?, &listing.passed_over));
        }
        Ok(listing)
    }

    /// [`Self::list`], or where none need be left, [`Self::list_any`].
    ///
    /// # Errors
    /// As those.
    pub fn list_for(&self, request: &ReadRequest, entity: Option<&str>) -> Result<Listing> {
        if request.continues() || request.may_be_empty { self.list_any(entity) } else { self.list(entity) }
    }

    /// [`Self::list`], or where rows have settled and only new ones are asked for, [`Self::list_any`].
    ///
    /// # Errors
    /// As those.
    pub fn list_to_check(&self, entity: Option<&str>, settled: bool) -> Result<Listing> {
        if settled { self.list_any(entity) } else { self.list(entity) }
    }

    /// The same where no file may be left, as in a folder whose files are taken away once they have settled.
    ///
    /// # Errors
    /// Refused, if the file or the folder is not there, or a file cannot be looked at.
    pub fn list_any(&self, entity: Option<&str>) -> Result<Listing> {
        let filled = self.filled(entity)?;
        let path = paths::resolve(&self.root, &filled);
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => steady::listed(&path, &filled, || self.list_folder_or_below(&path, &filled)),
            Ok(meta) if meta.is_file() => {
                let shown = paths::relative(&self.root, &path);
                Ok(Listing { files: vec![PinnedFile::of(&path, shown, &meta)], passed_over: Vec::new() })
            }
            Ok(_) => Err(Error::refused("neither a file nor a folder: it cannot be read twice")
                .at(&filled)
                .next("give the path of a file or a folder")),
            Err(_) if is_glob(&filled) => {
                let top = base(&filled).map_or_else(|| self.root.clone(), |(top, _)| paths::resolve(&self.root, &top));
                steady::listed(&top, &filled, || self.list_glob(&filled))
            }
            Err(error) => {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                let error = Error::io("read", Path::new(&filled), error).as_refusal();
                Err(if missing {
                    error.next(format!("check the path: it was looked for at {}", path.display()))
                } else {
                    error
                })
            }
        }
    }

    fn nothing(&self, filled: &str, passed_over: &[String]) -> Error {
        let plain = |end: &&&str| Codec::split(end).1 == Codec::Plain;
        let mut wanted: Vec<_> = self.extensions.iter().filter(plain).map(|e| format!(".{e}")).collect();
        if wanted.len() < self.extensions.len() {
            wanted.push("or one of them with the end of packed files".to_owned());
        }
        let wanted = wanted.join(", ");
        let found = match passed_over.first() {
            None => "there is no file to read".to_owned(),
            Some(first) => {
                format!("none of the {} files there ends in {wanted} (one is called {first})", passed_over.len())
            }
        };
        Error::refused(found).at(filled).next("give the path of a file, a folder that holds some, or a glob")
    }

    /// The names that `{entity}` can take, or those of the folders below the path, that match a glob; sorted.
    ///
    /// # Errors
    /// Refused, if the path is a file, or cannot be read.
    pub fn entities(&self, pattern: &str) -> Result<Vec<String>> {
        let wanted = glob::Pattern::new(pattern).map_err(|e| {
            Error::refused(format!("{pattern:?} is no pattern of names"))
                .next("write names with *, as in sales_*")
                .because(e)
        })?;
        let mut names = Vec::new();
        if self.written.contains("{entity}") {
            let (head, tail) = self.written.split_once("{entity}").unwrap_or_default();
            let end = &tail[..tail.find('/').unwrap_or(tail.len())];
            let start = head.rfind('/').map_or(0, |slash| slash + 1);
            let pattern = self.pattern(&format!("{}*{end}", glob::Pattern::escape(head)));
            for found in matches(&pattern)? {
                let Some(name) = found.file_name().and_then(|n| n.to_str()) else { continue };
                let inner = name.strip_prefix(&head[start..]).and_then(|n| n.strip_suffix(end));
                if let Some(inner) = inner {
                    names.push(inner.to_owned());
                }
            }
        } else {
            let path = paths::resolve(&self.root, &self.written);
            let entries = std::fs::read_dir(&path).map_err(|e| Error::io("list", &path, e).as_refusal())?;
            for entry in entries {
                let entry = entry.map_err(|e| Error::io("list", &path, e))?;
                if entry.path().is_dir()
                    && let Ok(name) = entry.file_name().into_string()
                {
                    names.push(name);
                }
            }
        }
        names.retain(|name| !hidden(name) && wanted.matches(name));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn filled(&self, entity: Option<&str>) -> Result<String> {
        paths::fill_entity(&self.written, entity)
    }

    /// A glob from the root, of which no character means anything but itself.
    fn pattern(&self, written: &str) -> String {
        let written = written.trim_start_matches("./");
        if written.starts_with('/') {
            written.to_owned()
        } else {
            format!("{}/{written}", glob::Pattern::escape(&self.root.to_string_lossy()))
        }
    }

    fn list_folder(&self, folder: &Path) -> Result<Listing> {
        let mut out = Listing { files: Vec::new(), passed_over: Vec::new() };
        for entry in std::fs::read_dir(folder).map_err(|e| Error::io("list", folder, e).as_refusal())? {
            let entry = entry.map_err(|e| Error::io("list", folder, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if hidden(&name) {
                continue;
            }
            let path = entry.path();
            let meta = match std::fs::metadata(&path) {
                Ok(meta) => meta,
                // Gone since it was listed: it is not there.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("look at", &path, error)),
            };
            if !meta.is_file() {
                continue;
            }
            if self.is_meant(&name) {
                out.files.push(PinnedFile::of(&path, paths::relative(&self.root, &path), &meta));
            } else {
                out.passed_over.push(name);
            }
        }
        out.files.sort_by(|a, b| a.path.cmp(&b.path));
        out.passed_over.sort();
        Ok(out)
    }

    /// Whether a file in a folder is one of those that are read.
    fn is_meant(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        self.extensions.iter().any(|e| lower.strip_suffix(e).is_some_and(|head| head.ends_with('.')))
    }

    /// The files that a pattern names; none where one went away meanwhile.
    fn list_glob(&self, written: &str) -> Result<Option<Listing>> {
        let mut files = Vec::new();
        for path in matches(&self.pattern(written))? {
            steady::pass(&path);
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_file() && !hidden(&name) {
                match PinnedFile::pin(&path, paths::relative(&self.root, &path)) {
                    Ok(pin) => files.push(pin),
                    Err(_) if !path.exists() => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        }
        self.without_hidden(written, &mut files);
        let there = |folder: String| paths::resolve(&self.root, &folder).is_dir();
        if files.is_empty() && !base(written).is_some_and(|(folder, _)| there(folder)) {
            return Err(self.nothing(written, &[]));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(Listing { files, passed_over: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        fill(&dir, names);
        dir
    }

    fn fill(dir: &tempfile::TempDir, names: &[&str]) {
        for name in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
            std::fs::write(path, name).expect("a file");
        }
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.iter().map(|f| f.shown.as_str()).collect()
    }

    #[test]
    fn a_folder_is_read_flat_without_hidden_and_foreign_names() {
        let dir =
            folder(&["d/b.csv", "d/a.CSV", "d/_tmp.csv", "d/.x.csv", "d/readme.md", "d/sub/c.csv", "d/.d.hygge/lock"]);
        let source = FileSource::new(dir.path(), "d", &["csv", "csv.gz"]);
        let listing = source.list(None).expect("lists");
        assert_eq!(names(&listing), ["d/a.CSV", "d/b.csv"]);
        assert_eq!(listing.passed_over, ["readme.md"]);
        assert_eq!(source.identity(), "d");
    }

    #[test]
    fn globs_files_and_entities_name_what_they_name() {
        let dir = tempfile::Builder::new().prefix("[odd]").tempdir().expect("a folder");
        fill(&dir, &["in/2024-a.csv", "in/2024-b.csv", "in/2025-a.csv", "in/users/1.csv", "in/.h.csv"]);
        let glob = FileSource::new(dir.path(), "in/2024-*.csv", &["csv"]);
        assert_eq!(names(&glob.list(None).expect("lists")), ["in/2024-a.csv", "in/2024-b.csv"]);
        let place = |written| FileSource::new(dir.path(), written, &[]).location(None).expect("a place");
        let home = place("in/2024-*.csv");
        assert!(home.clashes(&place("in")) && home.clashes(&place("in/2024-c.csv")));
        assert!(!home.clashes(&place("in/out")) && !home.clashes(&place("out")));
        assert!(!place("*.csv").clashes(&place("out")) && place("**/*.csv").clashes(&place("out")));
        let flat = FileSource::new(dir.path(), "in", &["csv", "csv.gz"]).location(None).expect("a place");
        assert!(flat.clashes(&place("in")) && flat.clashes(&place("in/all.CSV.gz")), "what the folder would read");
        assert!(!flat.clashes(&place("in/out")) && !flat.clashes(&place("in/all.parquet")), "what it passes over");
        assert!(place("in/**/*.csv").clashes(&place("in/out")), "what reads below meets what lies there");
        let entity = FileSource::new(dir.path(), "in/{entity}.csv", &["csv"]);
        assert_eq!(names(&entity.list(Some("2025-a")).expect("lists")), ["in/2025-a.csv"]);
        assert_eq!(entity.entities("2024*").expect("names"), ["2024-a", "2024-b"]);
        let below = FileSource::new(dir.path(), "in", &["csv"]);
        assert_eq!(below.entities("*").expect("names"), ["users"]);
        assert_eq!(names(&below.list(Some("users")).expect("lists")), ["in/users/1.csv"]);
    }

    #[test]
    fn nothing_to_read_is_an_error_with_advice() {
        let dir = folder(&["d/readme.md"]);
        let error = FileSource::new(dir.path(), "d", &["csv"]).list(None).expect_err("no csv");
        assert!(error.found().contains("readme.md"), "{error}");
        let error = FileSource::new(dir.path(), "gone/x.csv", &["csv"]).list(None).expect_err("missing");
        assert!(error.found().contains("no such file") && error.advice().is_some(), "{error:?}");
        let error = FileSource::new(dir.path(), "d/*.csv", &["csv"]).list(None).expect_err("no match");
        assert_eq!(error.kind(), hygge_core::ErrorKind::Refused);
        let any = |path: &str| FileSource::new(dir.path(), path, &["csv"]).list_any(None);
        for there in ["d", "d/*.csv", "*.csv"] {
            assert_eq!(any(there).expect("none is an answer").files, [], "{there}");
        }
        for missing in ["gone", "gone/*.csv", "d/x.csv"] {
            assert_eq!(any(missing).expect_err("missing").kind(), hygge_core::ErrorKind::Refused, "{missing}");
        }
    }
}
