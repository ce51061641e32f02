//! From a resolved configuration to flows with living homes and stores.

mod living;

use std::path::Path;
use std::sync::Arc;

use hygge_core::flow::{Entities, EntitySpec, FlowSpec};
use hygge_core::home::Home;
use hygge_core::receipt::Owner;
use hygge_core::{Advice, Error, Result};

pub use self::living::{home, store};
use crate::config;
use crate::report::advisor::Advisor;

/// What the command line changes in every flow. It wins over the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides {
    /// Carry only what is new.
    pub incremental: bool,
    /// Settle everything anew.
    pub full: bool,
    /// Run though the home is unchanged.
    pub force: bool,
}

/// Gives every flow living homes and stores.
///
/// # Errors
/// Refused, if a home or store cannot be as it is configured, or the command line asks for what a flow cannot do.
pub fn build(root: &Path, project: &str, flows: &[config::Flow], overrides: Overrides) -> Result<Vec<FlowSpec>> {
    let mut out = Vec::with_capacity(flows.len());
    for flow in flows {
        let entities = match &flow.entities {
            config::Entities::Listed(entities) => {
                let mut specs = Vec::with_capacity(entities.len());
                for entity in entities {
                    specs.push(spec(root, project, flow, entity, overrides)?);
                }
                Entities::Listed(specs)
            }
            config::Entities::Tables { pattern, exclude, template } => Entities::Matching {
                pattern: pattern.clone(),
                exclude: exclude.clone(),
                only: Vec::new(),
                template: Box::new(spec(root, project, flow, template, overrides)?),
            },
        };
        out.push(FlowSpec { name: flow.name.clone(), depends_on: flow.depends_on.clone(), entities });
    }
    Ok(out)
}

/// Knows where the options of every flow are written.
#[must_use]
pub fn advisor(flows: &[config::Flow]) -> Advisor {
    let mut advisor = Advisor::default();
    for flow in flows {
        match &flow.entities {
            config::Entities::Listed(entities) => {
                for entity in entities {
                    advisor.learn(&flow.name, entity.name.as_deref(), &entity.spots);
                }
            }
            config::Entities::Tables { template, .. } => advisor.learn(&flow.name, None, &template.spots),
        }
    }
    advisor
}

fn spec(
    root: &Path,
    project: &str,
    flow: &config::Flow,
    entity: &config::Entity,
    overrides: Overrides,
) -> Result<EntitySpec> {
    let written = entity;
    // No run is there yet that knows where the options of this flow are written.
    let with_spot = |error: Error| match error.advice() {
        Some(Advice::Set { part, line }) => {
            let advice = written.spots.advise(*part, line, written.name.as_deref());
            error.next(advice)
        }
        _ => error,
    };
    let mut entity = std::borrow::Cow::Borrowed(entity);
    if overrides.incremental {
        entity.to_mut().make_incremental().map_err(with_spot)?;
    }
    let home: Arc<dyn Home> = home(root, &entity.home, entity.name.as_deref()).map_err(with_spot)?;
    Ok(EntitySpec {
        owner: Owner { project: project.to_owned(), flow: flow.name.clone(), entity: entity.name.clone() },
        formerly: entity.formerly.clone(),
        home,
        source: entity.source.clone(),
        columns: entity.columns.clone(),
        filter: entity.filter.clone(),
        store: store(root, &entity.store, entity.name.as_deref()).map_err(with_spot)?,
        settling: entity.settling,
        incremental: entity.incremental,
        cursor: entity.cursor.clone(),
        key: entity.key.clone(),
        full: overrides.full,
        force: overrides.force,
        every_run: entity.every_run,
        batch_rows: entity.batch_rows,
        readers: entity.readers,
        verify: entity.verify,
        missing: entity.missing,
        adopt: entity.adopt,
        retries: entity.retries,
        timeout: entity.timeout,
    })
}
