//! The codec beside a real server: what the server renders, and what the codec reads, are compared; and back.

mod any;
mod asked;
/// Every Arrow type that hygge carries.
#[path = "../../../hygge/tests/types/cases.rs"]
mod cases;
mod families;
mod lattice;
mod oracle;
mod refused;
mod seeded;
mod shown;
mod streams;
