//! How the C library's allocator treats memory that is given back.
//!
//! Batches come and go, and by default glibc returns the memory of each to the system at once, which then has to fill it
//! with zeros again for the next: measured from SQLite to Parquet, a tenth of all CPU. A few megabytes kept back for each
//! thread save that. Other allocators are left as they are.

/// The most memory that is kept back at the end of a heap, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 4 << 20;

/// From this size on memory is taken from the system and returned to it directly: large values leave no holes that way.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const DIRECT: libc::c_int = 1 << 20;

/// Sets both, once, before any thread is started.
pub(crate) fn keep_what_is_given_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "measured: a tenth of the CPU from SQLite to Parquet")]
    // SAFETY: `mallopt` takes two numbers, reads no memory of ours and answers 0 where it refuses one. Its only demand,
    // that no other thread is in the allocator meanwhile, holds: this is the first call of `main`.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, DIRECT);
    }
}
