//! What the SQLite home and the SQLite store share: connections, names, types.
