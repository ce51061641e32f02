//! What is seen while flows run: on a terminal a live line per flow, elsewhere plain lines. On standard error.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hygge_core::budget::shown_bytes;
use hygge_core::coordinator::Ended;
use hygge_core::event::{Event, Observer};
use hygge_core::flow::{Outcome, PlannedFlow};
use hygge_core::receipt::Owner;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Verbosity;
use super::advisor::Advisor;
use super::closing::MOST_ENTITIES;
use super::style::{self, CARE, DIM, paint};
use super::words::{duration, left, name, rows, thousands};

/// How often a live line is drawn anew.
const TICK: Duration = Duration::from_millis(120);
/// How often a plain line tells that a long flow goes on.
const STILL: Duration = Duration::from_secs(10);

/// Shows a run as it goes on.
pub struct Screen {
    kind: Kind,
    verbosity: Verbosity,
    advisor: Arc<Advisor>,
    names: AtomicU64,
    lanes: Mutex<HashMap<Owner, Arc<Lane>>>,
    crowds: Mutex<HashMap<String, Crowd>>,
}

/// A flow of many entities, which lines tell together.
struct Crowd {
    of: u64,
    ended: u64,
    rows: u64,
    notes: Notes,
    told: Instant,
}

/// What is said of entities of one flow, each text once, in the order in which they came.
#[derive(Default)]
struct Notes {
    notes: Vec<Said>,
    at: HashMap<String, usize>,
}

struct Said {
    text: String,
    /// Before which others it stands.
    order: usize,
    /// The entity of which it was said first.
    first: String,
    of: HashSet<Owner>,
    /// Of how many entities it was told.
    told: usize,
}

impl Notes {
    /// `next` is what to do; it stands behind all that it answers.
    fn add(&mut self, owner: &Owner, text: &str, next: Option<&str>) {
        let before = self.notes.len();
        self.said(owner, text);
        let is_new = self.notes.len() > before;
        if let Some(next) = next {
            let at = self.said(owner, next);
            if is_new {
                self.notes[at].order = self.notes.len();
            }
        }
    }

    fn said(&mut self, owner: &Owner, text: &str) -> usize {
        let order = self.notes.len();
        let at = *self.at.entry(text.to_owned()).or_insert(order);
        if at == order {
            let (text, first) = (text.to_owned(), name(owner));
            self.notes.push(Said { text, order, first, of: HashSet::new(), told: 0 });
        }
        self.notes[at].of.insert(owner.clone());
        at
    }

    /// Lines of what was not told yet; at the `end` also of what has been said of others since.
    fn lines(&mut self, end: bool) -> Vec<String> {
        let wanted = |said: &&mut Said| said.told == 0 || end && said.told < said.of.len();
        let line = |said: &mut Said| {
            said.told = said.of.len();
            let others = said.told as u64 - 1;
            let more = if others > 0 { format!(" and {} more", thousands(others)) } else { String::new() };
            format!("  {}{more}: {}", said.first, said.text)
        };
        let mut wanted: Vec<&mut Said> = self.notes.iter_mut().filter(wanted).collect();
        wanted.sort_by_key(|said| said.order);
        wanted.into_iter().map(line).collect()
    }
}

enum Kind {
    Live(MultiProgress),
    Plain,
}

/// One flow on its way.
struct Lane {
    name: String,
    began: Instant,
    rows: AtomicI64,
    bytes: AtomicU64,
    expected_rows: AtomicU64,
    expected_bytes: AtomicU64,
    proving: AtomicBool,
    waiting: Mutex<Option<(String, Instant)>>,
    told: Mutex<Instant>,
    bar: Option<ProgressBar>,
}

