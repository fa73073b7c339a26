//! `pilotlight check`: one round now, and its verdict at once.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;

use crate::cli::common::{Failed, block_on, colour, load};
use crate::cli::table;
use crate::config::{Config, Schedule};
use crate::decide::judge::round::judge;
use crate::decide::probe::endpoint::endpoint_checks;
use crate::decide::probe::query::targets;
use crate::decide::probe::round::Round;
use crate::decide::probe::world::world_checks;
use crate::decide::show::status::Status;
use crate::decide::track::state::MonitorState;
use crate::io::clock::Clock;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::socket::Net;
use crate::io::inspector::Inspector;
use crate::io::system::executable;

/// With `only` these nameservers, each `NAME=ADDRESS`, in place of the file's.
/// Zones are looked at from the roots, unless `no_world`.
pub(super) fn check(
    path: &Path,
    json: bool,
    only: &[String],
    no_world: bool,
) -> Result<u8, Failed> {
    let mut config = Config { github: None, ..load(path)? };
    if !only.is_empty() {
        config = config.with_only(only)?;
    }
    if no_world || !only.is_empty() {
        config.schedule.world = None; // the world is not led to a new nameserver yet
    }
    let round = async {
        let clock = Clock::system();
        let limits = ProbeLimits::at_rate(config.schedule.queries_per_second);
        let inspector = Inspector::new(Net::default(), clock, limits);
        let (targets, checks) = (targets(&config), endpoint_checks(&config));
        let within = inspector.limits().deadline;
        let (zones, schedule) = (world_checks(&config), &config.schedule);
        let looks = inspector.world_rounds(&zones, &config.vantage, within, schedule);
        let round = inspector.round(&targets, &checks, &config.vantage);
        let (round, looks) = tokio::join!(round, join_all(looks));
        (round, looks, clock.now())
    };
    let (round, looks, now) = block_on(round)?;
    // The result of this one round counts.
    let at_once = Schedule {
        open_after: 1,
        close_after: 1,
        degraded_after: Duration::ZERO,
        serial_grace: Duration::ZERO,
        ..config.schedule.clone()
    };
    let judged = |monitor: MonitorState, round: &Round| {
        monitor.after(&judge(&config, round), now, &at_once, "check").0
    };
    let monitor = judged(MonitorState::new(&config), &round);
    let monitor = looks.iter().fold(monitor, judged);
    let view =
        Status { program: executable::this().cloned(), ..Status::of(&monitor, &config, &now) };
    let mut out = io::stdout().lock();
    if json {
        table::json(&mut out, &view)?;
    } else {
        table::print(&mut out, &view, colour(&io::stdout()))?;
    }
    out.flush()?;
    Ok(view.exit_code())
}
