//! Ctrl-C and its kin: the first asks for a clean stop, the second stops at once.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hygge_core::context::Cancellation;
use hygge_core::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};

/// From now on SIGINT and SIGTERM ask `cancel` to stop, and the second one ends the process with 130.
///
/// # Errors
/// If the system refuses to register them.
pub(super) fn heed(cancel: &Cancellation, on_first: impl FnOnce() + Send + 'static) -> Result<()> {
    let failed = |error| Error::failed("the system does not let hygge listen for signals").because(error);
    let asked = Arc::new(AtomicBool::new(false));
    let (mut wait, wake) = UnixStream::pair().map_err(failed)?;
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset, then sets it.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&asked)).map_err(failed)?;
        signal_hook::flag::register(signal, Arc::clone(&asked)).map_err(failed)?;
        signal_hook::low_level::pipe::register(signal, wake.try_clone().map_err(failed)?).map_err(failed)?;
    }
    // A file that would pass the size limit of the process is an error to tell, not a reason to die.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(failed)?;
    let cancel = cancel.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if wait.read_exact(&mut [0]).is_ok() {
                cancel.cancel("interrupted");
                on_first();
            }
        })
        .map_err(failed)?;
    Ok(())
}
