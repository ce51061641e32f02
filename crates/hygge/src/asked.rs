//! Work in a thread of its own that goes on only while its reader asks for a batch, so that no more batches are alive
//! than the reader knows of. For what borrows its source while it reads (a statement its connection, a sheet its
//! workbook), and may not move between threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use hygge_core::home::{Batch, BatchStream};
use hygge_core::{Error, Result};

/// The side of the work.
pub(crate) struct Reader {
    asked: Receiver<()>,
    answer: SyncSender<Result<Option<Batch>>>,
}

impl Reader {
    /// Waits until the first batch is asked for; false: none ever will be.
    pub(crate) fn waits(&self) -> bool {
        self.asked.recv().is_ok()
    }

    /// Hands a batch on, and waits until another is asked for; false: none will be.
    pub(crate) fn give(&self, batch: Batch) -> bool {
        let _ = self.answer.send(Ok(Some(batch)));
        self.waits()
    }
}

/// Starts a thread called `name` that does `work`, which is to begin with [`Reader::waits`].
///
/// # Errors
/// If there is no thread to be had. What `work` answers with is an error of the stream.
pub(crate) fn stream(
    name: &'static str,
    work: impl FnOnce(&Reader) -> Result<()> + Send + 'static,
) -> Result<Box<dyn BatchStream>> {
    let (ask, asked) = sync_channel(0);
    let (answer, answers) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let reader = Reader { asked, answer };
            let ended = work(&reader);
            let _ = reader.answer.send(ended.map(|()| None));
        })
        .map_err(|e| Error::transient(format!("no thread could be started for {name}")).because(e))?;
    Ok(Box::new(Asked { name, ask: Some(ask), answers, thread: Some(thread) }))
}

struct Asked {
    name: &'static str,
    ask: Option<SyncSender<()>>,
    answers: Receiver<Result<Option<Batch>>>,
    thread: Option<JoinHandle<()>>,
}

impl BatchStream for Asked {
    fn next(&mut self) -> Result<Option<Batch>> {
        if let Some(ask) = &self.ask {
            let _ = ask.send(());
        }
        let died = |_| Err(Error::bug(format!("the thread of {} died", self.name)));
        let answer = self.answers.recv().unwrap_or_else(died);
        if !matches!(answer, Ok(Some(_))) {
            self.end();
        }
        answer
    }
}

impl Asked {
    fn end(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.end();
    }
}
