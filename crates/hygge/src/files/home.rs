//! The files of a home, wherever they lie.

use std::path::Path;

use hygge_core::Result;
use hygge_core::context::Cancellation;
use hygge_core::home::ReadRequest;
use hygge_core::place::PlaceId;

use super::hive::Keys;
use super::listing::{Below, FileSource, Listing, PinnedFile};
use super::web::{Header, WebSource, is_web};

/// What a home's path names.
pub enum HomeFiles {
    /// On this machine.
    Disk(FileSource),
    /// Behind a URL.
    Web(WebSource),
}

/// How files are looked for.
pub struct Look<'a> {
    /// Whether parts of a file that is far can be fetched when they are needed.
    pub in_parts: bool,
    /// Stops waiting for a server.
    pub cancel: &'a Cancellation,
}

impl HomeFiles {
    /// The files at `written`, a URL or a path from `root`; see [`FileSource::new`].
    #[must_use]
    pub fn new(root: &Path, written: &str, extensions: &'static [&'static str]) -> Self {
        if is_web(written) {
            return Self::Web(WebSource::new(root, written));
        }
        Self::Disk(FileSource::new(root, written, extensions))
    }

    /// The same, with headers that a server is sent.
    #[must_use]
    pub fn with_headers(self, headers: Vec<Header>) -> Self {
        match self {
            Self::Web(source) => Self::Web(source.with_headers(headers)),
            disk @ Self::Disk(_) => disk,
        }
    }

    /// See [`FileSource::with_below`]; behind a URL there are no folders.
    #[must_use]
    pub fn with_below(self, below: Below) -> Self {
        match self {
            Self::Disk(source) => Self::Disk(source.with_below(below)),
            web @ Self::Web(_) => web,
        }
    }

    /// See [`FileSource::keys`]; behind a URL there are no folders.
    ///
    /// # Errors
    /// As there.
    pub fn keys(&self, entity: Option<&str>, files: &[PinnedFile]) -> Result<Option<Vec<Keys>>> {
        match self {
            Self::Disk(source) => source.keys(entity, files),
            Self::Web(_) => Ok(None),
        }
    }

    /// See [`FileSource::shown`].
    #[must_use]
    pub fn shown(&self, entity: Option<&str>) -> String {
        match self {
            Self::Disk(source) => source.shown(entity),
            Self::Web(source) => source.shown(entity),
        }
    }

    /// See [`FileSource::identity`].
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Disk(source) => source.identity(),
            Self::Web(source) => source.identity(),
        }
    }

    /// See [`FileSource::location`]; no store lies behind a URL.
    #[must_use]
    pub fn location(&self, entity: Option<&str>) -> Option<PlaceId> {
        match self {
            Self::Disk(source) => source.location(entity),
            Self::Web(_) => None,
        }
    }

    /// See [`FileSource::list`].
    ///
    /// # Errors
    /// As there, or as [`WebSource::list`].
    pub fn list(&self, entity: Option<&str>, look: &Look<'_>) -> Result<Listing> {
        match self {
            Self::Disk(source) => source.list(entity),
            Self::Web(source) => source.list(entity, look.in_parts, look.cancel),
        }
    }

    /// See [`FileSource::list_for`].
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn list_for(&self, request: &ReadRequest, entity: Option<&str>, look: &Look<'_>) -> Result<Listing> {
        match self {
            Self::Disk(source) => source.list_for(request, entity),
            Self::Web(_) => self.list(entity, look),
        }
    }

    /// See [`FileSource::list_to_check`].
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn list_to_check(&self, entity: Option<&str>, settled: bool, look: &Look<'_>) -> Result<Listing> {
        match self {
            Self::Disk(source) => source.list_to_check(entity, settled),
            Self::Web(_) => self.list(entity, look),
        }
    }

    /// See [`FileSource::entities`].
    ///
    /// # Errors
    /// As there; refused behind a URL.
    pub fn entities(&self, pattern: &str) -> Result<Vec<String>> {
        match self {
            Self::Disk(source) => source.entities(pattern),
            Self::Web(source) => source.entities(),
        }
    }
}
