//! What flows of one run share and must take turns at: connections of a home, loads on a database, a file that cannot
//! be read while it is written.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::Result;
use crate::context::Cancellation;

/// Counts who is where. Everything is taken before memory and never while holding memory.
#[derive(Default)]
pub struct Limits {
    used: Mutex<HashMap<Key, usize>>,
    changed: Condvar,
}

type Key = (What, String);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Readers,
    Loads,
    LoadsAlone,
    Scans,
}

/// A load that a flow is about to open.
#[derive(Debug, Clone, Copy)]
pub struct LoadAsk<'a> {
    /// [`crate::place::PlaceId::resource`].
    pub resource: &'a str,
    /// The most loads at once on the resource.
    pub most: usize,
    /// Not while another flow scans the resource.
    pub alone: bool,
}

/// Gives back what was taken.
pub struct Permit<'a> {
    limits: &'a Limits,
    keys: Vec<Key>,
}

impl Limits {
    /// One more split being read from a home, of at most `most`.
    ///
    /// # Errors
    /// Cancelled while waiting.
    pub fn reader(&self, home: &str, most: usize, cancel: &Cancellation) -> Result<Permit<'_>> {
        let key = (What::Readers, home.to_owned());
        self.take(vec![key.clone()], cancel, |used| count(used, &key) < most)
    }

    /// A flow's scan and load, both at once or neither: two flows that each held one and waited for the other's would
    /// wait for ever.
    ///
    /// # Errors
    /// Cancelled while waiting.
    pub fn flow(&self, scan: Option<&str>, load: LoadAsk<'_>, cancel: &Cancellation) -> Result<Permit<'_>> {
        let loads = (What::Loads, load.resource.to_owned());
        let scans_of_load = (What::Scans, load.resource.to_owned());
        let mut keys = vec![loads.clone()];
        if load.alone {
            keys.push((What::LoadsAlone, load.resource.to_owned()));
        }
        keys.extend(scan.map(|resource| (What::Scans, resource.to_owned())));
        let alone_on_scan = scan.map(|resource| (What::LoadsAlone, resource.to_owned()));
        self.take(keys, cancel, move |used| {
            count(used, &loads) < load.most
                && (!load.alone || count(used, &scans_of_load) == 0)
                && alone_on_scan.as_ref().is_none_or(|key| count(used, key) == 0)
        })
    }

    /// A look into a resource, as into a home's catalogue: waits until no load that must be alone is on it.
    ///
    /// # Errors
    /// Cancelled while waiting.
    pub fn look(&self, resource: &str, cancel: &Cancellation) -> Result<Permit<'_>> {
        let alone = (What::LoadsAlone, resource.to_owned());
        self.take(vec![(What::Scans, resource.to_owned())], cancel, |used| count(used, &alone) == 0)
    }

    fn take(
        &self,
        keys: Vec<Key>,
        cancel: &Cancellation,
        free: impl Fn(&HashMap<Key, usize>) -> bool,
    ) -> Result<Permit<'_>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            cancel.check()?;
            if free(&used) {
                for key in &keys {
                    *used.entry(key.clone()).or_default() += 1;
                }
                return Ok(Permit { limits: self, keys });
            }
            // A cancellation hook would need an owner that outlives the run; looking now and then is enough here.
            let wait = self.changed.wait_timeout(used, Duration::from_millis(50));
            used = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn count(used: &HashMap<Key, usize>, key: &Key) -> usize {
    used.get(key).copied().unwrap_or(0)
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut used = self.limits.used.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if let Some(n) = used.get_mut(key) {
                *n = n.saturating_sub(1);
            }
        }
        drop(used);
        self.limits.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(resource: &str, alone: bool) -> LoadAsk<'_> {
        LoadAsk { resource, most: 1, alone }
    }

    fn timed_out(limits: &Limits, scan: Option<&str>, load: LoadAsk<'_>) -> bool {
        let cancel = Cancellation::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(120));
                cancel.cancel("enough");
            });
            limits.flow(scan, load, &cancel).is_err()
        })
    }

    #[test]
    fn one_load_at_once_and_its_place_comes_back() {
        let limits = Limits::default();
        let cancel = Cancellation::default();
        let held = limits.flow(None, ask("db", false), &cancel).expect("free");
        assert!(timed_out(&limits, None, ask("db", false)));
        assert!(!timed_out(&limits, None, ask("other", false)));
        drop(held);
        assert!(!timed_out(&limits, None, ask("db", false)));
    }

    #[test]
    fn a_load_that_must_be_alone_and_scans_take_turns() {
        let limits = Limits::default();
        let cancel = Cancellation::default();
        let scanning = limits.flow(Some("db"), ask("files", false), &cancel).expect("free");
        assert!(timed_out(&limits, None, ask("db", true)));
        assert!(!timed_out(&limits, None, ask("db", false)));
        drop(scanning);
        let _loading = limits.flow(None, ask("db", true), &cancel).expect("free");
        assert!(timed_out(&limits, Some("db"), ask("files2", false)));
    }
}
