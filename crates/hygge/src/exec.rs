//! Programs of somebody else that rows come from or go to, over pipes that carry Arrow IPC streams.

mod answer;
mod child;
mod ipc;
mod pipe;
mod program;
mod watch;
mod words;

#[cfg(test)]
mod tests;

pub use self::answer::Answer;
pub use self::child::Running;
pub use self::ipc::{Broken, IpcStream, Message};
pub use self::pipe::Pipe;
pub use self::program::Program;
