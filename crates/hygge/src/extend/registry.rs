//! Types of homes and stores by name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::home::Home;
use hygge_core::store::Store;
use hygge_core::{Error, Result};
use serde::de::DeserializeOwned;

use super::options::Options;
use crate::config::is_own_type;

type Make<T> = Arc<dyn Fn(&Options, &Path, Option<&str>) -> Result<Arc<T>> + Send + Sync>;
type Check = fn(&Options) -> Result<(), super::value::Wrong>;

/// A registered type: what its options must look like, and how one is made.
pub(crate) struct Entry<T: ?Sized> {
    pub(crate) check: Check,
    pub(crate) make: Make<T>,
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { check: self.check, make: Arc::clone(&self.make) }
    }
}

/// A registered type of home.
pub(crate) type HomeType = Entry<dyn Home>;
/// A registered type of store.
pub(crate) type StoreType = Entry<dyn Store>;

/// The types that a program adds to those that hygge brings.
#[derive(Clone, Default)]
pub struct Registry {
    homes: BTreeMap<String, HomeType>,
    stores: BTreeMap<String, StoreType>,
    refused: Option<String>,
}

/// What a factory is given: what stands in the YAML, and where.
pub struct Setting<T> {
    /// The options below the home or store, but for those that are hygge's own (`type`; of homes also `columns`,
    /// `batch_size` and `readers`). Unknown keys, missing ones and values of another kind were refused before, each with its
    /// line.
    pub options: T,
    /// The project's root, where relative paths start.
    pub root: PathBuf,
    /// The entity, where the flow has entities.
    pub entity: Option<String>,
    written: Options,
}

impl<T> Setting<T> {
    /// A path as the project writes it, from the root.
    #[must_use]
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.root.join(written)
    }

    /// A refusal at the line of an option, or of the whole where it was not written.
    #[must_use]
    pub fn refuse(&self, option: &str, found: impl Into<String>) -> Error {
        Error::refused(found).at(self.written.at(option))
    }
}

impl Registry {
    /// Adds a type of home. `factory` makes one for each flow, or entity of a flow, that names it; nothing should be opened
    /// yet.
    ///
    /// A name that is hygge's own, taken already, or no name at all is told when the program runs.
    #[must_use]
    pub fn home<T, F>(mut self, name: &str, factory: F) -> Self
    where
        T: DeserializeOwned + 'static,
        F: Fn(Setting<T>) -> Result<Arc<dyn Home>> + Send + Sync + 'static,
    {
        let taken = self.homes.contains_key(name);
        if self.takes("home", name, taken) {
            self.homes.insert(name.to_owned(), entry(factory));
        }
        self
    }

    /// Adds a type of store, as [`Self::home`] does.
    #[must_use]
    pub fn store<T, F>(mut self, name: &str, factory: F) -> Self
    where
        T: DeserializeOwned + 'static,
        F: Fn(Setting<T>) -> Result<Arc<dyn Store>> + Send + Sync + 'static,
    {
        let taken = self.stores.contains_key(name);
        if self.takes("store", name, taken) {
            self.stores.insert(name.to_owned(), entry(factory));
        }
        self
    }

    fn takes(&mut self, side: &str, name: &str, taken: bool) -> bool {
        let sound = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let why = if !sound {
            "is no name: letters, digits, _ and - make one"
        } else if is_own_type(name) {
            "is hygge's own"
        } else if taken {
            "is registered already"
        } else {
            return true;
        };
        self.refused.get_or_insert(format!("a {side} cannot be registered as `{name}`, which {why}"));
        false
    }

    /// Whether every type could be registered.
    ///
    /// # Errors
    /// Refused, naming the first that could not.
    pub fn check(&self) -> Result<()> {
        match &self.refused {
            None => Ok(()),
            Some(why) => Err(Error::refused(why.as_str()).next("give it another name where it is registered")),
        }
    }

    pub(crate) fn home_type(&self, name: &str) -> Option<&HomeType> {
        self.homes.get(name)
    }

    pub(crate) fn store_type(&self, name: &str) -> Option<&StoreType> {
        self.stores.get(name)
    }

    /// The names of a side, `home` or `store`, in order.
    pub(crate) fn names(&self, side: &str) -> Vec<&str> {
        if side == "home" {
            self.homes.keys().map(String::as_str).collect()
        } else {
            self.stores.keys().map(String::as_str).collect()
        }
    }
}

fn entry<T, D, F>(factory: F) -> Entry<D>
where
    T: DeserializeOwned + 'static,
    D: ?Sized,
    F: Fn(Setting<T>) -> Result<Arc<D>> + Send + Sync + 'static,
{
    Entry {
        check: |options| options.read::<T>().map(|_| ()),
        make: Arc::new(move |options, root, entity| {
            let setting = Setting {
                options: options.read::<T>().map_err(|wrong| wrong.into_error(options))?,
                root: root.to_path_buf(),
                entity: entity.map(str::to_owned),
                written: options.clone(),
            };
            // A factory that says nothing of the place is at least found by it.
            factory(setting).map_err(|error| if error.place().is_none() { error.at(options.here()) } else { error })
        }),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("homes", &self.names("home")).field("stores", &self.names("store")).finish()
    }
}
