//! The engine and the laws, on the memory reference.

mod laws;
mod story;
