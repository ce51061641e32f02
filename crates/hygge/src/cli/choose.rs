//! Which flows were meant, and which of their entities.

use std::collections::HashMap;

use glob::Pattern;
use hygge_core::coordinator::with_ancestors;
use hygge_core::flow::{Entities, FlowSpec};
use hygge_core::{Error, Result};

/// How many names an advice lists.
const MOST_NAMES: usize = 12;

/// The flows that were named, in the project's order; all where none was. `flow/entity` means one entity of a flow, as
/// screens name it, and `entities` leaves only those of all flows. A flow that depends on one that was not chosen waits
/// for whatever that one waits for.
///
/// `names_of` asks the home of a flow of many tables for their names; none where it cannot tell them now.
///
/// # Errors
/// Refused, when a name or pattern means no flow or no entity.
pub(super) fn choose(
    flows: &[FlowSpec],
    wanted: &[String],
    entities: &[String],
    names_of: &dyn Fn(&FlowSpec) -> Option<Vec<String>>,
) -> Result<Vec<FlowSpec>> {
    let mut chosen: Vec<Option<Chosen>> = vec![None; flows.len()];
    if wanted.is_empty() {
        chosen.fill(Some(Chosen::Whole));
    }
    for text in wanted {
        let (with_all, name) = match text.strip_prefix('+') {
            Some(name) => (true, name),
            None => (false, text.as_str()),
        };
        for (at, part) in matching(flows, name)? {
            chosen[at] = Some(part.and(chosen[at].take()));
            let above = if with_all { with_ancestors(flows, &flows[at].name) } else { Vec::new() };
            for ancestor in above.into_iter().filter(|&ancestor| ancestor != at) {
                chosen[ancestor] = Some(Chosen::Whole);
            }
        }
    }
    let (of_one_flow, entities) = by_flow(flows, entities);
    let entities = entities.as_slice();
    if !of_one_flow.is_empty() {
        if wanted.is_empty() && entities.is_empty() {
            chosen.fill(None);
        }
        for (at, _) in &of_one_flow {
            chosen[*at] = None;
        }
        for (at, entity) in of_one_flow {
            if !may_have(&flows[at], &entity) {
                return Err(no_entity(&entity, &[&flows[at]]));
            }
            chosen[at] = Some(Chosen::Entities(vec![entity]).and(chosen[at].take()));
        }
    }
    let meant: Vec<&FlowSpec> = flows.iter().zip(&chosen).filter(|(_, one)| one.is_some()).map(|(f, _)| f).collect();
    if let Some(unknown) = entities.iter().find(|name| !meant.iter().any(|flow| may_have(flow, name))) {
        return Err(no_entity(unknown, &meant));
    }
    let owned = owned(&meant, entities, names_of);
    let mut narrowed: Vec<Option<FlowSpec>> = Vec::with_capacity(flows.len());
    for (flow, part) in flows.iter().zip(chosen) {
        let own = owned.get(flow.name.as_str()).map_or(entities, Vec::as_slice);
        let none_of_them = own.is_empty() && !entities.is_empty();
        let one = part.filter(|_| !none_of_them).map(|part| part.of(flow)).and_then(|flow| only(flow, own));
        narrowed.push(one);
    }
    let is_chosen = |name: &str| narrowed.iter().flatten().any(|flow| flow.name == name);
    let mut out = Vec::new();
    for flow in narrowed.iter().flatten() {
        let mut flow = flow.clone();
        flow.depends_on = with_ancestors(flows, &flow.name)
            .into_iter()
            .map(|i| flows[i].name.clone())
            .filter(|name| *name != flow.name && is_chosen(name))
            .collect();
        out.push(flow);
    }
    if out.is_empty() && !entities.is_empty() {
        return Err(Error::refused("the entities of  --entity  are none of those that were chosen by name")
            .next("leave  --entity  out"));
    }
    Ok(out)
}

/// Entities that are named with their flow (`shop.users`), by the flow's position, and those that are not.
fn by_flow(flows: &[FlowSpec], entities: &[String]) -> (Vec<(usize, String)>, Vec<String>) {
    let (mut of_one_flow, mut plain) = (Vec::new(), Vec::new());
    for name in entities {
        let flow = |text: &str| flows.iter().position(|flow| flow.name == text);
        let parts = name.split_once('.').and_then(|(before, entity)| Some((flow(before)?, entity)));
        match parts.filter(|_| !flows.iter().any(|flow| listed(flow).contains(&name.as_str()))) {
            Some((at, entity)) => of_one_flow.push((at, entity.to_owned())),
            None => plain.push(name.clone()),
        }
    }
    (of_one_flow, plain)
}

