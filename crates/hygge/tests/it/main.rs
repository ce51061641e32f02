//! The built tool as a person meets it: every screen, every refusal, every exit code.

mod advice;
mod configuration;
mod examples;
mod exec;
mod folder;
mod foreign;
mod from_python;
mod help;
mod init;
mod landing;
mod merging;
mod moving;
mod names;
mod night;
mod options;
mod partitions;
mod reading;
mod refusals;
mod stranger;
mod stranger_full;
mod with_csv;
mod with_odd_files;
mod with_sqlite;
