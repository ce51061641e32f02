//! What is handed to every home and store: who runs, how much memory, when to stop, what time it is, whom to tell.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::budget::{Budget, Share};
use crate::event::{Event, Observer};
use crate::{Error, Part, Result};

/// The smallest and only way to stop work: asked for once, seen by all who hold a copy.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<CancelInner>);

#[derive(Default)]
struct CancelInner {
    asked: AtomicBool,
    state: Mutex<CancelState>,
    parent: Option<Cancellation>,
}

#[derive(Default)]
struct CancelState {
    reason: Option<String>,
    /// The line that gives more time, where it ran out.
    longer: Option<String>,
    next: u64,
    hooks: BTreeMap<u64, Box<dyn FnOnce() + Send>>,
}

impl Cancellation {
    /// One that stops when this one does, and can be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self(Arc::new(CancelInner { parent: Some(self.clone()), ..CancelInner::default() }));
        let weak = Arc::downgrade(&child.0);
        // The hook is dropped with its guard; a child lives as long as its flow, so it is left to the parent.
        let guard = self.on_cancel(move || {
            if let Some(inner) = weak.upgrade() {
                let child = Cancellation(inner);
                let (reason, longer) = child.0.parent.as_ref().map(Cancellation::cause).unwrap_or_default();
                child.stop(reason, longer);
            }
        });
        std::mem::forget(guard);
        child
    }

    /// Asks everyone to stop; the first reason is kept.
    pub fn cancel(&self, reason: impl Into<String>) {
        self.stop(reason.into(), None);
    }

    /// Asks everyone to stop because time ran out: such an end is a failure, not an interruption.
    pub fn time_out(&self, limit: Duration) {
        let reason = format!("the flow took longer than its timeout of {} s", limit.as_secs_f64());
        self.stop(reason, Some(format!("timeout: {}", span(limit.saturating_mul(2)))));
    }

    fn stop(&self, reason: String, longer: Option<String>) {
        let hooks = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.reason.is_none() {
                state.reason = Some(reason);
                state.longer = longer;
            }
            self.0.asked.store(true, Ordering::Release);
            std::mem::take(&mut state.hooks)
        };
        for hook in hooks.into_values() {
            hook();
        }
    }

    /// Whether stopping was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> String {
        self.cause().0
    }

    /// Why; and where time ran out, the line that gives more.
    fn cause(&self) -> (String, Option<String>) {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.reason.clone().unwrap_or_default(), state.longer.clone())
    }

    /// An error if stopping was asked for.
    ///
    /// # Errors
    /// Cancelled, or failed when time ran out.
    pub fn check(&self) -> Result<()> {
        if !self.is_asked() {
            return Ok(());
        }
        let (reason, longer) = self.cause();
        Err(match longer {
            Some(line) => Error::failed(reason).next_set(Part::Flow, line),
            None => Error::cancelled(reason),
        })
    }

    /// Calls `hook` when stopping is asked for, at once if it was already; to interrupt a statement or close a socket.
    /// The hook is forgotten when the guard is dropped. It must not block.
    #[must_use]
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> CancelGuard {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.asked.load(Ordering::Acquire) {
            drop(state);
            hook();
            return CancelGuard { cancel: self.clone(), id: u64::MAX };
        }
        let id = state.next;
        state.next += 1;
        state.hooks.insert(id, Box::new(hook));
        drop(state);
        CancelGuard { cancel: self.clone(), id }
    }

    /// Sleeps, or less long if stopping is asked for.
    pub fn sleep(&self, time: Duration) {
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let _wake = self.on_cancel(move || {
            let _ = send.send(());
        });
        let _ = receive.recv_timeout(time);
    }
}

/// A span of time as the configuration writes it.
fn span(time: Duration) -> String {
    let millis = time.as_millis();
    let (unit, word) = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit))
        .unwrap_or((1, "ms"));
    format!("{}{word}", millis / unit)
}