impl Screen {
    /// Live where standard error is a terminal that can move its cursor.
    #[must_use]
    pub fn new(verbosity: Verbosity, advisor: Arc<Advisor>) -> Self {
        let able = super::terminal_width(&std::io::stderr()).is_some()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            && verbosity != Verbosity::Quiet;
        let kind = if able {
            Kind::Live(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)))
        } else {
            Kind::Plain
        };
        let (lanes, crowds) = (Mutex::default(), Mutex::default());
        Self { kind, verbosity, advisor, names: AtomicU64::new(0), lanes, crowds }
    }

    /// What is about to run: flows of many entities are told together, unless more is asked for.
    pub fn expect<'a>(&self, owners: impl Iterator<Item = &'a Owner>) {
        if self.verbose() {
            return;
        }
        let mut flows: HashMap<&str, u64> = HashMap::new();
        for owner in owners {
            *flows.entry(&owner.flow).or_default() += 1;
        }
        let crowd = |of| Crowd { of, ended: 0, rows: 0, notes: Notes::default(), told: Instant::now() };
        let many = flows.into_iter().filter(|(_, of)| *of > MOST_ENTITIES as u64);
        *self.crowds() = many.map(|(flow, of)| (flow.to_owned(), crowd(of))).collect();
    }

    fn crowds(&self) -> std::sync::MutexGuard<'_, HashMap<String, Crowd>> {
        self.crowds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an entity is told with the others of its flow.
    fn in_crowd(&self, owner: &Owner) -> bool {
        self.crowds().contains_key(&owner.flow)
    }

    /// Says something above the live lines.
    pub fn say(&self, text: &str) {
        match &self.kind {
            Kind::Live(multi) => multi.suspend(|| super::err(&format!("{text}\n"))),
            Kind::Plain => super::err(&format!("{text}\n")),
        }
    }

    /// Takes the live lines away, and says what is left to be said.
    pub fn clear(&self) {
        let lanes = std::mem::take(&mut *self.lock());
        for lane in lanes.values() {
            if let Some(bar) = &lane.bar {
                bar.finish_and_clear();
            }
        }
        if let Kind::Live(multi) = &self.kind {
            let _ = multi.clear();
        }
        let left: Vec<String> = self.crowds().values_mut().flat_map(|crowd| crowd.notes.lines(true)).collect();
        self.lines(&left);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Owner, Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, owner: &Owner) -> Option<Arc<Lane>> {
        self.lock().get(owner).cloned()
    }

    fn verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    fn quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    fn line(&self, owner: &Owner, text: impl std::fmt::Display) {
        if !self.quiet() {
            self.say(&format!("  {}: {text}", name(owner)));
        }
    }

    fn lines(&self, lines: &[String]) {
        if !self.quiet() {
            for line in lines {
                self.say(line);
            }
        }
    }

    /// A line that may come for each of many entities alike: then it waits for the others, and is said once.
    fn once(&self, owner: &Owner, text: &str, next: Option<&str>) {
        if let Some(crowd) = self.crowds().get_mut(&owner.flow) {
            crowd.notes.add(owner, text, next);
            return;
        }
        for line in [Some(text), next].into_iter().flatten() {
            self.line(owner, line);
        }
    }

    /// One of many has ended.
    fn ended_in_crowd(&self, ended: &Ended) {
        let lines = {
            let mut crowds = self.crowds();
            let Some(crowd) = crowds.get_mut(&ended.owner.flow) else { return };
            crowd.ended += 1;
            if let Outcome::Settled(settled) = &ended.outcome {
                crowd.rows += settled.receipt.load.rows;
            }
            let (now, over) = (Instant::now(), crowd.ended >= crowd.of);
            if !over && now.duration_since(crowd.told) < STILL {
                return;
            }
            let mut lines = crowd.notes.lines(over);
            if now.duration_since(crowd.told) >= STILL {
                crowd.told = now;
                if matches!(self.kind, Kind::Plain) {
                    let told = format!("{} of {} tables", thousands(crowd.ended), thousands(crowd.of));
                    lines.push(format!("  {}: {told}, {}", ended.owner.flow, rows(crowd.rows)));
                }
            }
            lines
        };
        self.lines(&lines);
    }

    fn started(&self, owner: &Owner, home: &str, place: &str) {
        let name = name(owner);
        self.names.fetch_max(super::words::wide(&name) as u64, Ordering::Relaxed);
        let bar = match &self.kind {
            Kind::Live(multi) => Some(multi.add(ProgressBar::new_spinner())),
            Kind::Plain => {
                if !self.in_crowd(owner) {
                    self.line(owner, format_args!("{home} → {place}"));
                }
                None
            }
        };
        let lane = Arc::new(Lane {
            name,
            began: Instant::now(),
            rows: AtomicI64::new(0),
            bytes: AtomicU64::new(0),
            expected_rows: AtomicU64::new(0),
            expected_bytes: AtomicU64::new(0),
            proving: AtomicBool::new(false),
            waiting: Mutex::new(None),
            told: Mutex::new(Instant::now()),
            bar: bar.clone(),
        });
        self.lock().insert(owner.clone(), Arc::clone(&lane));
        if let Some(bar) = bar {
            let width = usize::try_from(self.names.load(Ordering::Relaxed)).unwrap_or(0);
            let told = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}   {}", left(&lane.name, width), lane.told(Instant::now()));
            };
            if let Ok(style) = ProgressStyle::with_template("{spinner} {told}") {
                bar.set_style(
                    style.with_key("told", told).tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "·"]),
                );
            }
            bar.enable_steady_tick(TICK);
        }
    }

    fn planned(&self, owner: &Owner, plan: &PlannedFlow) {
        if let Some(lane) = self.lane(owner) {
            lane.expected_rows.store(plan.rows().unwrap_or(0), Ordering::Relaxed);
            lane.expected_bytes.store(plan.bytes().unwrap_or(0), Ordering::Relaxed);
        }
        if self.verbose() {
            self.say(super::plan::block(owner, plan, &self.advisor, self.verbosity, None).trim_end());
            return;
        }
        for warning in &plan.load.warnings {
            self.once(owner, &paint(CARE, warning), None);
        }
        for note in &plan.notes {
            if let Some(advice) = &note.next {
                let next = format!("next: {}", self.advisor.sentence(owner, advice));
                self.once(owner, &paint(CARE, &note.text), Some(&next));
            }
        }
    }

    fn progress(&self, owner: &Owner, rows: i64, bytes: u64) {
        let Some(lane) = self.lane(owner) else { return };
        lane.rows.fetch_add(rows, Ordering::Relaxed);
        lane.bytes.fetch_add(bytes, Ordering::Relaxed);
        if lane.bar.is_none() {
            let now = Instant::now();
            let mut told = lane.told.lock().unwrap_or_else(PoisonError::into_inner);
            if now.duration_since(*told) >= STILL {
                *told = now;
                drop(told);
                self.line(owner, lane.told(now));
            }
        }
    }

    fn ended(&self, ended: &Ended) {
        self.ended_in_crowd(ended);
        let lane = self.lock().remove(&ended.owner);
        if let Some(bar) = lane.and_then(|lane| lane.bar.clone()) {
            bar.finish_and_clear();
            if let Kind::Live(multi) = &self.kind {
                multi.remove(&bar);
            }
            return;
        }
        if matches!(self.kind, Kind::Plain) && !self.quiet() {
            if self.in_crowd(&ended.owner) && !matches!(ended.outcome, Outcome::Failed(_)) {
                return;
            }
            let took = duration(ended.took);
            let text = match &ended.outcome {
                Outcome::Settled(settled) => format!("{} settled in {took}", rows(settled.receipt.load.rows)),
                Outcome::Unchanged { .. } => "up to date".to_owned(),
                Outcome::Failed(_) => format!("{} failed after {took}", style::cross()),
                Outcome::Skipped(_) => "skipped".to_owned(),
                Outcome::Cancelled => "stopped".to_owned(),
            };
            self.line(&ended.owner, text);
        }
    }
}

