//! Turns an error's advice into the one sentence that a person reads, with the line of the file where it has one.

use std::collections::HashMap;

use hygge_core::receipt::Owner;
use hygge_core::{Advice, Error, Part};

use super::words::go;
use crate::config::Spots;

/// Knows where each flow's options are written, and by which command it runs.
#[derive(Default)]
pub struct Advisor {
    spots: HashMap<(String, Option<String>), Spots>,
    copies: bool,
}

impl Advisor {
    /// One for `hygge copy`: what it runs has no name that could be typed.
    #[must_use]
    pub fn of_copies(self) -> Self {
        Self { copies: true, ..self }
    }

    /// Remembers where a flow (one entity of it) is written; without an entity, for all that are not known by name.
    pub fn learn(&mut self, flow: &str, entity: Option<&str>, spots: &Spots) {
        self.spots.insert((flow.to_owned(), entity.map(ToOwned::to_owned)), spots.clone());
        self.spots.entry((flow.to_owned(), None)).or_insert_with(|| spots.clone());
    }

    fn spots(&self, owner: &Owner) -> Option<&Spots> {
        let own = self.spots.get(&(owner.flow.clone(), owner.entity.clone()));
        own.or_else(|| self.spots.get(&(owner.flow.clone(), None)))
    }

    /// What to do next about an error of a flow; none where the error has no advice.
    #[must_use]
    pub fn advise(&self, owner: &Owner, error: &Error) -> Option<String> {
        error.advice().map(|advice| self.sentence(owner, advice))
    }

    /// An advice as a sentence, with the place of the line in it.
    #[must_use]
    pub fn sentence(&self, owner: &Owner, advice: &Advice) -> String {
        match advice {
            Advice::Do(what) => what.clone(),
            Advice::Anew(more) => self.anew(owner, more),
            Advice::Set { part, line } => match self.spots(owner) {
                Some(spots) => spots.advise(*part, line, owner.entity.as_deref()),
                None => plain(*part, line),
            },
        }
    }

    /// The command that settles everything of a flow anew, and what for.
    #[must_use]
    pub fn anew(&self, owner: &Owner, more: &str) -> String {
        if self.copies {
            return format!("copy once more with  --full-drop  {more}");
        }
        format!("run  {} --full-drop  {more}", go(owner))
    }
}

/// Advice where no file is known.
#[must_use]
pub fn plain(part: Part, line: &str) -> String {
    let part = match part {
        Part::Home => "home",
        Part::Store => "store",
        Part::Flow => "flow",
    };
    format!("add  {line}  to the options of the {part}")
}

/// What to do next about an error that belongs to no flow.
#[must_use]
pub fn advice_alone(error: &Error) -> Option<String> {
    error.advice().map(|advice| match advice {
        Advice::Do(what) => what.clone(),
        Advice::Anew(more) => format!("run the flow once with  --full-drop  {more}"),
        Advice::Set { part, line } => plain(*part, line),
    })
}
