//! How the C library's allocator treats memory that is given back.
//!
//! Batches come and go, and by default glibc returns the memory of each to the system at once, which then has to fill it
//! with zeros again for the next: measured from SQLite to Parquet, a tenth of all CPU. Where the budget is large enough,
//! a few megabytes kept back for each thread save that. In a small one the holes that large values leave count for more,
//! so that those are taken from the system and returned to it each by itself, and the threads share two heaps: eight flows
//! at once held 183 MiB of a budget of 64 MiB where each thread kept the holes of its own, and 110 to 130 MiB with two
//! for all. With a single one they wait for each other: from SQLite to Parquet a fifth of the time. Other allocators are
//! left as they are.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use libc::c_int;

/// What is kept back at the end of each heap at most, and from which size on memory is taken from the system directly,
/// both in bytes; and how many heaps there are at most, or 0 for as many as the library likes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
struct Ways {
    kept: c_int,
    direct: c_int,
    heaps: c_int,
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
impl Ways {
    /// Those for a budget, in bytes.
    fn of(budget: usize) -> Self {
        if budget >= 512 << 20 {
            Self { kept: 8 << 20, direct: 4 << 20, heaps: 0 }
        } else {
            Self { kept: 4 << 20, direct: 1 << 20, heaps: 2 }
        }
    }
}

/// Makes the allocator fit a run of so large a budget, in bytes; to be called before any flow begins.
pub(super) fn fit(budget: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let Ways { kept, direct, heaps } = Ways::of(budget);
        #[expect(unsafe_code, reason = "measured: a tenth of the CPU from SQLite to Parquet")]
        // SAFETY: `mallopt` takes two numbers, reads no memory of ours, and answers 0 where it refuses one. It takes the
        // allocator's own lock; its only demand, that no other thread calls it or allocates for the first time meanwhile,
        // holds: the flows' threads are not started yet, and the one that waits for signals only waits.
        unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, kept);
            libc::mallopt(libc::M_MMAP_THRESHOLD, direct);
            if heaps > 0 {
                libc::mallopt(libc::M_ARENA_MAX, heaps);
            }
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = budget;
}
