//! Before there is a configuration: the panel says so, and nothing else is done.

use crate::daemon::monitor::{FRAME_WITHIN, LEASE, TICK};
use crate::daemon::parts::{Order, Parts};
use crate::daemon::{log, outside};
use crate::decide::show::panel::PanelState;
use crate::decide::show::status::Status;
use crate::io::system::{executable, notices};

/// Shows that nothing is configured, until it is told to stop. Whoever writes a configuration starts the
/// program again (on the card that is a reboot), so that there is one way only to become a watchman.
pub async fn unconfigured<P>(parts: Parts<P>) {
    let Parts { clock, panel, mut manager, places, notices, config, mut orders, .. } = parts;
    log::unconfigured(&config);
    loop {
        let now = clock.now();
        panel.show(PanelState::Unconfigured.into(), LEASE);
        let view = Status::unconfigured(notices::read(&notices), &now);
        let view = Status { program: executable::this().cloned(), ..view };
        manager.status(&view.meaning);
        manager.ready();
        outside::write_status(&places, view, LEASE);
        let wanted = manager.ping_every();
        if wanted.is_some() && panel.answers(FRAME_WITHIN) {
            manager.ping();
        }
        let next = now.uptime + wanted.map_or(TICK, |every| every.min(TICK));
        tokio::select! {
            order = orders.recv() => if order != Some(Order::Reload) { break },
            () = clock.sleep_until(next) => {}
        }
    }
    outside::leave(panel, &mut manager, &places);
}
