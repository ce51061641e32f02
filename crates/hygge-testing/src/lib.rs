//! What the tests of several crates share. Nothing here is part of the tool.

pub mod postgres;
