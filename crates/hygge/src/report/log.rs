//! A run's log: `.hygge/logs/<run>.log`, everything that happened, without secrets.

use std::fmt::Write as _;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hygge_core::context::Clock;
use hygge_core::coordinator::Ended;
use hygge_core::event::{Event, Observer};
use hygge_core::flow::Outcome;
use hygge_core::receipt::Owner;
use hygge_core::{Error, Result};

use super::advisor::Advisor;
use super::words::{duration, name, rows};
use crate::config::{LogLevel, mask};

/// Writes a run's log. A line that cannot be written is dropped: no log is worth a load.
pub struct RunLog {
    path: PathBuf,
    level: LogLevel,
    clock: Arc<dyn Clock>,
    advisor: Arc<Advisor>,
    file: Mutex<File>,
}

impl RunLog {
    /// Begins the log of a run, after logs older than `keep_days` were deleted.
    ///
    /// # Errors
    /// If the folder cannot be made or the file not be written.
    pub fn begin(
        folder: &Path,
        run: &str,
        level: LogLevel,
        keep_days: u32,
        clock: Arc<dyn Clock>,
        advisor: Arc<Advisor>,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("make", folder, e))?;
        prune(folder, keep_days);
        let path = folder.join(format!("{run}.log"));
        let file = File::create(&path).map_err(|e| Error::io("write", &path, e))?;
        Ok(Self { path, level, clock, advisor, file: Mutex::new(file) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line, if the log tells as much.
    pub fn write(&self, level: LogLevel, text: &str) {
        if level > self.level {
            return;
        }
        let now = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let mut out = String::new();
        for line in text.lines() {
            let _ = writeln!(out, "{now} {level:<5} {}", mask(line));
        }
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(out.as_bytes());
    }

    fn flow(&self, level: LogLevel, owner: &Owner, text: impl std::fmt::Display) {
        self.write(level, &format!("{}: {text}", name(owner)));
    }

    fn ended(&self, ended: &Ended) {
        let took = duration(ended.took);
        match &ended.outcome {
            Outcome::Settled(settled) => {
                let receipt = &settled.receipt;
                let upper = receipt.watermark.as_ref().map_or("none", |w| &w.bound.upper);
                self.flow(
                    LogLevel::Info,
                    &ended.owner,
                    format_args!(
                        "settled: {}, {} bytes in {took}; {}, seq {}, watermark {upper}, tally {:032x}, {}, {} retries",
                        rows(receipt.load.rows),
                        settled.bytes,
                        receipt.mode.word(),
                        receipt.seq,
                        receipt.load.sum.0,
                        if receipt.proved { "proved" } else { "counted" },
                        settled.retries,
                    ),
                );
            }
            Outcome::Unchanged { why, held_back } => {
                self.flow(LogLevel::Info, &ended.owner, format_args!("up to date: {why}"));
                if let Some(bound) = held_back {
                    self.flow(LogLevel::Warn, &ended.owner, super::words::held_back(bound));
                }
            }
            Outcome::Skipped(why) => self.flow(LogLevel::Warn, &ended.owner, format_args!("skipped: {why}")),
            Outcome::Cancelled => self.flow(LogLevel::Warn, &ended.owner, format_args!("stopped after {took}")),
            Outcome::Failed(error) => {
                self.flow(LogLevel::Error, &ended.owner, format_args!("failed after {took}: {}", chain(error)));
                if let Some(advice) = self.advisor.advise(&ended.owner, error) {
                    self.flow(LogLevel::Error, &ended.owner, format_args!("next: {advice}"));
                }
            }
        }
    }
}

/// An error with all its causes, in one line each.
#[must_use]
pub fn chain(error: &Error) -> String {
    let mut text = format!("{error} [{:?}, retry {:?}]", error.kind(), error.retry());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, "\n  because: {error}");
        cause = error.source();
    }
    text
}

/// Deletes logs that are older than so many days, by their own time; what is no log of ours stays.
fn prune(folder: &Path, keep_days: u32) {
    let Some(oldest) = SystemTime::now().checked_sub(Duration::from_secs(u64::from(keep_days) * 86_400)) else {
        return;
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|time| time < oldest);
        if is_old && path.extension().is_some_and(|e| e == "log") {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Observer for RunLog {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { owner, home, place } => {
                self.flow(LogLevel::Info, owner, format_args!("started: {home} → {place}"));
            }
            Event::Planned { owner, plan } => {
                let block = super::plan::block(owner, plan, &self.advisor, super::Verbosity::Verbose, None);
                let block = anstream::adapter::strip_str(&block).to_string();
                self.flow(LogLevel::Info, owner, "planned");
                self.write(LogLevel::Info, &block);
            }
            Event::Progress { owner, rows, .. } if *rows < 0 => {
                let taken_back = super::words::rows(rows.unsigned_abs());
                self.flow(LogLevel::Trace, owner, format_args!("{taken_back} of a failed attempt taken back"));
            }
            Event::Progress { owner, rows, bytes } => {
                self.flow(LogLevel::Trace, owner, format_args!("{rows} rows, {bytes} bytes"));
            }
            Event::Retrying { owner, split, attempt, error, after } => {
                let what = split.as_deref().unwrap_or("the flow");
                let after = duration(*after);
                self.flow(
                    LogLevel::Warn,
                    owner,
                    format_args!("{what}: attempt {attempt} failed: {error}; again in {after}"),
                );
            }
            Event::Note { owner, text } => self.flow(LogLevel::Info, owner, format_args!("note: {text}")),
            Event::Said { who, text } => self.write(LogLevel::Info, &format!("{who} says: {text}")),
            Event::Proving { owner } => self.flow(LogLevel::Info, owner, "reading back what was written"),
            Event::Ended { ended } => self.ended(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn old_logs_go_and_strangers_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - Duration::from_hours(91 * 24);
        for (name, is_old) in [("a.log", true), ("b.log", false), ("notes.txt", true)] {
            let file = File::create(folder.path().join(name)).expect("made");
            if is_old {
                file.set_modified(old).expect("aged");
            }
        }
        prune(folder.path(), 90);
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).expect("listed").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["b.log", "notes.txt"]);
    }
}