/// The entity that `shop_users` means, if it is one that a flow `shop` lists.
fn joined(flows: &[FlowSpec], name: &str) -> Option<(usize, Chosen)> {
    flows.iter().enumerate().find_map(|(at, flow)| {
        let entity = name.strip_prefix(flow.name.as_str())?.strip_prefix('_')?;
        listed(flow).contains(&entity).then(|| (at, Chosen::Entities(vec![entity.to_owned()])))
    })
}

/// How much of a flow was meant.
#[derive(Clone)]
enum Chosen {
    Whole,
    Entities(Vec<String>),
}

impl Chosen {
    fn and(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Entities(mut names), Some(Self::Entities(more))) => {
                names.extend(more);
                Self::Entities(names)
            }
            (Self::Entities(names), None) => Self::Entities(names),
            _ => Self::Whole,
        }
    }

    fn of(self, flow: &FlowSpec) -> FlowSpec {
        match self {
            Self::Whole => flow.clone(),
            Self::Entities(names) => only(flow.clone(), &names).unwrap_or_else(|| flow.clone()),
        }
    }
}

/// The flow with these entities alone, all where none are named; none where it has none of them.
fn only(mut flow: FlowSpec, names: &[String]) -> Option<FlowSpec> {
    if names.is_empty() {
        return Some(flow);
    }
    match &mut flow.entities {
        Entities::Listed(specs) => {
            specs.retain(|spec| spec.owner.entity.as_ref().is_some_and(|name| names.contains(name)));
            if specs.is_empty() {
                return None;
            }
        }
        // Whether they are there, only the home knows.
        Entities::Matching { only, .. } if only.is_empty() => names.clone_into(only),
        Entities::Matching { only, .. } => {
            only.retain(|name| names.contains(name));
            if only.is_empty() {
                return None;
            }
        }
    }
    Some(flow)
}

/// Of each flow of many tables whose home tells their names, the `entities` that it has, or that no flow has: it is left
/// to the run to say so.
fn owned<'a>(
    flows: &[&'a FlowSpec],
    entities: &[String],
    names_of: &dyn Fn(&FlowSpec) -> Option<Vec<String>>,
) -> HashMap<&'a str, Vec<String>> {
    let is_pattern = |flow: &FlowSpec| matches!(flow.entities, Entities::Matching { .. });
    if entities.is_empty() || flows.len() < 2 || !flows.iter().any(|flow| is_pattern(flow)) {
        return HashMap::new();
    }
    let told = flows.iter().filter(|flow| is_pattern(flow)).filter_map(|flow| Some((*flow, names_of(flow)?)));
    let told: Vec<(&FlowSpec, Vec<String>)> = told.collect();
    let somewhere = |name: &String| {
        told.iter().any(|(_, names)| names.contains(name))
            || flows.iter().any(|flow| !is_pattern(flow) && may_have(flow, name))
    };
    let of = |names: &[String]| {
        entities.iter().filter(|name| names.contains(name) || !somewhere(name)).cloned().collect::<Vec<_>>()
    };
    told.iter().map(|(flow, names)| (flow.name.as_str(), of(names))).collect()
}

fn may_have(flow: &FlowSpec, entity: &str) -> bool {
    match &flow.entities {
        Entities::Listed(specs) => specs.iter().any(|spec| spec.owner.entity.as_deref() == Some(entity)),
        Entities::Matching { .. } => true,
    }
}

/// The entities of a flow that the configuration lists.
fn listed(flow: &FlowSpec) -> Vec<&str> {
    match &flow.entities {
        Entities::Listed(specs) => specs.iter().filter_map(|spec| spec.owner.entity.as_deref()).collect(),
        Entities::Matching { .. } => Vec::new(),
    }
}

fn no_entity(unknown: &str, flows: &[&FlowSpec]) -> Error {
    let names: Vec<&str> = flows.iter().flat_map(|flow| listed(flow)).collect();
    let whose = match flows {
        [flow] => format!("the flow {}", flow.name),
        _ => "no flow that was chosen".to_owned(),
    };
    let error = match (flows, names.is_empty()) {
        ([_], true) => Error::refused(format!("{whose} has no entities, and so none called {unknown}")),
        ([_], false) => Error::refused(format!("{whose} has no entity {unknown}")),
        (_, true) => Error::refused(format!("{whose} has entities, and so none called {unknown}")),
        (_, false) => Error::refused(format!("{whose} has an entity {unknown}")),
    };
    match names.as_slice() {
        [] => error.next(match flows {
            [flow] => format!("name the flow alone: {}", flow.name),
            _ => "leave  --entity  out; see the flows with  hygge ls -v".to_owned(),
        }),
        names if names.len() <= MOST_NAMES => error.next(format!("choose from: {}", names.join(", "))),
        _ => error.next("see the flows and their entities with  hygge ls -v"),
    }
}

