//! The options of a registered type, as they stand in the YAML.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::value::{Mapping, Wrong};
use crate::config::tree::{Name, Node, Pos};

/// Some keys of the configuration with their values, each of which knows its line. A copy costs nothing.
#[derive(Clone)]
pub struct Options(Arc<Inner>);

struct Inner {
    at: Pos,
    what: String,
    entries: Vec<(Name, Node)>,
}

impl Options {
    pub(crate) fn new(at: &Pos, what: String, entries: Vec<(Name, Node)>) -> Self {
        Self(Arc::new(Inner { at: at.clone(), what, entries }))
    }

    /// What they are options of: `a my_home home`.
    pub(crate) fn what(&self) -> &str {
        &self.0.what
    }

    pub(crate) fn position(&self) -> &Pos {
        &self.0.at
    }

    /// Where the home or store is written, as `hygge.yml:5:3`.
    #[must_use]
    pub fn here(&self) -> String {
        self.0.at.to_string()
    }

    /// Where an option is written; where the whole is, if it is not.
    #[must_use]
    pub fn at(&self, option: &str) -> String {
        let written = self.0.entries.iter().find(|(name, _)| name.text == option);
        written.map_or(&self.0.at, |(name, _)| &name.at).to_string()
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Wrong> {
        T::deserialize(Mapping { at: &self.0.at, entries: &self.0.entries, name: None })
    }
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Options {}

/// Names only: a value may be a secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.entries.iter().map(|(name, _)| &name.text)).finish()
    }
}
