//! Named points where a test may make the program die, fail or wait. Compiled to nothing without the feature `failpoints`.
//!
//! `HYGGE_FAIL=name=action[:nth]` with the actions `kill` (SIGKILL itself), `error`, `pause` (until the file named by
//! `HYGGE_FAIL_RESUME` exists), several parted by `;`. `nth` (from 1) picks the passing at which it acts; 1 by default.

/// Declares the points: an enum, its names, and the list that the crash tests walk.
macro_rules! fail_points {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Every point at which a run can be made to die.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FailPoint { $($(#[$doc])* $variant,)* }

        impl FailPoint {
            /// All of them; the crash tests kill a run at each.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that `HYGGE_FAIL` takes.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

fail_points! {
    /// The place is locked, nothing swept yet.
    Locked = "lock.taken",
    /// Dead staging was renamed away, doubts not settled yet.
    SweepRenamed = "sweep.renamed",
    /// Doubts are settled, nothing deleted yet.
    SweepSettled = "sweep.settled",
    /// The scan is open.
    Opened = "scan.opened",
    /// File stores: a file system is asked whether it exchanges folders; an error here means that it does not.
    ExchangeProbed = "probe.exchange",
    /// Staging exists.
    LoadOpened = "load.opened",
    /// A batch was handed to the writer.
    BatchWritten = "split.batch",
    /// Before a writer makes its split durable.
    BeforeFinish = "split.before_finish",
    /// A split is staged.
    SplitStaged = "split.staged",
    /// The scan ended.
    ScanFinished = "scan.finished",
    /// Before the commit begins.
    BeforeCommit = "commit.begin",
    /// File stores: the fresh folder stands.
    FreshBuilt = "commit.fresh_built",
    /// File stores: the receipt is written as pending.
    PendingWritten = "commit.pending_written",
    /// File stores: the folders are exchanged, parents not yet synced.
    Exchanged = "commit.exchanged",
    /// File stores: exchanged and synced; the receipt has not its final name yet.
    ExchangeSynced = "commit.exchange_synced",
    /// File stores: the receipt has its final name.
    ReceiptNamed = "commit.receipt_named",
    /// File stores: half of a fallback's steps done (where folders cannot be exchanged).
    FallbackHalf = "commit.fallback_half",
    /// One-file stores: the sidecar is written, the file not yet renamed.
    SidecarWritten = "commit.sidecar_written",
    /// One-file stores: renamed.
    FileRenamed = "commit.file_renamed",
    /// Databases: rows and receipt are written, the transaction is open.
    BeforeDatabaseCommit = "commit.before_database_commit",
    /// Databases: the transaction has committed.
    DatabaseCommitted = "commit.database_committed",
    /// The load settled, the journal does not know yet.
    BeforeJournal = "journal.before",
    /// What the commit left is being tidied.
    Cleanup = "cleanup.begin",
}

/// Passes a point. Does nothing unless a test asked otherwise.
///
/// # Errors
/// Only if a test asked for an error here.
#[inline]
#[cfg(not(feature = "failpoints"))]
pub fn pass(_point: FailPoint) -> crate::Result<()> {
    Ok(())
}

/// Passes a point. Does nothing unless a test asked otherwise.
///
/// # Errors
/// Only if a test asked for an error here.
#[cfg(feature = "failpoints")]
pub fn pass(point: FailPoint) -> crate::Result<()> {
    armed::pass(point)
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::FailPoint;
    use crate::{Error, Result};

    struct Armed {
        name: String,
        action: String,
        nth: u32,
        passed: AtomicU32,
    }

    static ARMED: OnceLock<Vec<Armed>> = OnceLock::new();

    fn armed() -> &'static [Armed] {
        ARMED.get_or_init(|| {
            let Ok(text) = std::env::var("HYGGE_FAIL") else { return Vec::new() };
            text.split(';')
                .filter(|part| !part.is_empty())
                .map(|part| {
                    let (name, rest) = part.split_once('=').expect("HYGGE_FAIL is name=action[:nth]");
                    let (action, nth) = rest.split_once(':').unwrap_or((rest, "1"));
                    assert!(FailPoint::ALL.iter().any(|p| p.name() == name), "no fail point is called {name}");
                    Armed {
                        name: name.to_owned(),
                        action: action.to_owned(),
                        nth: nth.parse().expect("nth is a number"),
                        passed: AtomicU32::new(0),
                    }
                })
                .collect()
        })
    }

    pub(super) fn pass(point: FailPoint) -> Result<()> {
        for armed in armed().iter().filter(|a| a.name == point.name()) {
            if armed.passed.fetch_add(1, Ordering::SeqCst) + 1 != armed.nth {
                continue;
            }
            match armed.action.as_str() {
                "kill" => {
                    let me = std::process::id().to_string();
                    let _ = std::process::Command::new("kill").args(["-9", &me]).status();
                    std::thread::sleep(std::time::Duration::from_mins(1));
                }
                "error" => return Err(Error::failed(format!("fail point {}", point.name()))),
                "transient" => return Err(Error::transient(format!("fail point {}", point.name()))),
                "pause" => {
                    let resume = std::env::var_os("HYGGE_FAIL_RESUME").expect("HYGGE_FAIL_RESUME names a file");
                    let resume = std::path::Path::new(&resume);
                    let _ = std::fs::write(resume.with_extension("paused"), point.name());
                    while !resume.exists() {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                    }
                }
                other => panic!("no fail action is called {other}"),
            }
        }
        Ok(())
    }
}
