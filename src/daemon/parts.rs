//! What the daemon is given, and the jobs that it runs beside its loop.

use std::future::{Future, pending};
use std::path::PathBuf;
use std::pin::Pin;

use tokio::sync::mpsc;

use crate::daemon::reporter::TokenFrom;
use crate::io::clock::Clock;
use crate::io::gpio::panel::Panel;
use crate::io::system::files::Places;
use crate::io::system::systemd::Manager;

/// What a signal asks the daemon to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Reload,
    Stop,
}

/// The surroundings of the daemon.
pub struct Parts<P> {
    pub network: P,
    pub clock: Clock,
    pub panel: Panel,
    pub manager: Manager,
    pub places: Places,
    /// The folder of notices for the user.
    pub notices: PathBuf,
    pub token: TokenFrom,
    /// The configuration file, for [`Order::Reload`].
    pub config: PathBuf,
    /// The daemon stops when the sender is dropped.
    pub orders: mpsc::Receiver<Order>,
}

/// A round, a report or a hook that is running.
pub(super) type Job<T> = Option<Pin<Box<dyn Future<Output = T>>>>;

/// The result of the job; if none is running, this never ends.
pub(super) async fn result<T>(job: &mut Job<T>) -> T {
    match job {
        Some(job) => job.await,
        None => pending().await,
    }
}
