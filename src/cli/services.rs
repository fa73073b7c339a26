//! `pilotlight report --test`: one request to each service that the configuration names.

use std::io::{self, Write};

use crate::config::{Config, Notify};
use crate::decide::show::message::Message;
use crate::io::clock::Clock;
use crate::io::http::notify::Delivery;

/// Whether all of them take it.
pub(super) fn try_all(out: &mut impl Write, config: &Config) -> io::Result<bool> {
    let (vantage, now) = (&config.vantage.name, Clock::system().now());
    let messages = config.notify.iter().map(|Notify { url, style, token_file }| Delivery {
        url: url.clone(),
        token_file: token_file.clone(),
        message: Some(Message::test(*style, vantage, &now)),
    });
    let heartbeat = config.heartbeat.iter().map(|heartbeat| Delivery {
        url: heartbeat.url.clone(),
        token_file: None,
        message: None,
    });
    let mut well = true;
    for delivery in messages.chain(heartbeat) {
        let (what, host) = match delivery.message {
            Some(_) => ("notify    ", Notify::host(&delivery.url)),
            None => ("heartbeat ", Notify::host(&delivery.url)),
        };
        match delivery.send_now() {
            Ok(()) => writeln!(out, "{what} {host} takes it")?,
            Err(error) => {
                well = false;
                writeln!(out, "{what} {host}: {error}")?;
            }
        }
    }
    Ok(well)
}
