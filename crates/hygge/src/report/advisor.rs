//! Turns an error's advice into the one sentence that a person reads, with the line of the file where it has one.

use std::collections::HashMap;

use hygge_core::receipt::Owner;
use hygge_core::{Advice, Error, Part};

use crate::config::Spots;

/// Knows where each flow's options are written.
#[derive(Default)]
pub struct Advisor(HashMap<(String, Option<String>), Spots>);

impl Advisor {
    /// Remembers where a flow (one entity of it) is written; without an entity, for all that are not known by name.
    pub fn learn(&mut self, flow: &str, entity: Option<&str>, spots: &Spots) {
        self.0.insert((flow.to_owned(), entity.map(ToOwned::to_owned)), spots.clone());
        self.0.entry((flow.to_owned(), None)).or_insert_with(|| spots.clone());
    }

    fn spots(&self, owner: &Owner) -> Option<&Spots> {
        self.0.get(&(owner.flow.clone(), owner.entity.clone())).or_else(|| self.0.get(&(owner.flow.clone(), None)))
    }

    /// What to do next about an error of a flow; none where the error has no advice.
    #[must_use]
    pub fn advise(&self, owner: &Owner, error: &Error) -> Option<String> {
        Some(match error.advice()? {
            Advice::Do(what) => what.clone(),
            Advice::Set { part, line } => match self.spots(owner) {
                Some(spots) => match part {
                    Part::Home => spots.home.advise(line),
                    Part::Store => spots.store.advise(line),
                    Part::Flow => spots.flow.advise(line),
                },
                None => plain(*part, line),
            },
        })
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
        Advice::Set { part, line } => plain(*part, line),
    })
}
