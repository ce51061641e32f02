//! What a run tells while it goes on. Whoever prints listens; nothing in this crate prints.

use std::time::Duration;

use crate::Advice;
use crate::flow::PlannedFlow;
use crate::receipt::Owner;

/// Something that a person should know of what will be read, though nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// One sentence without a full stop.
    pub text: String,
    /// The one thing that a person can do about it. Notes that have it are shown in every run, others to who asks for more.
    pub next: Option<Advice>,
    /// Where the note is that rows have settled which the home no longer has: which, as a sentence without a full stop.
    pub gone: Option<String>,
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self { text, next: None, gone: None }
    }
}

/// Something that happened in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// A flow (one entity of it) begins.
    Started {
        /// Which.
        owner: Owner,
        /// Its home, for people.
        home: String,
        /// Its place, for people.
        place: String,
    },
    /// What it will do.
    Planned {
        /// Which.
        owner: Owner,
        /// What.
        plan: Box<PlannedFlow>,
    },
    /// A batch was written. Rows and bytes are those of the batch; rows may be negative, when a failed attempt is taken back.
    Progress {
        /// Which.
        owner: Owner,
        /// Rows more.
        rows: i64,
        /// Bytes read from the source more.
        bytes: u64,
    },
    /// Something will be tried again.
    Retrying {
        /// Which.
        owner: Owner,
        /// The split's label, or none for the whole flow.
        split: Option<String>,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Why.
        error: String,
        /// How long it waits first.
        after: Duration,
    },
    /// Something a person should know, though nothing failed.
    Note {
        /// Which.
        owner: Owner,
        /// One sentence without a full stop.
        text: String,
    },
    /// A program of somebody else said something, on its standard error.
    Said {
        /// The program, for people.
        who: &'a str,
        /// One line, without secrets.
        text: &'a str,
    },
    /// All rows are staged; the store's reader reads them back.
    Proving {
        /// Which.
        owner: Owner,
    },
    /// A flow (one entity of it) ended.
    Ended {
        /// Which, how, and how long it took.
        ended: &'a crate::coordinator::Ended,
    },
}

/// Listens to a run, from any thread. Must not block for long.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Listens to nothing.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}
