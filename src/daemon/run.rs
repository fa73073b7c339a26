//! The loop: it waits for the first of its jobs, its orders and its times, and then publishes the state.

use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;

use crate::config::Config;
use crate::daemon::hook::HookResult;
use crate::daemon::monitor::Daemon;
use crate::daemon::outside;
use crate::daemon::parts::{Job, Order, Parts, result};
use crate::daemon::reporter::Reporter;
use crate::decide::track::reported::Report;

/// Runs until an order stops it.
pub async fn run<P: RuntimeProvider>(config: Config, parts: Parts<P>) {
    let clock = parts.clock;
    let (mut daemon, mut inputs) = Daemon::new(config, parts);
    daemon.start();
    let mut reporting: Job<(Reporter, Report)> = None;
    let mut hook: Job<HookResult> = None;
    loop {
        hook = hook.or_else(|| daemon.hook.next(&daemon.config.hooks));
        let looking = daemon.rounds.over_nameservers();
        let (look_at, check_at) = (daemon.next_look(), daemon.next_check());
        let report_at = daemon.next_report();
        tokio::select! {
            biased;
            order = inputs.orders.recv() => match order {
                Some(Order::Reload) => {
                    if daemon.reload(&inputs.config, inputs.token) {
                        // Its issue numbers would be those of the other repository. Any other report goes on: a new
                        // one might not see the issue that this one is about to open.
                        reporting = None;
                    }
                }
                Some(Order::Stop) | None => break,
            },
            (reporter, report) = result(&mut reporting) => {
                reporting = None;
                daemon.reported(reporter, &report);
            }
            rounds = daemon.rounds.finished() => {
                rounds.iter().for_each(|round| daemon.judged(round));
            }
            done = result(&mut hook) => {
                hook = None;
                done.log();
                continue; // nothing has changed
            }
            sent = daemon.outbox.sent(clock) => daemon.outbox.done(sent, clock.now().uptime),
            () = clock.sleep_until(daemon.tick_at) => {
                if !daemon.tick() {
                    continue; // nothing has changed
                }
            }
            () = clock.sleep_until(look_at), if !looking => daemon.look(),
            () = clock.sleep_until(check_at), if check_at < Duration::MAX => daemon.check_endpoints(),
            () = clock.sleep_until(report_at), if reporting.is_none() && report_at < Duration::MAX => {
                reporting = daemon.report();
            }
        }
        daemon.publish();
    }
    daemon.remove_metrics();
    outside::leave(daemon.panel, &mut daemon.manager, &daemon.places);
}
