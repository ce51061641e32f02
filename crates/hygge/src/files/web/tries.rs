//! What is tried again, how often, and after which pause.

use std::time::Duration;

use hygge_core::context::Cancellation;
use hygge_core::{Error, Result};

/// How long is waited for a server, and how often it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For a connection.
    pub(super) connect: Duration,
    /// For the next byte.
    pub(super) idle: Duration,
    /// How often in a row nothing may come.
    pub(super) tries: u32,
    /// After the first failure; doubled after each.
    pub(super) pause: Duration,
    /// The longest pause that a server may ask for.
    pub(super) longest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            idle: Duration::from_mins(1),
            tries: 5,
            pause: Duration::from_millis(250),
            longest: Duration::from_mins(2),
        }
    }
}

/// Why an answer did not come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may come when asked again.
    Passing {
        /// What happened, after the URL: `the server answers 503`.
        found: String,
        /// What the server asks to wait.
        after: Option<Duration>,
        /// Whether it is the server that asks to be left alone for a while.
        crowded: bool,
    },
    /// It will not.
    Final(Error),
}

impl Trouble {
    pub(super) fn passing(found: impl Into<String>) -> Self {
        Self::Passing { found: found.into(), after: None, crowded: false }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Counts failures.
pub(super) struct Tries {
    limits: Limits,
    /// In a row.
    failed: u32,
    /// In all: a connection that is cut again and again after some bytes is given up, too.
    all: u32,
}

/// So many failures in a row are worth one in all.
const IN_ALL: u32 = 20;

impl Tries {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, failed: 0, all: 0 }
    }

    /// Bytes came.
    pub(super) fn went_well(&mut self) {
        self.failed = 0;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// If there is to be none, or the run is told to stop.
    pub(super) fn failed(&mut self, trouble: Trouble, shown: &str, cancel: &Cancellation) -> Result<()> {
        let (found, after, crowded) = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::Passing { found, after, crowded } => (found, after, crowded),
        };
        cancel.check()?;
        self.failed += 1;
        self.all += 1;
        if self.failed >= self.limits.tries || self.all >= self.limits.tries * IN_ALL {
            // The run would ask as often again for each further try of its own.
            let give_up = if crowded { Error::failed } else { Error::transient };
            let found = format!("{found}, {} times now", self.all);
            return Err(give_up(found).at(shown).next("run again when the server is well"));
        }
        if let Some(after) = after.filter(|after| *after > self.limits.longest) {
            let found = format!("{found}, and asks to be left alone for {} s", after.as_secs());
            return Err(Error::failed(found).at(shown).next("run again after that time"));
        }
        let pause = self.limits.pause.saturating_mul(1 << (self.failed - 1).min(10));
        cancel.sleep(after.unwrap_or(pause).min(self.limits.longest));
        cancel.check()
    }
}
