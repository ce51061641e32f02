//! From a flow to its entities, asking the home's catalogue where the flow names a pattern.

use crate::context::Context;
use crate::flow::{Entities, EntitySpec, FlowSpec};
use crate::home::Source;
use crate::{Error, Part, Result};

/// The entities of a flow. For a pattern the home is asked which tables it has now.
///
/// # Errors
/// If the home cannot be asked, or no table matches.
pub fn expand(ctx: &Context, flow: &FlowSpec) -> Result<Vec<EntitySpec>> {
    match &flow.entities {
        Entities::Listed(entities) => Ok(entities.clone()),
        Entities::Matching { pattern, exclude, only, template } => {
            let mut names: Vec<String> =
                template.home.tables(ctx, pattern)?.into_iter().map(|table| table.name).collect();
            for glob in exclude {
                let left_out: Vec<String> =
                    template.home.tables(ctx, glob)?.into_iter().map(|table| table.name).collect();
                names.retain(|name| !left_out.contains(name));
            }
            let shown = template.home.shown(&template.source);
            if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
                return Err(Error::refused(format!("flow {} has no entity {unknown} in {shown}", flow.name))
                    .next(format!("choose from: {}", names.join(", "))));
            }
            if !only.is_empty() {
                names.retain(|name| only.contains(name));
            }
            if names.is_empty() {
                return Err(Error::refused(format!("no table of {shown} matches {pattern}"))
                    .next_set(Part::Home, "tables: \"*\""));
            }
            Ok(names.into_iter().map(|name| entity(template, name)).collect())
        }
    }
}

fn entity(template: &EntitySpec, name: String) -> EntitySpec {
    let mut spec = template.clone();
    spec.owner.entity = Some(name.clone());
    spec.source = Source::Table(name);
    spec
}
