//! Any bytes as a hygge.yml: read or refused with a reason, and never a secret in what is shown.
#![no_main]

use hygge::config::{Environment, Project};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let environment = Environment::of([("SECRET", "hunter2"), ("DB_CONNECTION", "sqlite:///shop.db"), ("BATCH", "17")]);
    match Project::from_text("hygge.yml", bytes, &[], &environment) {
        Ok(project) => {
            for flow in &project.flows {
                assert!(flow.depends_on.iter().all(|name| project.flow(name).is_some()));
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            // The bytes themselves may hold the word; then it is no secret.
            if !bytes.windows(7).any(|window| window == b"hunter2") {
                assert!(problems.iter().all(|problem| !problem.to_string().contains("hunter2")), "a secret is shown");
            }
        }
    }
});
