//! The async runtime: the same for the program, its tests and its benchmarks.

use tokio::runtime::Builder;

/// Name look-ups under way at once. Each waits in a thread for the system's resolver.
pub(in crate::io) const LOOKUPS: usize = 4;

/// One call to GitHub, and one walk of the panel through its states.
const OTHERS: usize = 2;

/// One thread for everything that can wait without a thread, and one more for each call that cannot.
///
/// The calls are bounded where they are made, so that none waits for a thread that another one holds.
#[must_use]
pub fn builder() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(LOOKUPS + OTHERS);
    builder
}
