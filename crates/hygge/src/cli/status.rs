//! `hygge ls` and `hygge status`.

use hygge_core::Error;
use hygge_core::coordinator::expand;
use hygge_core::flow::{Entities, EntitySpec, FlowSpec, Settling};
use hygge_core::journal::{Entry, Journal};

use super::args::{Everywhere, Select};
use super::session::{self, Session};
use super::stop::{Stop, exit_code};
use crate::project::Overrides;
use crate::report;
use crate::report::standing::{Listed, Standing, in_full, listing, overview};
use crate::report::words::count;

pub(super) fn ls(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, Overrides::default())?;
    let listed: Vec<Listed> = session.flows.iter().flat_map(|flow| lines(flow, everywhere.verbose)).collect();
    report::out(&listing(&listed));
    Ok(0)
}

fn lines(flow: &FlowSpec, verbose: bool) -> Vec<Listed> {
    let one = |name: String, spec: &EntitySpec, place: String, entities: Option<String>| Listed {
        name,
        home: spec.home.shown(&spec.source),
        place,
        mode: mode(spec).to_owned(),
        entities,
        depends_on: flow.depends_on.clone(),
    };
    let place = |spec: &EntitySpec, entity: Option<&str>| {
        spec.store.place(entity).map_or_else(|_| spec.store.kind().to_owned(), |place| place.shown)
    };
    match &flow.entities {
        Entities::Matching { pattern, template, .. } => {
            let place = place(template, Some("{entity}"));
            vec![one(flow.name.clone(), template, place, Some(format!("tables {pattern}")))]
        }
        Entities::Listed(specs) if specs.len() > 1 && !verbose => {
            let spec = &specs[0];
            let entities = count(specs.len() as u64, "entity", "entities");
            vec![one(flow.name.clone(), spec, place(spec, Some("{entity}")), Some(entities))]
        }
        Entities::Listed(specs) => specs
            .iter()
            .map(|spec| {
                let place = place(spec, spec.owner.entity.as_deref());
                one(report::words::name(&spec.owner), spec, place, None)
            })
            .collect(),
    }
}

fn mode(spec: &EntitySpec) -> &'static str {
    match (spec.settling, spec.incremental) {
        (Settling::Replace, _) => "replace",
        (Settling::Append, true) => "incremental, append",
        (Settling::Append, false) => "append",
        (Settling::Merge, true) => "incremental, merge",
        (Settling::Merge, false) => "merge",
    }
}

pub(super) fn run(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, Overrides::default())?;
    let ctx = session.looking()?;
    let remembered = Remembered::of(&session);
    let mut all = Vec::new();
    let mut code = 0;
    for flow in &session.flows {
        ctx.cancel.check()?;
        let entities = match expand(&ctx, flow) {
            Ok(entities) => entities,
            Err(error) => {
                code = code.max(exit_code(&error).min(1));
                if let Entities::Matching { template, .. } = &flow.entities {
                    let owner = template.owner.clone();
                    let place = String::new();
                    all.push(Standing { owner, place, receipt: Err(error), keeps_receipts: true, journal: None });
                }
                continue;
            }
        };
        for spec in entities {
            let place = spec.store.place(spec.owner.entity.as_deref());
            let shown = place.as_ref().map_or_else(|_| String::new(), |place| place.shown.clone());
            let receipt = place.and_then(|place| spec.store.peek(&ctx, &place));
            if let Err(error) = &receipt {
                code = code.max(exit_code(error).min(1));
            }
            let journal = remembered.latest.iter().find(|entry: &&Entry| entry.owner == spec.owner).cloned();
            let keeps_receipts = spec.store.capabilities().receipts;
            all.push(Standing { owner: spec.owner, place: shown, receipt, keeps_receipts, journal });
        }
    }
    let verbosity = session::verbosity(everywhere);
    let named = !typed.flows.is_empty() || !typed.more_flows.is_empty();
    let text = match &session.flows[..] {
        [_] if named => in_full(&all, &remembered.history, verbosity),
        _ => overview(&all, verbosity),
    };
    report::out(&text);
    report::out(&remembered.told());
    Ok(code)
}

/// What this machine's journal says. It is a view: without it the receipts still say how flows stand.
#[derive(Default)]
struct Remembered {
    latest: Vec<Entry>,
    /// Of the one flow that was chosen.
    history: Vec<Entry>,
    unfinished: Option<String>,
    lost: Option<Error>,
}

impl Remembered {
    fn of(session: &Session) -> Self {
        let read = || {
            let Some(journal) = Journal::open_existing(&session.journal())? else { return Ok(Self::default()) };
            let history = match &session.flows[..] {
                [flow] => journal.history(&flow.name)?,
                _ => Vec::new(),
            };
            Ok(Self { latest: journal.latest(None)?, history, unfinished: journal.unfinished()?, lost: None })
        };
        read().unwrap_or_else(|error: Error| Self { lost: Some(error), ..Self::default() })
    }

    /// What is to be said after the flows.
    fn told(&self) -> String {
        if let Some(error) = &self.lost {
            return format!(
                "This is what the places say; failures and the last runs are missing: {error}.\n  next: make room and give the user that runs hygge the right to write .hygge, or remove .hygge/journal.db: no rows hang on it\n"
            );
        }
        let run = self.unfinished.as_ref();
        let told =
            run.map(|run| format!("Run {run} has not ended by its own word: it still runs, or it was killed.\n"));
        told.unwrap_or_default()
    }
}
