//! Runs all flows of a project in order: refuses before anything starts what can be refused, lets independent flows go
//! side by side, skips what depends on a failure.

mod expand;
mod graph;
mod preflight;
mod schedule;

use std::time::Duration;

pub use self::expand::expand;
pub use self::graph::{check_graph, with_ancestors};
pub use self::preflight::{Planned, Preflight, preflight};
use crate::ErrorKind;
use crate::context::Context;
use crate::flow::{FlowSpec, Outcome};
use crate::journal::Journal;
use crate::receipt::Owner;
use crate::store::Cleanup;

/// How a project is run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// How many flows (entities) run at once, at least 1.
    pub concurrency: usize,
    /// Begin nothing new once a flow has failed; those that run go on to their end.
    pub fail_fast: bool,
}

/// One flow's (entity's) end.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub owner: Owner,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// A run's end.
pub struct RunReport {
    /// Every flow and entity, in the project's order.
    pub ended: Vec<Ended>,
    cleanups: Vec<Cleanup>,
}

impl RunReport {
    /// The process's exit code: 0 settled or up to date, 1 a flow failed or was skipped, 70 our bug, 130 interrupted.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |is: &dyn Fn(&Outcome) -> bool| self.ended.iter().any(|e| is(&e.outcome));
        if any(&|o| matches!(o, Outcome::Failed(e) if e.kind() == ErrorKind::Bug)) {
            70
        } else if any(&|o| matches!(o, Outcome::Cancelled)) {
            130
        } else {
            u8::from(any(&|o| !o.lets_dependants_run()))
        }
    }

    /// Tidies what the commits left behind, once readers that had begun before have had time to finish. Best effort:
    /// what is not tidied now is swept by the next run.
    pub fn tidy(self) {
        for cleanup in self.cleanups {
            let now = std::time::Instant::now();
            if let Some(wait) = cleanup.not_before.checked_duration_since(now) {
                std::thread::sleep(wait);
            }
            tidy(cleanup);
        }
    }
}

fn tidy(cleanup: Cleanup) {
    if crate::fault::pass(crate::fault::FailPoint::Cleanup).is_ok() {
        // At best effort, also where it panics: the next run clears away what is left.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(cleanup.run));
    }
}

/// Runs flows to their ends. The graph must have been checked ([`check_graph`]).
#[must_use]
pub fn run(ctx: &Context, flows: &[FlowSpec], options: RunOptions, journal: Option<&Journal>) -> RunReport {
    let (ended, cleanups) = schedule::Scheduler::new(ctx, flows, options, journal).run();
    RunReport { ended, cleanups }
}
