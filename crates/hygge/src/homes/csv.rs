//! The CSV home.
