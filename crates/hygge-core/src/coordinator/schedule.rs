//! Hands flows to workers: in the project's order, as soon as what they depend on has settled.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::preflight::{claim, flow_owner};
use super::{Ended, RunOptions, expand, tidy};
use crate::Error;
use crate::context::Context;
use crate::event::Event;
use crate::fault::{self, FailPoint};
use crate::flow::{Entities, EntitySpec, FlowSpec, Outcome, run_entity};
use crate::journal::Journal;
use crate::limits::Limits;
use crate::place::PlaceId;
use crate::receipt::Owner;
use crate::store::Cleanup;

pub(super) struct Scheduler<'a> {
    ctx: &'a Context,
    flows: &'a [FlowSpec],
    options: RunOptions,
    journal: Option<&'a Journal>,
    limits: Limits,
    board: Mutex<Board>,
    changed: Condvar,
}

struct Board {
    flows: Vec<Lane>,
    places: Vec<(PlaceId, Owner)>,
    ended: Vec<(usize, usize, Ended)>,
    cleanups: Vec<Cleanup>,
    failed: Option<String>,
}

/// How many flows that have settled may wait to be tidied behind.
const UNTIDIED: usize = 64;

/// A flow's place in the queue.
struct Lane {
    state: State,
    waiting: VecDeque<(usize, EntitySpec)>,
    running: usize,
    bad: bool,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum State {
    /// Waits for others, or for a worker to find its entities.
    Waiting,
    /// A worker asks the home for its entities.
    Expanding,
    /// Its entities run or wait for workers.
    Running,
    Done,
}

enum Job {
    Expand(usize),
    Run(usize, usize, Box<EntitySpec>),
}

impl<'a> Scheduler<'a> {
    pub(super) fn new(
        ctx: &'a Context,
        flows: &'a [FlowSpec],
        options: RunOptions,
        journal: Option<&'a Journal>,
    ) -> Self {
        let lane = || Lane { state: State::Waiting, waiting: VecDeque::new(), running: 0, bad: false };
        Self {
            ctx,
            flows,
            options,
            journal,
            limits: Limits::default(),
            board: Mutex::new(Board {
                flows: flows.iter().map(|_| lane()).collect(),
                places: Vec::new(),
                ended: Vec::new(),
                cleanups: Vec::new(),
                failed: None,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn run(self) -> (Vec<Ended>, Vec<Cleanup>) {
        let workers = self.options.concurrency.max(1);
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| self.work());
            }
            self.work();
        });
        let mut board = self.board.into_inner().unwrap_or_else(PoisonError::into_inner);
        board.ended.sort_by_key(|(flow, entity, _)| (*flow, *entity));
        (board.ended.into_iter().map(|(_, _, ended)| ended).collect(), board.cleanups)
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let job = {
                let mut board = self.lock();
                loop {
                    self.settle_hopeless(&mut board);
                    if let Some(job) = self.next_job(&mut board) {
                        break job;
                    }
                    if board.flows.iter().all(|lane| lane.state == State::Done) {
                        self.changed.notify_all();
                        return;
                    }
                    board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
                }
            };
            self.tidy_due();
            match job {
                Job::Expand(flow) => self.expand(flow),
                Job::Run(flow, index, entity) => self.run_one(flow, index, &entity),
            }
            self.changed.notify_all();
        }
    }

    /// Tidies behind flows that have settled, before the next one begins: each holds its place's lock, which is a file, and
    /// a run may have more of them than a process may have files open. Where many settle at once, the next one waits for
    /// the first of them.
    fn tidy_due(&self) {
        let (due, wait) = {
            let mut board = self.lock();
            board.cleanups.sort_by_key(|cleanup| cleanup.not_before);
            let now = Instant::now();
            let in_time = board.cleanups.partition_point(|cleanup| cleanup.not_before <= now);
            let too_many = board.cleanups.len().saturating_sub(UNTIDIED);
            let due: Vec<Cleanup> = board.cleanups.drain(..in_time.max(too_many)).collect();
            let wait = due.last().and_then(|last| last.not_before.checked_duration_since(now));
            (due, wait)
        };
        if let Some(wait) = wait {
            std::thread::sleep(wait);
        }
        for cleanup in due {
            tidy(cleanup);
        }
    }

