//! Memory as a contract: one budget that every split in flight draws on.
//!
//! Half of the budget is shares, each granted whole to one split at a time. The other half is a reserve behind one
//! permit: the only second thing that a split may ever ask for, so that no two holders can wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::context::Cancellation;
use crate::{Error, Result};

/// The smallest share that is worth a split.
pub const SHARE_FLOOR: usize = 8 << 20;

/// The budget where none is set.
pub const DEFAULT_MEMORY: usize = 512 << 20;

/// The smallest budget that is accepted: one share, and as much in reserve.
pub const SMALLEST_MEMORY: usize = 2 * SHARE_FLOOR;

/// The budget of a run.
pub struct Budget {
    total: usize,
    share: usize,
    shares: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    given: usize,
    reserved: bool,
    peak: usize,
}

impl Budget {
    /// A budget of `total` bytes for at most `parallel` splits at once (fewer where the shares would be too small).
    ///
    /// # Errors
    /// Refused below [`SMALLEST_MEMORY`].
    pub fn new(total: usize, parallel: usize) -> Result<Arc<Self>> {
        if total < SMALLEST_MEMORY {
            return Err(Error::refused(format!(
                "a memory budget of {} is too small to move a batch",
                shown_bytes(total as u64)
            ))
            .next(format!("give at least {}, as in --memory 64MiB", shown_bytes(SMALLEST_MEMORY as u64))));
        }
        let shares = parallel.clamp(1, (total / 2 / SHARE_FLOOR).max(1));
        Ok(Arc::new(Self {
            total,
            share: total / 2 / shares,
            shares,
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// All of it, in bytes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many splits can be in flight at once.
    #[must_use]
    pub fn shares(&self) -> usize {
        self.shares
    }

    /// The size of one share, in bytes.
    #[must_use]
    pub fn share_bytes(&self) -> usize {
        self.share
    }

    /// Waits for a share.
    ///
    /// # Errors
    /// Cancelled, if the run is told to stop while it waits.
    pub fn share(self: &Arc<Self>, cancel: &Cancellation) -> Result<Arc<Share>> {
        let _wake = cancel.on_cancel({
            let budget = Arc::clone(self);
            move || budget.wake()
        });
        let mut state = self.lock();
        while state.given >= self.shares {
            cancel.check()?;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.given += 1;
        state.peak = state.peak.max(state.given);
        Ok(Arc::new(Share { budget: Arc::clone(self), holds_reserve: Mutex::new(false), writers: AtomicUsize::new(1) }))
    }

    fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A split's memory, given back when dropped.
pub struct Share {
    budget: Arc<Budget>,
    holds_reserve: Mutex<bool>,
    /// How many writers there are.
    writers: AtomicUsize,
}

/// What is to be held beside the share.
struct Ask {
    /// What it is, as in `a row`.
    what: &'static str,
    /// The most that it may be, in bytes.
    limit: usize,
    /// What would do instead of more memory, as the beginning of the advice; or empty.
    instead: &'static str,
}

impl Share {
    /// All of the share, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.budget.share
    }

    /// Where a home cuts a batch, in bytes: three batches of a split may be alive at once (read, queued, written).
    #[must_use]
    pub fn batch_bytes(&self) -> usize {
        self.budget.share / 8
    }

    /// What a writer may hold back before it must let go (a row group, a statement's rows), in bytes.
    #[must_use]
    pub fn writer_bytes(&self) -> usize {
        self.budget.share / 4 / self.writers.load(Ordering::Relaxed)
    }

    /// Lets the split have several writers at once: from now on [`Self::writer_bytes`] is for each of `n`.
    pub fn divide_writers(&self, n: usize) {
        self.writers.store(n.max(1), Ordering::Relaxed);
    }

    /// The greatest row that is taken at all, in bytes.
    #[must_use]
    pub fn row_limit(&self) -> usize {
        self.budget.total / 8
    }

    /// The greatest part of a source that is read whole at all, in bytes.
    #[must_use]
    pub fn whole_limit(&self) -> usize {
        self.budget.total / 2
    }

    /// Asks to hold one row of `bytes`. Costs nothing for ordinary rows; a row over a quarter of the share takes the
    /// reserve until the share is given back, and waits for it if another split has it.
    ///
    /// `describe` names row and largest column for the error, as in `row 12 of docs, column body`.
    ///
    /// # Errors
    /// If the row is over an eighth of the whole budget, saying which `--memory` would do; or cancelled while waiting.
    pub fn admit_row(&self, bytes: usize, cancel: &Cancellation, describe: impl FnOnce() -> String) -> Result<()> {
        self.admit(bytes, &Ask { what: "a row", limit: self.row_limit(), instead: "" }, cancel, describe)
    }

    /// Asks to hold one batch of `bytes` that somebody else has cut. Costs nothing up to a quarter of the share; beyond it
    /// takes the reserve, as [`Self::admit_row`] does.
    ///
    /// `describe` says whose batch it is, as in `batch 3 of my_home.py`.
    ///
    /// # Errors
    /// If the batch is over an eighth of the whole budget, saying which `--memory` would do; or cancelled while waiting.
    pub fn admit_batch(&self, bytes: usize, cancel: &Cancellation, describe: impl FnOnce() -> String) -> Result<()> {
        let ask = Ask { what: "a batch", limit: self.row_limit(), instead: "let it come in smaller batches, or " };
        self.admit(bytes, &ask, cancel, describe)
    }

    /// Asks to hold a part of a source that can only be read whole (a record batch, a sheet) and is then cut into batches:
    /// it lies in memory once, so half of the budget is its limit. Otherwise as [`Self::admit_row`]; `what` names it, as
    /// in `a record batch`.
    ///
    /// # Errors
    /// If it is over half of the budget, saying which `--memory` would do; or cancelled while waiting.
    pub fn admit_whole(
        &self,
        what: &'static str,
        bytes: usize,
        cancel: &Cancellation,
        describe: impl FnOnce() -> String,
    ) -> Result<()> {
        self.admit(bytes, &Ask { what, limit: self.whole_limit(), instead: "" }, cancel, describe)
    }

    fn admit(&self, bytes: usize, ask: &Ask, cancel: &Cancellation, describe: impl FnOnce() -> String) -> Result<()> {
        if bytes <= self.budget.share / 4 {
            return Ok(());
        }
        if bytes > ask.limit {
            let times = self.budget.total / ask.limit;
            let needed = (bytes.saturating_mul(times)).div_ceil(1 << 20);
            return Err(Error::failed(format!(
                "{} of {} does not fit a memory budget of {}",
                ask.what,
                shown_bytes(bytes as u64),
                shown_bytes(self.budget.total as u64)
            ))
            .at(describe())
            .next(format!("{}run with --memory {needed}MiB", ask.instead)));
        }
        let mut holds = self.holds_reserve.lock().unwrap_or_else(PoisonError::into_inner);
        if *holds {
            return Ok(());
        }
        let _wake = cancel.on_cancel({
            let budget = Arc::clone(&self.budget);
            move || budget.wake()
        });
        let mut state = self.budget.lock();
        while state.reserved {
            cancel.check()?;
            state = self.budget.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.reserved = true;
        *holds = true;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let holds = *self.holds_reserve.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.budget.lock();
        state.given -= 1;
        if holds {
            state.reserved = false;
        }
        drop(state);
        self.budget.changed.notify_all();
    }
}

/// Bytes as a person reads them: `41 MiB`.
#[must_use]
pub fn shown_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut n = bytes as f64 / 1024.0;
    let mut unit = 0;
    while n >= 1023.95 && unit + 1 < UNITS.len() {
        n /= 1024.0;
        unit += 1;
    }
    let shown = if n < 9.95 { format!("{n:.1}") } else { format!("{n:.0}") };
    format!("{} {}", shown.strip_suffix(".0").unwrap_or(&shown), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Cancellation;

    #[test]
    fn shares_are_bounded_and_come_back() {
        let budget = Budget::new(64 << 20, 16).expect("64 MiB will do");
        assert_eq!(budget.shares(), 4);
        assert_eq!(budget.share_bytes(), 8 << 20);
        let cancel = Cancellation::default();
        let held: Vec<_> = (0..4).map(|_| budget.share(&cancel).expect("four shares")).collect();
        let waiter = std::thread::spawn({
            let (budget, cancel) = (Arc::clone(&budget), cancel.clone());
            move || budget.share(&cancel).map(|_| ())
        });
        drop(held);
        waiter.join().expect("no panic").expect("a share came back");
        assert_eq!(budget.lock().peak, 4);
    }

    #[test]
    fn a_waiter_is_woken_by_cancellation() {
        let budget = Budget::new(SMALLEST_MEMORY, 1).expect("smallest");
        let cancel = Cancellation::default();
        let _held = budget.share(&cancel).expect("the one share");
        let waiter = std::thread::spawn({
            let (budget, cancel) = (Arc::clone(&budget), cancel.clone());
            move || budget.share(&cancel).map(|_| ())
        });
        cancel.cancel("stop");
        assert!(waiter.join().expect("no panic").is_err());
    }

    #[test]
    fn a_giant_row_takes_the_reserve_and_one_beyond_it_is_refused_by_name() {
        let budget = Budget::new(64 << 20, 4).expect("64 MiB will do");
        let cancel = Cancellation::default();
        let share = budget.share(&cancel).expect("share");
        share.admit_row(1 << 20, &cancel, String::new).expect("an ordinary row");
        assert!(!budget.lock().reserved);
        share.admit_row(5 << 20, &cancel, String::new).expect("a giant row");
        assert!(budget.lock().reserved);
        let error = share.admit_row(9 << 20, &cancel, || "row 7, column body".into()).expect_err("too large");
        assert_eq!(error.place(), Some("row 7, column body"));
        assert!(format!("{error:?}").contains("--memory 72MiB"), "{error:?}");
        drop(share);
        assert!(!budget.lock().reserved);
        let share = budget.share(&cancel).expect("share");
        share.admit_whole("a sheet", 32 << 20, &cancel, String::new).expect("half of the budget");
        assert!(budget.lock().reserved);
        let error = share.admit_whole("a sheet", 33 << 20, &cancel, String::new).expect_err("too large");
        assert!(format!("{error:?}").contains("a sheet of 33 MiB") && format!("{error:?}").contains("--memory 66MiB"));
    }

    #[test]
    fn bytes_read_well() {
        assert_eq!(shown_bytes(17), "17 B");
        assert_eq!(shown_bytes(41 << 20), "41 MiB");
        assert_eq!(shown_bytes(1536), "1.5 KiB");
        assert_eq!(shown_bytes((1 << 30) - 1), "1 GiB");
    }
}
