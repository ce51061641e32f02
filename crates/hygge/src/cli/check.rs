//! `hygge check`: the configuration, and every home and store.

use hygge_core::context::Context;
use hygge_core::coordinator::expand;
use hygge_core::flow::{Entities, EntitySpec};

use super::args::{Everywhere, Select};
use super::session::{self, Session};
use super::stop::{Stop, exit_code};
use crate::project::Overrides;
use crate::report;
use crate::report::checked::{Checked, screen};
use crate::report::words::{count, name};

pub(super) fn run(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, Overrides::default())?;
    let ctx = session.looking()?;
    let project = &session.project;
    let mut all = vec![Checked {
        what: format!("project {}", project.name),
        found: Ok(vec![
            format!("{}, hygge {}", project.file.display(), env!("CARGO_PKG_VERSION")),
            format!(
                "{}, {} at once, {} of memory",
                count(session.flows.len() as u64, "flow", "flows"),
                project.options.concurrency,
                hygge_core::budget::shown_bytes(project.options.memory)
            ),
        ]),
    }];
    let mut code = 0;
    for flow in &session.flows {
        ctx.cancel.check()?;
        let entities = match &flow.entities {
            // One look at the home is enough for all of its tables.
            Entities::Matching { template, .. } => match expand(&ctx, flow) {
                Ok(entities) => entities,
                Err(error) => {
                    let what = format!("{}: home {}", flow.name, template.home.shown(&template.source));
                    code = code.max(exit_code(&error));
                    let advice = session.advisor.advise(&template.owner, &error);
                    all.push(Checked { what, found: Err((error, advice)) });
                    continue;
                }
            },
            Entities::Listed(entities) => entities.clone(),
        };
        for entity in &entities {
            for (what, found) in looked(&ctx, entity) {
                if all.iter().any(|one| one.what == what) {
                    continue;
                }
                let found = found.map_err(|error| {
                    code = code.max(exit_code(&error).min(2));
                    let advice = session.advisor.advise(&entity.owner, &error);
                    (error, advice)
                });
                all.push(Checked { what, found });
            }
        }
    }
    ctx.cancel.check()?;
    report::out(&screen(&all, "as they should be", session::verbosity(everywhere), report::width()));
    Ok(code)
}

type Looked = (String, hygge_core::Result<Vec<String>>);

fn looked(ctx: &Context, entity: &EntitySpec) -> [Looked; 2] {
    let home = entity.home.check(ctx, &entity.source, has_settled(ctx, entity));
    let place = entity.store.place(entity.owner.entity.as_deref());
    let shown = place.as_ref().map_or_else(|_| entity.store.kind().to_owned(), |place| place.shown.clone());
    let store = place.and_then(|place| entity.store.check(ctx, &place));
    let flow = name(&entity.owner);
    [(format!("{flow}: home {}", entity.home.shown(&entity.source)), home), (format!("{flow}: store {shown}"), store)]
}

/// Whether files of the home have settled, and only new ones are read.
fn has_settled(ctx: &Context, entity: &EntitySpec) -> bool {
    let last = entity.store.place(entity.owner.entity.as_deref()).and_then(|place| entity.store.peek(ctx, &place));
    entity.skips_settled() && last.is_ok_and(|last| last.is_some_and(|last| last.home_state.is_some()))
}