    /// Ends flows that cannot begin any more: what they depend on failed, or the run is stopping.
    fn settle_hopeless(&self, board: &mut Board) {
        loop {
            let mut moved = false;
            for at in 0..self.flows.len() {
                let Some(because) = self.hopeless(board, at) else { continue };
                moved = true;
                let lane = &mut board.flows[at];
                let rest: Vec<_> = lane.waiting.drain(..).collect();
                lane.bad = true;
                if lane.state == State::Waiting {
                    lane.state = State::Done;
                    let owner = flow_owner(&self.flows[at]);
                    self.end(board, at, 0, owner, because.outcome(), Duration::ZERO);
                } else {
                    if lane.running == 0 {
                        lane.state = State::Done;
                    }
                    for (index, entity) in rest {
                        self.end(board, at, index, entity.owner, because.outcome(), Duration::ZERO);
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn hopeless(&self, board: &Board, at: usize) -> Option<Because> {
        let lane = &board.flows[at];
        let can_begin = lane.state == State::Waiting || (lane.state == State::Running && !lane.waiting.is_empty());
        if !can_begin {
            return None;
        }
        if self.ctx.cancel.is_asked() {
            return Some(Because::Stopping);
        }
        if lane.state == State::Waiting
            && let Some(bad) = self.depends_on(at).find(|&i| board.flows[i].state == State::Done && board.flows[i].bad)
        {
            return Some(Because::Failure(format!("{} did not settle", self.flows[bad].name)));
        }
        match &board.failed {
            Some(first) if self.options.fail_fast => Some(Because::Failure(format!("--fail-fast: {first} failed"))),
            _ => None,
        }
    }

    fn depends_on(&self, at: usize) -> impl Iterator<Item = usize> {
        self.flows[at].depends_on.iter().filter_map(|name| self.flows.iter().position(|flow| flow.name == *name))
    }

    fn next_job(&self, board: &mut Board) -> Option<Job> {
        for at in 0..self.flows.len() {
            match board.flows[at].state {
                State::Waiting if self.depends_on(at).all(|i| board.flows[i].state == State::Done) => {
                    board.flows[at].state = State::Expanding;
                    return Some(Job::Expand(at));
                }
                State::Running => {
                    if let Some((index, entity)) = board.flows[at].waiting.pop_front() {
                        board.flows[at].running += 1;
                        return Some(Job::Run(at, index, Box::new(entity)));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn expand(&self, at: usize) {
        let found = catch_unwind(AssertUnwindSafe(|| {
            // Only a pattern makes the home be asked.
            let resource = match &self.flows[at].entities {
                Entities::Matching { template, .. } => template.home.location(&template.source).map(|p| p.resource),
                Entities::Listed(_) => None,
            };
            let _look = match &resource {
                Some(resource) => Some(self.limits.look(resource, &self.ctx.cancel)?),
                None => None,
            };
            expand(self.ctx, &self.flows[at])
        }))
        .unwrap_or_else(|panic| Err(Error::bug(panic_text(panic.as_ref()))));
        let mut board = self.lock();
        match found {
            Ok(entities) => {
                board.flows[at].state = State::Running;
                for (index, entity) in entities.into_iter().enumerate() {
                    match claim(&mut board.places, &entity) {
                        Ok(()) => board.flows[at].waiting.push_back((index, entity)),
                        Err(error) => self.fail(&mut board, at, index, entity.owner, error),
                    }
                }
                if board.flows[at].waiting.is_empty() {
                    board.flows[at].state = State::Done;
                }
            }
            Err(error) => {
                board.flows[at].state = State::Done;
                self.fail(&mut board, at, 0, flow_owner(&self.flows[at]), error);
            }
        }
    }

    fn fail(&self, board: &mut Board, at: usize, index: usize, owner: Owner, error: Error) {
        board.flows[at].bad = true;
        board.failed.get_or_insert_with(|| self.flows[at].name.clone());
        self.end(board, at, index, owner, Outcome::Failed(error), Duration::ZERO);
    }

    fn run_one(&self, at: usize, index: usize, entity: &EntitySpec) {
        let start = Instant::now();
        // A panic is our bug, but no reason to lose the other flows or the report of this one.
        let (outcome, cleanup) = catch_unwind(AssertUnwindSafe(|| run_entity(self.ctx, entity, &self.limits)))
            .unwrap_or_else(|panic| (Outcome::Failed(Error::bug(panic_text(panic.as_ref()))), None));
        let outcome = match fault::pass(FailPoint::BeforeJournal) {
            Ok(()) => outcome,
            Err(error) => Outcome::Failed(error),
        };
        let mut board = self.lock();
        board.cleanups.extend(cleanup);
        if !outcome.lets_dependants_run() {
            board.flows[at].bad = true;
        }
        if matches!(outcome, Outcome::Failed(_)) {
            board.failed.get_or_insert_with(|| self.flows[at].name.clone());
        }
        self.end(&mut board, at, index, entity.owner.clone(), outcome, start.elapsed());
        board.flows[at].running -= 1;
        if board.flows[at].running == 0 && board.flows[at].waiting.is_empty() {
            board.flows[at].state = State::Done;
        }
    }

    fn end(&self, board: &mut Board, at: usize, index: usize, owner: Owner, outcome: Outcome, took: Duration) {
        if let Some(journal) = self.journal
            && let Err(error) = journal.ended(&self.ctx.run, &owner, &outcome, took)
        {
            let text = format!("the journal could not be written ({error}); the rows are not concerned");
            self.ctx.tell(&Event::Note { owner: owner.clone(), text });
        }
        let ended = Ended { owner, outcome, took };
        self.ctx.tell(&Event::Ended { ended: &ended });
        board.ended.push((at, index, ended));
    }
}

enum Because {
    Stopping,
    Failure(String),
}

impl Because {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Stopping => Outcome::Cancelled,
            Self::Failure(text) => Outcome::Skipped(text.clone()),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("hygge itself failed: {text}")
}
