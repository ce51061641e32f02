//! From a resolved configuration to flows with living homes and stores.
