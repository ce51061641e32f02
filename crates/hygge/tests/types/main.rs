//! The lattice of types: every Arrow type to every store and back, judged by readers that share no code with hygge.
//!
//! What is found is written into the tables of `docs/reference`; `HYGGE_BLESS=1` rewrites them.

mod cases;
mod foreign;
mod judge;
mod matrix;
mod names;
mod pages;
mod stores;
