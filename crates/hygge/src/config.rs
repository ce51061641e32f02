//! The configuration as written and as resolved, with the position of everything.
