//! hygge moves tables from where they live to where they settle, exactly once, and says so.
//!
//! The contract and the coordinator are in [`hygge_core`]; here are the homes, the stores, the configuration and the
//! command line.

mod asked;
pub mod cli;
pub mod config;
pub mod exec;
pub mod extend;
pub mod files;
#[cfg(test)]
mod fuzzed;
pub mod homes;
pub mod project;
pub mod report;
pub mod sqlite;
pub mod stores;