impl Lane {
    /// Rows, bytes, rate, share, time left.
    fn told(&self, now: Instant) -> String {
        if let Some((why, until)) = &*self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
            && *until > now
        {
            return format!("tries again in {}: {why}", duration(*until - now));
        }
        let moved = u64::try_from(self.rows.load(Ordering::Relaxed)).unwrap_or(0);
        let bytes = self.bytes.load(Ordering::Relaxed);
        if moved == 0 && bytes == 0 {
            return "reading".to_owned();
        }
        let mut parts = vec![rows(moved)];
        if bytes > 0 {
            parts.push(shown_bytes(bytes));
        }
        if self.proving.load(Ordering::Relaxed) {
            parts.push("reading back what was written".to_owned());
            return parts.join("   ");
        }
        let took = now.duration_since(self.began).as_secs_f64();
        // Where nobody knows the rows, the bytes read tell how far it is.
        let share = match self.expected_rows.load(Ordering::Relaxed) {
            0 => Share { done: bytes, of: self.expected_bytes.load(Ordering::Relaxed) },
            expected => Share { done: moved, of: expected },
        };
        parts.extend(pace(moved, share, took));
        parts.join("   ")
    }
}

/// How much of an estimate is done.
#[derive(Clone, Copy)]
struct Share {
    done: u64,
    of: u64,
}

