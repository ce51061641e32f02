//! Wrappers that misbehave on purpose, by script: for tests of whoever must cope with them.

mod home;
mod store;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::home::FaultyHome;
pub use self::store::FaultyStore;
use crate::{Error, Result, Retry};

/// Where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// [`crate::home::Home::open`].
    Open,
    /// [`crate::home::Scan::read`].
    Read,
    /// [`crate::home::BatchStream::next`].
    Next,
    /// [`crate::home::Scan::finish`].
    FinishScan,
    /// [`crate::store::Store::lock`].
    Lock,
    /// [`crate::store::Load::writer`].
    Writer,
    /// [`crate::store::Writer::write`].
    Write,
    /// [`crate::store::Writer::finish`].
    FinishSplit,
    /// [`crate::store::Load::commit`].
    Commit,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and an error comes back.
    Reject(Retry),
    /// It is done, and an error comes back all the same: the answer was lost.
    FailAfterWrite(Retry),
    /// It is done, and the answer comes late.
    HoldResponse(Duration),
    /// It is done late.
    Slow(Duration),
}

/// Which faults strike, each once, at the n-th passing (from 1) of its place.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Steps>>);

#[derive(Default)]
struct Steps {
    waiting: VecDeque<(At, u32, Fault)>,
    passed: Vec<(At, u32)>,
}

impl Script {
    /// A script of `(where, nth passing, what)`.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (At, u32, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(Steps { waiting: steps.into_iter().collect(), passed: Vec::new() })))
    }

    /// How many faults have not struck.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.len()
    }

    fn pass(&self, at: At) -> Option<Fault> {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = if let Some((_, n)) = steps.passed.iter_mut().find(|(place, _)| *place == at) {
            *n += 1;
            *n
        } else {
            steps.passed.push((at, 1));
            1
        };
        let found = steps.waiting.iter().position(|(place, n, _)| *place == at && *n == nth)?;
        steps.waiting.remove(found).map(|(_, _, fault)| fault)
    }

    /// Does `work` as the script wants it.
    fn around<T>(&self, at: At, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let lost = |retry| Error::failed(format!("a fault at {at:?}")).retry_as(retry);
        match self.pass(at) {
            None => work(),
            Some(Fault::Reject(retry)) => Err(lost(retry)),
            Some(Fault::FailAfterWrite(retry)) => {
                work()?;
                if at == At::Commit {
                    Err(Error::commit_unknown("the answer to the commit was lost"))
                } else {
                    Err(lost(retry))
                }
            }
            Some(Fault::HoldResponse(time)) => {
                let done = work();
                std::thread::sleep(time);
                done
            }
            Some(Fault::Slow(time)) => {
                std::thread::sleep(time);
                work()
            }
        }
    }
}
