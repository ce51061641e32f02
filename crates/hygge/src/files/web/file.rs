//! A file of which a server gives parts, pinned by what the server says of it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hygge_core::context::Cancellation;
use hygge_core::{Error, Result};

use super::answer::Version;
use super::client::{Ask, Call, Site};
use super::tries::{Tries, Trouble};
use crate::files::pinned::moved;

/// A file behind a URL, as it was when it was pinned.
#[derive(Clone)]
pub struct WebFile(Arc<Inner>);

struct Inner {
    site: Arc<Site>,
    version: Version,
    len: u64,
    cancel: Cancellation,
}

impl PartialEq for WebFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for WebFile {}

impl Hash for WebFile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for WebFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebFile").field(&self.0.site.shown()).field(&self.0.version).finish()
    }
}

/// An answer that contradicts itself or the question.
pub(super) fn other_bytes(shown: &str) -> Error {
    Error::failed("the server answers with other bytes than it was asked for")
        .at(shown)
        .next("fetch the file with curl, and give its path")
}

impl WebFile {
    pub(super) fn new(site: &Arc<Site>, version: Version, len: u64, cancel: &Cancellation) -> Self {
        Self(Arc::new(Inner { site: Arc::clone(site), version, len, cancel: cancel.clone() }))
    }

    /// In bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.len
    }

    pub(crate) fn mtime(&self) -> i64 {
        self.0.version.mtime()
    }

    pub(crate) fn version(&self) -> Option<String> {
        self.0.version.digest(self.0.len)
    }

    pub(super) fn cancel(&self) -> &Cancellation {
        &self.0.cancel
    }

    pub(super) fn tries(&self) -> Tries {
        Tries::new(self.0.site.limits)
    }

    pub(super) fn shown(&self) -> &str {
        self.0.site.shown()
    }

    /// Asks for the bytes from `begin` up to `end`. What comes is from `begin` up to the position that is told; it may
    /// be less than what was asked for.
    pub(super) fn call(&self, begin: u64, end: u64) -> Result<(Call, u64), Trouble> {
        let Inner { site, version, len, cancel } = &*self.0;
        let condition = version.condition().map(str::to_owned);
        let call = site.call(Ask { range: Some((begin, end - 1)), if_range: condition }, cancel)?;
        let changed = |what| Err(Trouble::Final(moved(self.shown(), what)));
        if !version.agrees(&call.head.version) || matches!(call.head.status, 412 | 416) {
            return changed("has changed on its server");
        }
        match (call.head.status, call.head.part) {
            (206, Some(part)) if part.of != *len => changed("has another length on its server"),
            (206, Some(part)) if part.begin == begin && call.head.gives(part, end) => Ok((call, part.last + 1)),
            // All of it, where that is what was asked for.
            (200, _) if begin == 0 && call.head.length == Some(*len) => Ok((call, *len)),
            (200, _) => Err(Trouble::passing("the server gives all of the file where a part was asked for")),
            _ => Err(Trouble::Final(other_bytes(self.shown()))),
        }
    }

    /// Whether the server still has this state of the file.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(crate) fn is_same(&self) -> Result<bool> {
        let mut tries = self.tries();
        loop {
            match self.call(0, 1.min(self.0.len)) {
                Ok(_) => return Ok(true),
                Err(Trouble::Final(error)) if error.retry() == hygge_core::Retry::Run => return Ok(false),
                Err(trouble) => tries.failed(trouble, self.shown(), &self.0.cancel)?,
            }
        }
    }
}
