//! The codec beside a real server: what the server renders, and what the codec reads, are compared; and back.

mod asked;
mod families;
mod oracle;
mod seeded;
mod shown;
mod streams;
