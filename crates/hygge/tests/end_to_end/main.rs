//! The built tool, seen from outside: what it leaves on disk is judged by readers that share no code with it.

#[cfg(feature = "failpoints")]
mod crash;
#[cfg(feature = "failpoints")]
mod documents;
#[cfg(feature = "failpoints")]
mod encodings;
mod formats;
mod hive;
#[cfg(feature = "failpoints")]
mod json;
mod judge;
mod judges_can_fail;
#[cfg(feature = "failpoints")]
mod many;
#[cfg(feature = "failpoints")]
mod memory;
#[cfg(feature = "failpoints")]
mod project;
#[cfg(feature = "failpoints")]
mod quickstart;
#[cfg(feature = "failpoints")]
mod run;
#[cfg(feature = "failpoints")]
mod shapes;
mod web;
#[cfg(feature = "failpoints")]
mod wrong;