fn matching(flows: &[FlowSpec], name: &str) -> Result<Vec<(usize, Chosen)>> {
    let exact = |name: &str| flows.iter().position(|flow| flow.name == name);
    if let Some(at) = exact(name) {
        return Ok(vec![(at, Chosen::Whole)]);
    }
    if let Some((flow, entity)) = name.split_once('/')
        && let Some(at) = exact(flow)
    {
        return if may_have(&flows[at], entity) {
            Ok(vec![(at, Chosen::Entities(vec![entity.to_owned()]))])
        } else {
            Err(no_entity(entity, &[&flows[at]]))
        };
    }
    if let Some(one) = joined(flows, name) {
        return Ok(vec![one]);
    }
    let is_pattern = name.contains(['*', '?', '[']);
    let found: Vec<(usize, Chosen)> = match Pattern::new(name) {
        Ok(pattern) if is_pattern => flows
            .iter()
            .enumerate()
            .filter(|(_, flow)| pattern.matches(&flow.name))
            .map(|(i, _)| (i, Chosen::Whole))
            .collect(),
        _ => Vec::new(),
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let what = if is_pattern { format!("no flow's name matches {name}") } else { format!("there is no flow {name}") };
    let near = flows
        .iter()
        .map(|flow| (strsim::damerau_levenshtein(name, &flow.name), &flow.name))
        .min()
        .filter(|(distance, near)| *distance <= near.chars().count().max(3) / 3);
    let names: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).take(MOST_NAMES).collect();
    let advice = match (near, names.as_slice()) {
        (Some((_, near)), _) => format!("write {near}, if that was meant"),
        (None, []) => "describe one under  flows:  first".to_owned(),
        (None, names) if flows.len() > names.len() => "see them all with  hygge ls".to_owned(),
        (None, names) => format!("choose from: {}", names.join(", ")),
    };
    Err(Error::refused(what).next(advice))
}

#[cfg(test)]
mod tests {
    use hygge_core::flow::{Entities, FlowSpec};

    use super::choose;

    fn flows() -> Vec<FlowSpec> {
        let flow = |name: &str, on: &[&str]| FlowSpec {
            name: name.into(),
            depends_on: on.iter().map(|&s| s.into()).collect(),
            entities: Entities::Listed(Vec::new()),
        };
        vec![flow("raw", &[]), flow("clean", &["raw"]), flow("report_a", &["clean"]), flow("report_b", &[])]
    }

    fn chosen(wanted: &[&str]) -> Vec<(String, Vec<String>)> {
        let wanted: Vec<String> = wanted.iter().map(|&s| s.into()).collect();
        choose(&flows(), &wanted, &[], &|_| None).expect("chosen").into_iter().map(|f| (f.name, f.depends_on)).collect()
    }

    fn names(wanted: &[&str]) -> Vec<String> {
        chosen(wanted).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_patterns_and_ancestors() {
        assert_eq!(names(&[]).len(), 4);
        assert_eq!(names(&["report_*"]), ["report_a", "report_b"]);
        assert_eq!(names(&["+report_a"]), ["raw", "clean", "report_a"]);
        assert_eq!(names(&["report_b", "raw"]), ["raw", "report_b"], "in the project's order");
    }

    #[test]
    fn order_holds_over_flows_that_were_left_out() {
        let chosen = chosen(&["report_a", "raw"]);
        assert_eq!(chosen[1], ("report_a".to_owned(), vec!["raw".to_owned()]));
    }

    #[test]
    fn a_misspelt_name_is_mended() {
        let error = choose(&flows(), &["claen".into()], &[], &|_| None).err().expect("refused");
        assert!(format!("{error:?}").contains("write clean, if that was meant"), "{error:?}");
        let error = choose(&flows(), &["sales_*".into()], &[], &|_| None).err().expect("refused");
        assert!(format!("{error:?}").contains("no flow's name matches sales_*"), "{error:?}");
    }
}
