//! The store of files: a folder of files, or one file, in any format that can be written.