/// Keeps a cancellation hook alive.
pub struct CancelGuard {
    cancel: Cancellation,
    id: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.cancel.0.state.lock().unwrap_or_else(PoisonError::into_inner).hooks.remove(&self.id);
    }
}

/// What time it is, for people. No decision is ever taken by it.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> chrono::DateTime<chrono::Utc>;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::Utc::now()
    }
}

/// A run's name: its start in UTC and a random end, so that names never repeat though clocks be set back.
#[must_use]
pub fn new_run_id(clock: &dyn Clock) -> String {
    let mut bytes = [0_u8; 4];
    // Without randomness the process id and time still make the name new.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = (std::process::id() ^ clock.now().timestamp_subsec_nanos()).to_le_bytes();
    }
    format!("{}-{:08x}", clock.now().format("%Y%m%dT%H%M%SZ"), u32::from_le_bytes(bytes))
}

/// What a run hands to every home and store. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The run's name, unique for ever.
    pub run: Arc<str>,
    /// The folder that relative paths start from.
    pub root: Arc<PathBuf>,
    /// The run's memory.
    pub budget: Arc<Budget>,
    /// When to stop.
    pub cancel: Cancellation,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whom to tell.
    pub observer: Arc<dyn Observer>,
}

impl Context {
    /// Tells the observer.
    pub fn tell(&self, event: &Event<'_>) {
        self.observer.event(event);
    }

    /// The same run with another cancellation, for a flow with its own time limit.
    #[must_use]
    pub fn with_cancel(&self, cancel: Cancellation) -> Self {
        Self { cancel, ..self.clone() }
    }
}

/// What one attempt at a split is handed. Cheap to clone.
#[derive(Clone)]
pub struct SplitContext {
    /// The run.
    pub run: Context,
    /// The split's memory.
    pub share: Arc<Share>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The most rows of a batch, never 0.
    pub batch_rows: usize,
    /// Bytes read from the source so far, for progress; homes add to it.
    pub bytes_read: Arc<AtomicU64>,
}

impl SplitContext {
    /// Where a home cuts a batch, in bytes.
    #[must_use]
    pub fn batch_bytes(&self) -> usize {
        self.share.batch_bytes()
    }

    /// When to stop.
    #[must_use]
    pub fn cancel(&self) -> &Cancellation {
        &self.run.cancel
    }

    /// See [`Share::admit_row`].
    ///
    /// # Errors
    /// As there.
    pub fn admit_row(&self, bytes: usize, describe: impl FnOnce() -> String) -> Result<()> {
        self.share.admit_row(bytes, &self.run.cancel, describe)
    }

    /// Adds to the bytes read from the source.
    pub fn add_bytes_read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_stops_with_its_parent_and_alone() {
        let parent = Cancellation::default();
        let (a, b) = (parent.child(), parent.child());
        a.time_out(Duration::from_mins(45));
        assert!(a.is_asked() && !b.is_asked() && !parent.is_asked());
        assert_eq!(a.check().expect_err("stopped").kind(), crate::ErrorKind::Failed);
        parent.cancel("interrupted");
        assert!(b.is_asked());
        assert_eq!(b.reason(), "interrupted");
        assert_eq!(a.reason(), "the flow took longer than its timeout of 2700 s");
        let advised = a.check().expect_err("stopped").advice().cloned();
        assert_eq!(advised, Some(crate::Advice::Set { part: Part::Flow, line: "timeout: 90m".into() }));
    }

    #[test]
    fn hooks_run_once_and_not_after_their_guard() {
        let cancel = Cancellation::default();
        let count = Arc::new(AtomicU64::new(0));
        let hook = |n: u64| {
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(n, Ordering::SeqCst);
            }
        };
        let _kept = cancel.on_cancel(hook(1));
        drop(cancel.on_cancel(hook(10)));
        cancel.cancel("a");
        cancel.cancel("b");
        let _late = cancel.on_cancel(hook(100));
        assert_eq!(count.load(Ordering::SeqCst), 101);
    }
}
