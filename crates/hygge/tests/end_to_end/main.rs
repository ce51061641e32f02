//! The built tool, seen from outside: what it leaves on disk is judged by readers that share no code with it.

mod documents;
mod judge;
mod judges_can_fail;
