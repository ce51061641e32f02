//! What a program says on standard error: to the run's log, and its last lines into the error.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hygge_core::context::Context;
use hygge_core::event::Event;

use super::program::Program;

/// How many lines an error tells.
const LAST_LINES: usize = 8;

/// The longest line that is kept, in bytes; of a longer one the beginning.
const LONGEST_LINE: usize = 400;

/// How much of what a program says goes to the log, in bytes.
const MOST_LOGGED: usize = 1 << 20;

/// What was said, while more may come.
pub(super) struct Words {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    last: VecDeque<String>,
    ended: bool,
}

impl Words {
    /// Listens until nobody can speak any more.
    pub(super) fn listen(mut from: impl Read + Send + 'static, program: &Program, ctx: &Context) -> Arc<Self> {
        let words = Arc::new(Self { state: Mutex::default(), ended: Condvar::new() });
        let (ours, program, ctx) = (Arc::clone(&words), program.clone(), ctx.clone());
        let heard = move || {
            let mut lines =
                Lines { words: &ours, program: &program, ctx: &ctx, line: Vec::new(), cut: false, logged: 0 };
            let mut buffer = vec![0; 8 << 10];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                lines.take(&buffer[..n]);
            }
            lines.end_of_line();
            ours.lock().ended = true;
            ours.ended.notify_all();
        };
        if std::thread::Builder::new().name("stderr".to_owned()).spawn(heard).is_err() {
            words.lock().ended = true;
        }
        words
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines, for an error; waits a moment for those that are on their way.
    pub(super) fn last(&self) -> Vec<String> {
        let moment = Duration::from_secs(1);
        let waited = self.ended.wait_timeout_while(self.lock(), moment, |state| !state.ended);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.last.iter().cloned().collect()
    }
}

struct Lines<'a> {
    words: &'a Words,
    program: &'a Program,
    ctx: &'a Context,
    line: Vec<u8>,
    /// Whether the line goes on behind what is kept of it.
    cut: bool,
    logged: usize,
}

impl Lines<'_> {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            // A secret that begins within what is kept is kept whole, so that it can be told from other words.
            let room = (LONGEST_LINE + self.program.longest_secret()).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            self.cut |= text.len() > room;
            if ends {
                self.end_of_line();
            }
        }
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = if std::mem::take(&mut self.cut) { self.program.without_half_a_secret(&line) } else { &line };
        // Before and behind: what is left out may stand in the middle of a secret, or of what looks like one.
        let text = self.program.masked(&String::from_utf8_lossy(line));
        let text: String = text.trim_end().chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let mut text = self.program.masked(&text);
        if text.is_empty() {
            return;
        }
        text.truncate((0..=text.len().min(LONGEST_LINE)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        if self.logged < MOST_LOGGED {
            self.logged += text.len();
            self.ctx.tell(&Event::Said { who: self.program.shown(), text: &text });
            if self.logged >= MOST_LOGGED {
                let enough = "(it says more than is kept here)";
                self.ctx.tell(&Event::Said { who: self.program.shown(), text: enough });
            }
        }
        let mut state = self.words.lock();
        if state.last.len() == LAST_LINES {
            state.last.pop_front();
        }
        state.last.push_back(text);
    }
}
