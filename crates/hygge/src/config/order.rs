//! Which flow waits for which: unknown names, and circles drawn as they run.

use super::fields::Said;
use super::problem::{Problem, Problems, any_of, nearest};

/// A flow's name with the names it waits for.
pub(crate) struct Waits {
    pub(crate) name: String,
    pub(crate) on: Vec<Said<String>>,
}

/// Checks that every name is a flow's and that no flow waits for itself, however indirectly.
pub(crate) fn check(flows: &[Waits], problems: &mut Problems) {
    let find = |name: &str| flows.iter().position(|flow| flow.name == name);
    for flow in flows {
        for on in &flow.on {
            if find(&on.value).is_some() {
                continue;
            }
            let others = flows.iter().map(|f| f.name.as_str()).filter(|name| *name != flow.name);
            let advice = match nearest(&on.value, others.clone()) {
                Some(near) => format!("write {near}, if that was meant"),
                None if others.clone().next().is_none() => "take the line out: there is no other flow".into(),
                None => format!("write {}", any_of(others)),
            };
            problems.add(
                Problem::at(&on.at, format!("no flow is called `{}`", super::source::mask(&on.value))).next(advice),
            );
        }
    }
    // 0: not seen, 1: on the path, 2: done. Iterative: a long chain is no reason to run out of stack.
    let mut state = vec![0_u8; flows.len()];
    for start in 0..flows.len() {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0_usize)];
        state[start] = 1;
        while let Some((flow, next)) = path.last_mut() {
            let Some(on) = flows[*flow].on.get(*next) else {
                state[*flow] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            let Some(to) = find(&on.value) else { continue };
            match state[to] {
                0 => {
                    state[to] = 1;
                    path.push((to, 0));
                }
                1 => {
                    let from = path.iter().position(|(flow, _)| *flow == to).unwrap_or_default();
                    let mut names: Vec<_> = path[from..].iter().map(|(flow, _)| flows[*flow].name.as_str()).collect();
                    names.push(&flows[to].name);
                    problems.add(
                        Problem::at(&on.at, format!("these flows wait for each other: {}", names.join(" → ")))
                            .next("take one of them out of a `depends_on`"),
                    );
                }
                _ => {}
            }
        }
    }
}
