//! What a store's program says on standard output: how many rows it took.

use std::io::Read;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use hygge_core::Error;
use serde::Deserialize;

use super::child::Running;

/// The longest answer that is looked at, in bytes.
const LONGEST: usize = 4 << 10;

/// Gathers the answer while rows are still sent, so that a program that talks much is not kept waiting.
pub struct Answer(Receiver<Vec<u8>>);

#[derive(Deserialize)]
struct Rows {
    rows: u64,
}

impl Answer {
    /// Listens to the program's standard output.
    #[must_use]
    pub fn listen(mut from: impl Read + Send + 'static) -> Self {
        let (send, receive) = sync_channel(1);
        let heard = move || {
            let mut kept = Vec::new();
            let mut buffer = vec![0; LONGEST];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let room = (LONGEST + 1).saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..n.min(room)]);
            }
            let _ = send.send(kept);
        };
        // Without a thread there is no answer, which is told.
        let _ = std::thread::Builder::new().name("stdout".to_owned()).spawn(heard);
        Self(receive)
    }

    /// The count of a program that has ended.
    ///
    /// # Errors
    /// If it answered with anything else than one line of JSON with a count.
    pub fn rows(self, program: &Running) -> Result<u64, Error> {
        let said = self.0.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
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
