//! Which panics end a run.

/// What a damaged file makes a library panic at is caught where it is called, and is no crash. What panics in hygge, or
/// is asserted of it, ends the process at once, so that nothing catches it.
pub fn calm() {
    std::panic::set_hook(Box::new(|panic| {
        let ours = ["fuzz_targets", "crates/hygge"];
        if panic.location().is_some_and(|at| ours.iter().any(|ours| at.file().contains(ours))) {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}
