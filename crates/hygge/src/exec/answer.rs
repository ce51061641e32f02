//! What a store's program says on standard output: how many rows it took.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hygge_core::Error;
use serde::Deserialize;

use super::child::Running;

/// The longest answer that is looked at, in bytes.
const LONGEST: usize = 4 << 10;

/// Gathers the answer while rows are still sent, so that a program that talks much is not kept waiting.
pub struct Answer(Arc<Heard>);

/// What was said, while more may come.
#[derive(Default)]
struct Heard {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    said: Vec<u8>,
    closed: bool,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Rows {
    rows: u64,
}

impl Answer {
    /// Listens to the program's standard output.
    #[must_use]
    pub fn listen(mut from: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        let ours = Arc::clone(&heard);
        let listens = move || {
            let mut buffer = vec![0; LONGEST];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let mut state = ours.lock();
                let room = (LONGEST + 1).saturating_sub(state.said.len());
                state.said.extend_from_slice(&buffer[..n.min(room)]);
            }
            ours.lock().closed = true;
            ours.closed.notify_all();
        };
        // Without a thread there is no answer, which is told.
        let _ = std::thread::Builder::new().name("stdout".to_owned()).spawn(listens);
        Self(heard)
    }

    /// The count of a program that has ended.
    ///
    /// # Errors
    /// If it answered with anything else than one line of JSON with a count.
    pub fn rows(self, program: &Running) -> Result<u64, Error> {
        // What it left running may hold its standard output open for ever: what it said itself is there in a moment.
        let waited = self.0.closed.wait_timeout_while(self.0.lock(), Duration::from_secs(1), |state| !state.closed);
        let said = std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).0.said);
        let text = String::from_utf8_lossy(&said);
        let text = text.trim();
        if let Ok(Rows { rows }) = serde_json::from_str(text) {
            return Ok(rows);
        }
        let found = match (text.is_empty(), said.len() > LONGEST) {
            (true, _) => "the program took its rows and answered nothing",
            (_, true) => "the program answered far more than one line with the count of rows",
            _ => "the program answered with something else than the count of rows",
        };
        Err(program
            .failed(found)
            .next("let it print one line to its standard output when all rows are safe:  {\"rows\": 123}"))
    }
}
