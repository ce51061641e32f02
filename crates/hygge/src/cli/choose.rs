//! Which flows were meant.

use glob::Pattern;
use hygge_core::coordinator::with_ancestors;
use hygge_core::flow::FlowSpec;
use hygge_core::{Error, Result};

/// The flows that were named, in the project's order; all where none was. A flow that depends on one that was not
/// chosen waits for whatever that one waits for.
///
/// # Errors
/// Refused, when a name or pattern means no flow.
pub(super) fn choose(flows: Vec<FlowSpec>, wanted: &[String]) -> Result<Vec<FlowSpec>> {
    if wanted.is_empty() {
        return Ok(flows);
    }
    let mut chosen = vec![false; flows.len()];
    for text in wanted {
        let (with_all, name) = match text.strip_prefix('+') {
            Some(name) => (true, name),
            None => (false, text.as_str()),
        };
        let found = matching(&flows, name)?;
        for at in found {
            chosen[at] = true;
            if with_all {
                for ancestor in with_ancestors(&flows, &flows[at].name) {
                    chosen[ancestor] = true;
                }
            }
        }
    }
    let is_chosen = |name: &str| flows.iter().zip(&chosen).any(|(flow, &chosen)| chosen && flow.name == name);
    let mut out = Vec::new();
    for (flow, _) in flows.iter().zip(&chosen).filter(|(_, chosen)| **chosen) {
        let mut flow = flow.clone();
        flow.depends_on = with_ancestors(&flows, &flow.name)
            .into_iter()
            .map(|i| flows[i].name.clone())
            .filter(|name| *name != flow.name && is_chosen(name))
            .collect();
        out.push(flow);
    }
    Ok(out)
}

fn matching(flows: &[FlowSpec], name: &str) -> Result<Vec<usize>> {
    if let Some(exact) = flows.iter().position(|flow| flow.name == name) {
        return Ok(vec![exact]);
    }
    let is_pattern = name.contains(['*', '?', '[']);
    let found: Vec<usize> = match Pattern::new(name) {
        Ok(pattern) if is_pattern => {
            flows.iter().enumerate().filter(|(_, flow)| pattern.matches(&flow.name)).map(|(i, _)| i).collect()
        }
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
    let names: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).take(12).collect();
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
        choose(flows(), &wanted).expect("chosen").into_iter().map(|f| (f.name, f.depends_on)).collect()
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
        let error = choose(flows(), &["claen".into()]).err().expect("refused");
        assert!(format!("{error:?}").contains("write clean, if that was meant"), "{error:?}");
        let error = choose(flows(), &["sales_*".into()]).err().expect("refused");
        assert!(format!("{error:?}").contains("no flow's name matches sales_*"), "{error:?}");
    }
}
