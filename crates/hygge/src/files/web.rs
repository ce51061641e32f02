//! Files behind http and https URLs, as a home reads them.
//!
//! A file is pinned by what its server says of it (`ETag`, `Last-Modified`, length); every answer is held against that,
//! so that no two states of it are mixed. Where a server gives parts, a lost connection is taken up at the byte that was
//! reached; the end of a file is where its length says, and never where a connection ends. Where it gives none, or a
//! format needs all of a file at hand, the file is fetched whole into one without a name, which goes with the process.

mod address;
mod answer;
mod client;
mod fetched;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod proxy;
mod stream;
mod tries;
mod windows;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hygge_core::context::Cancellation;
use hygge_core::{Error, Part, Result};

use self::address::{Address, encoded};
pub use self::address::{is_web, shown_url};
use self::client::{Ask, Site};
pub use self::fetched::Fetched;
pub use self::file::WebFile;
pub use self::stream::WebStream;
use self::tries::{Limits, Tries};
pub(super) use self::windows::Windows;
use super::listing::Listing;
use super::pinned::PinnedFile;

/// How much is asked for at first, to learn what a server says of a file.
const FIRST: u64 = 64 << 10;

/// A header that is sent with each request. Its value may be a secret: it is never shown.
#[derive(Clone)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The file that a home's URL names, with `{entity}` for flows with entities.
#[derive(Clone)]
pub struct WebSource {
    root: PathBuf,
    written: String,
    headers: Vec<Header>,
    limits: Limits,
    /// What was fetched whole, by entity: who plans first and reads then fetches it once.
    kept: Arc<Mutex<HashMap<Option<String>, Fetched>>>,
}

impl WebSource {
    /// The file at a URL; `root` is the project's, where what has to be fetched whole is kept meanwhile.
    #[must_use]
    pub fn new(root: &Path, written: &str) -> Self {
        Self {
            root: root.to_path_buf(),
            written: written.to_owned(),
            headers: Vec::new(),
            limits: Limits::default(),
            kept: Arc::default(),
        }
    }

    /// The same, with headers to send.
    #[must_use]
    pub fn with_headers(self, headers: Vec<Header>) -> Self {
        Self { headers, ..self }
    }

    /// How it is shown to people: without user, password and the values of a query.
    #[must_use]
    pub fn shown(&self, entity: Option<&str>) -> String {
        match self.address(entity) {
            Ok(address) => address.shown(),
            Err(_) => Address::parse(&self.written.replace("{entity}", "entity"))
                .map_or_else(|_| "a URL".to_owned(), |address| address.shown()),
        }
    }

    /// Who it is for a receipt: without user and password, and with a digest of a query.
    #[must_use]
    pub fn identity(&self) -> String {
        Address::parse(&self.written.replace("{entity}", "%7Bentity%7D"))
            .map_or_else(|_| "a URL".to_owned(), |address| address.identity())
    }

    fn address(&self, entity: Option<&str>) -> Result<Address> {
        let holds = self.written.contains("{entity}");
        let filled = match entity {
            Some(entity) if holds => self.written.replace("{entity}", &encoded(entity)),
            None if !holds => self.written.clone(),
            Some(_) => {
                return Err(Error::refused("every entity of the flow would read the same URL")
                    .next("put {entity} into the URL, as in  path: https://example.com/{entity}.csv"));
            }
            None => {
                return Err(Error::refused("the URL speaks of an entity, but the flow has none")
                    .next("list the flow's entities:, or take {entity} out of the URL"));
            }
        };
        Address::parse(&filled)
    }

    /// Asks the server for the file, and pins it. `in_parts` says whether the format can read a file of which parts are
    /// fetched when they are needed; else it is fetched whole.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached; refused, where it cannot be known where the file ends.
    pub fn list(&self, entity: Option<&str>, in_parts: bool, cancel: &Cancellation) -> Result<Listing> {
        let address = self.address(entity)?;
        let (path, shown) = (address.name(), address.shown());
        let site = Arc::new(Site::new(address, &self.headers, self.limits)?);
        let entity = entity.map(str::to_owned);
        let kept = self.kept().get(&entity).cloned();
        let file = match self.pin(&site, in_parts, kept.as_ref(), cancel)? {
            Pinned::Parts(file) => PinnedFile::web(path, shown, file),
            Pinned::Whole(file) => {
                self.kept().insert(entity, file.clone());
                PinnedFile::fetched(path, shown, file)
            }
        };
        Ok(Listing { files: vec![file], passed_over: Vec::new() })
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Option<String>, Fetched>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pin(&self, site: &Arc<Site>, in_parts: bool, kept: Option<&Fetched>, cancel: &Cancellation) -> Result<Pinned> {
        let mut tries = Tries::new(self.limits);
        loop {
            let first = Ask { range: in_parts.then_some((0, FIRST - 1)), if_range: None };
            let call = match site.call(first, cancel) {
                Ok(call) => call,
                Err(trouble) => {
                    tries.failed(trouble, site.shown(), cancel)?;
                    continue;
                }
            };
            if call.head.status == 206 {
                let known = call.head.part.filter(|part| part.begin == 0).map(|part| part.of);
                if let (Some(len), true) = (known, call.head.version.is_known()) {
                    return Ok(Pinned::Parts(WebFile::new(site, call.head.version, len, cancel)));
                }
                return self.fetch(site, "since its server does not say which version it gives", cancel);
            }
            if call.head.status == 416 {
                return self.fetch(site, "since its server gives no part of it", cancel);
            }
            if let Some(kept) = kept.filter(|kept| kept.is_still(&call.head)) {
                return Ok(Pinned::Whole(kept.clone()));
            }
            let why = if in_parts {
                "since its server gives no parts"
            } else {
                "since files of this format are read at many places"
            };
            return fetched::fetch(&self.root, site, Some(call), why, cancel).map(Pinned::Whole);
        }
    }

    fn fetch(&self, site: &Arc<Site>, why: &'static str, cancel: &Cancellation) -> Result<Pinned> {
        fetched::fetch(&self.root, site, None, why, cancel).map(Pinned::Whole)
    }

    /// No server lists its files.
    ///
    /// # Errors
    /// Refused.
    pub fn entities(&self) -> Result<Vec<String>> {
        Err(Error::refused("a web server does not list its files, so no pattern can find them")
            .at(self.shown(None))
            .next_set(Part::Flow, "entities: [users, orders]"))
    }
}

enum Pinned {
    Parts(WebFile),
    Whole(Fetched),
}

#[cfg(test)]
mod tests;
