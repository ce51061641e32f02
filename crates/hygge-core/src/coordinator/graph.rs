//! Which flow waits for which.

use crate::flow::FlowSpec;
use crate::{Error, Result};

/// Every name that flows depend on must be a flow, and no flow may wait for itself.
///
/// # Errors
/// Refused, naming the unknown flow or drawing the cycle (`a → b → a`).
pub fn check_graph(flows: &[FlowSpec]) -> Result<()> {
    for flow in flows {
        for name in &flow.depends_on {
            if !flows.iter().any(|other| other.name == *name) {
                return Err(Error::refused(format!("flow {} depends on {name}, which is no flow", flow.name)));
            }
        }
    }
    let mut done = vec![false; flows.len()];
    for start in 0..flows.len() {
        let mut path = Vec::new();
        visit(flows, start, &mut path, &mut done)?;
    }
    Ok(())
}

fn visit(flows: &[FlowSpec], at: usize, path: &mut Vec<usize>, done: &mut [bool]) -> Result<()> {
    if let Some(from) = path.iter().position(|&i| i == at) {
        let drawn: Vec<&str> = path[from..].iter().chain([&at]).map(|&i| flows[i].name.as_str()).collect();
        return Err(Error::refused(format!("flows wait for each other: {}", drawn.join(" → ")))
            .next("take one of these names out of depends_on"));
    }
    if done[at] {
        return Ok(());
    }
    path.push(at);
    for name in &flows[at].depends_on {
        if let Some(next) = flows.iter().position(|flow| flow.name == *name) {
            visit(flows, next, path, done)?;
        }
    }
    path.pop();
    done[at] = true;
    Ok(())
}

/// The positions of the named flow and of all it depends on, however far.
#[must_use]
pub fn with_ancestors(flows: &[FlowSpec], name: &str) -> Vec<usize> {
    let mut found: Vec<usize> = flows.iter().position(|flow| flow.name == name).into_iter().collect();
    let mut i = 0;
    while i < found.len() {
        for name in &flows[found[i]].depends_on {
            if let Some(next) = flows.iter().position(|flow| flow.name == *name)
                && !found.contains(&next)
            {
                found.push(next);
            }
        }
        i += 1;
    }
    found
}
