//! The contract between homes and stores, and the coordinator that carries flows between them.
//!
//! A [`home::Home`] is where rows live now, a [`store::Store`] where they settle. A flow opens one view of a home (a
//! [`home::Scan`]), reads it split by split, has a store stage each split, and publishes all of them together with a
//! [`receipt::Receipt`] in one step. Whatever dies in between leaves no trace that a reader could see, and the next run
//! puts it right.
//!
//! This crate knows no connector, no YAML and no command line.

pub mod budget;
pub mod conformance;
pub mod context;
pub mod coordinator;
pub mod cut;
pub mod event;
pub mod fault;
pub mod faulty;
pub mod flow;
pub mod home;
pub mod journal;
pub mod limits;
pub mod memory;
pub mod place;
pub mod receipt;
pub mod shell;
pub mod simple;
pub mod split;
pub mod store;
pub mod tally;
pub mod watermark;
pub mod yaml;

mod error;

pub use crate::error::{Advice, Error, ErrorKind, Part, Result, Retry};
