//! Reading at positions in a file behind a URL: in windows, so that many small readings are few requests.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hygge_core::Error;

use super::file::WebFile;
use super::stream::WebStream;

/// The least that is fetched, in bytes.
const LEAST: u64 = 64 << 10;

/// The most that is fetched where nothing is known of what will be read, and how much of it is held.
const MOST: u64 = 1 << 20;
const HELD: usize = 2 << 20;

/// Parts that lie no further apart than this are fetched as one.
const GAP: u64 = 256 << 10;

/// Windows into a file.
pub(crate) struct Windows {
    file: WebFile,
    /// What will be read, in order; nothing where that is not known.
    parts: Vec<Range<u64>>,
    /// How much of a part is fetched at once.
    step: u64,
    /// How many bytes are held.
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    /// What went wrong, for whoever reads through a library that loses it.
    trouble: Option<Error>,
}

impl Windows {
    pub(crate) fn new(file: WebFile) -> Self {
        Self { file, parts: Vec::new(), step: MOST, most: HELD, state: Mutex::default() }
    }

    /// The same file, of which `parts` will be read, with `most` bytes to hold.
    pub(crate) fn ahead(&self, mut parts: Vec<Range<u64>>, most: usize) -> Self {
        parts.retain(|part| part.start < part.end);
        parts.sort_by_key(|part| part.start);
        let joined = joined(&parts);
        let all: u64 = joined.iter().map(|part| part.end - part.start).sum();
        let (parts, step) = if all <= most as u64 {
            (joined, u64::MAX)
        } else {
            // Each part has a window, since they are read side by side.
            let step = (most as u64 / (parts.len() as u64 + 1)).max(LEAST);
            (parts, step)
        };
        Self { file: self.file.clone(), parts, step, most: most.max(HELD), state: Mutex::default() }
    }

    pub(crate) fn trouble(&self) -> Option<Error> {
        self.lock().trouble.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be fetched where `at` is wanted and not there.
    fn window(&self, at: u64, state: &State) -> Range<u64> {
        let len = self.file.length();
        if let Some(part) = self.parts.iter().find(|part| part.contains(&at)) {
            let begin = if self.step == u64::MAX { part.start } else { at };
            return begin..part.end.min(begin.saturating_add(self.step));
        }
        if len - at < LEAST {
            return len.saturating_sub(LEAST)..len;
        }
        // Who reads on gets more at once.
        let behind = state.held.iter().find(|(begin, bytes)| begin + bytes.len() as u64 == at);
        let step = behind.map_or(LEAST, |(_, bytes)| (2 * bytes.len() as u64).clamp(LEAST, MOST));
        at..len.min(at + step)
    }

    pub(crate) fn read_some(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if buffer.is_empty() || at >= self.file.length() {
            return Ok(0);
        }
        let mut state = self.lock();
        loop {
            let found = state.held.iter().position(|(begin, bytes)| (*begin..begin + bytes.len() as u64).contains(&at));
            if let Some(place) = found {
                // The one that was used last is dropped last.
                let Some((begin, bytes)) = state.held.remove(place) else { continue };
                let from = usize::try_from(at - begin).unwrap_or(usize::MAX);
                let n = buffer.len().min(bytes.len() - from);
                buffer[..n].copy_from_slice(&bytes[from..from + n]);
                state.held.push_back((begin, bytes));
                return Ok(n);
            }
            let window = self.window(at, &state);
            let wanted = usize::try_from(window.end - window.start).unwrap_or(usize::MAX);
            while state.bytes + wanted > self.most
                && let Some((_, bytes)) = state.held.pop_front()
            {
                state.bytes -= bytes.len();
            }
            let mut bytes = vec![0; wanted];
            if let Err(error) = self.fetch(&mut bytes, window.start) {
                return Err(kept(&mut state, error));
            }
            state.bytes += bytes.len();
            state.held.push_back((window.start, bytes));
        }
    }

    pub(crate) fn read_all(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        // What is larger than a window and of no part that was told goes past them.
        let told = self.parts.iter().any(|part| part.contains(&at));
        if !told && buffer.len() as u64 > LEAST {
            return self.fetch(buffer, at).map_err(|error| kept(&mut self.lock(), error));
        }
        let mut done = 0;
        while done < buffer.len() {
            match self.read_some(&mut buffer[done..], at + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    fn fetch(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        WebStream::new(self.file.clone(), at, at + buffer.len() as u64).read_exact(buffer)
    }
}

/// Remembers what went wrong beside saying so.
fn kept(state: &mut State, error: io::Error) -> io::Error {
    if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        state.trouble = Some(own.without_cause());
    }
    error
}

/// Parts that lie close together as one.
fn joined(parts: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut out: Vec<Range<u64>> = Vec::new();
    for part in parts {
        match out.last_mut() {
            Some(last) if part.start <= last.end.saturating_add(GAP) => last.end = last.end.max(part.end),
            _ => out.push(part.clone()),
        }
    }
    out
}
