//! The reference: a home and a store in memory, small enough to be read whole, held to every law.
//!
//! Tests of the engine run against them, and whoever writes a home or a store can read here what is meant.

mod home;
mod store;

pub use self::home::MemoryHome;
pub use self::store::{MemoryDatabase, MemoryStore};