/// Rate, share and time left, as far as they can be told.
fn pace(moved: u64, share: Share, seconds: f64) -> Vec<String> {
    let mut parts = Vec::new();
    if seconds < 0.5 || moved == 0 {
        return parts;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive rate, of which a person reads the first digits"
    )]
    let rate = (moved as f64 / seconds) as u64;
    parts.push(format!("{} rows/s", thousands(rate)));
    if share.of > share.done && share.done > 0 {
        #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
        let share = share.done as f64 / share.of as f64;
        parts.push(format!("{:.0} %", (share * 100.0).min(99.0)));
        if seconds > 2.0 {
            let rest = seconds * (1.0 - share) / share;
            parts.push(format!("{} left", duration(Duration::try_from_secs_f64(rest).unwrap_or_default())));
        }
    }
    parts
}

impl Observer for Screen {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { owner, home, place } => self.started(owner, home, place),
            Event::Planned { owner, plan } => self.planned(owner, plan),
            Event::Progress { owner, rows, bytes } => self.progress(owner, *rows, *bytes),
            Event::Retrying { owner, split, attempt, error, after } => {
                if let Some(lane) = self.lane(owner) {
                    let until = Instant::now() + *after;
                    *lane.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some((error.clone(), until));
                }
                if self.verbose() || matches!(self.kind, Kind::Plain) {
                    let what = split.as_deref().map(|split| format!("{split}, ")).unwrap_or_default();
                    let after = duration(*after);
                    self.line(owner, format_args!("{what}attempt {attempt}: {error}; again in {after}"));
                }
            }
            Event::Note { owner, text } => self.once(owner, &paint(DIM, text), None),
            // It is in the log; what is needed of it is in the error.
            Event::Said { .. } => {}
            Event::Proving { owner } => {
                if let Some(lane) = self.lane(owner) {
                    lane.proving.store(true, Ordering::Relaxed);
                }
                if self.verbose() {
                    self.line(owner, "reading back what was written");
                }
            }
            Event::Ended { ended } => self.ended(ended),
        }
    }
}

/// Tells on standard error that stopping was asked for.
pub fn stopping(screen: Option<&Screen>) {
    let text = "stopping: what had settled stays, the rest is undone. Once more to stop at once.";
    match screen {
        Some(screen) => screen.say(text),
        None => super::err(&format!("{text}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_says_only_what_can_be_told() {
        let pace = |moved, done, of, seconds| pace(moved, Share { done, of }, seconds);
        assert!(pace(0, 0, 100, 10.0).is_empty());
        assert!(pace(50, 50, 100, 0.1).is_empty());
        assert_eq!(pace(5_000, 5_000, 0, 2.0), ["2,500 rows/s"]);
        assert_eq!(pace(2_500, 2_500, 10_000, 5.0), ["500 rows/s", "25 %", "15 s left"]);
        assert_eq!(pace(2_500, 3, 4, 1.0), ["2,500 rows/s", "75 %"], "by bytes, where rows are not known");
        assert_eq!(pace(12_000, 12_000, 10_000, 5.0), ["2,400 rows/s"], "an estimate that was passed says nothing");
    }

    #[test]
    fn what_is_said_of_many_names_one_and_counts_the_others() {
        let owner = |entity: &str| Owner { project: "p".into(), flow: "shop".into(), entity: Some(entity.to_owned()) };
        let mut notes = Notes::default();
        notes.add(&owner("a"), "x", Some("do"));
        notes.add(&owner("b"), "y", None);
        notes.add(&owner("b"), "x", Some("do"));
        notes.add(&owner("b"), "x", Some("do"));
        notes.add(&owner("c"), "z", Some("do"));
        let wanted = ["  shop/a and 1 more: x", "  shop/b: y", "  shop/c: z", "  shop/a and 2 more: do"];
        assert_eq!(notes.lines(false), wanted, "b has tried again");
        for i in 0..1_200 {
            notes.add(&owner(&i.to_string()), "x", None);
        }
        notes.add(&owner("a"), "new", None);
        assert_eq!(notes.lines(false), ["  shop/a: new"], "what is told once waits for the end");
        assert_eq!(notes.lines(true), ["  shop/a and 1,201 more: x"]);
        assert!(notes.lines(true).is_empty());
    }
}
