//! Nobody is left to end a program whose hygge was killed: so somebody watches over the two.

use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// Waits for the end of its input, which comes with hygge's, and then ends the group of processes that it is told.
const WATCHES: &str = r#"read -r _; kill -TERM "-$1"; sleep 3; kill -KILL "-$1""#;

/// A shell that ends a program's group of processes if hygge dies before it. Dropped: it is dismissed.
pub(super) struct Watch(Child);

impl Watch {
    /// Watches over a group. None where there is no shell to do it: then a program outlives a hygge that was killed.
    pub(super) fn over(group: Pid) -> Option<Self> {
        use std::os::unix::process::CommandExt as _;

        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", WATCHES, "sh"])
            .arg(group.as_raw_pid().to_string())
            .current_dir("/")
            // Nobody but hygge holds the other end.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is not for it.
            .process_group(0);
        shell.spawn().ok().map(Self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Before its input ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
