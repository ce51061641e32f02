//! `hygge sweep`: takes each place for a moment, so that its store clears away what dead runs left there.

use std::sync::{Arc, Mutex, PoisonError};

use hygge_core::context::Context;
use hygge_core::coordinator::expand;
use hygge_core::event::{Event, Observer};
use hygge_core::journal::Journal;

use super::args::{Everywhere, Select};
use super::session::{self, Session};
use super::stop::{Stop, exit_code};
use crate::project::Overrides;
use crate::report;
use crate::report::checked::{Checked, screen};
use crate::report::words::{name, when};

/// Keeps what stores tell while they sweep.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: &Event<'_>) {
        if let Event::Note { text, .. } = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        }
    }
}

pub(super) fn run(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, Overrides::default())?;
    let notes = Arc::new(Notes::default());
    let ctx = Context { observer: Arc::clone(&notes) as Arc<dyn Observer>, ..session.looking()? };
    let mut all = Vec::new();
    let mut code = 0;
    for flow in &session.flows {
        for spec in expand(&ctx, flow)? {
            ctx.cancel.check()?;
            let place = spec.store.place(spec.owner.entity.as_deref())?;
            let what = format!("{}: {place}", name(&spec.owner));
            let found = spec.store.lock(&ctx, &place, &spec.owner).map(|held| {
                let mut lines = std::mem::take(&mut *notes.0.lock().unwrap_or_else(PoisonError::into_inner));
                if lines.is_empty() {
                    lines.push("nothing was left behind".to_owned());
                }
                lines.push(match held.last_receipt() {
                    Some(receipt) => {
                        format!("holds what settled {}, seq {}", when(&receipt.committed_at), receipt.seq)
                    }
                    None => "nothing has settled here".to_owned(),
                });
                lines
            });
            let found = found.map_err(|error| {
                code = code.max(exit_code(&error).min(1));
                let advice = session.advisor.advise(&spec.owner, &error);
                (error, advice)
            });
            all.push(Checked { what, found });
        }
    }
    let whole = session.flows.len() == session.project.flows.len() && typed.entities.is_empty();
    if code == 0 && whole {
        // History is a view: that it cannot be written is no reason to fail.
        let now = ctx.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let _ =
            Journal::open_existing(&session.journal()).and_then(|journal| journal.map_or(Ok(()), |j| j.swept(&now)));
    }
    report::out(&screen(&all, "swept", session::verbosity(everywhere), report::width()));
    Ok(code)
}
