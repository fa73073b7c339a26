use std::net::SocketAddr;

use crate::config::Config;
use crate::decide::judge::fault::Fault;
use crate::decide::judge::finding::Finding;
use crate::decide::judge::uplink::Uplink;
use crate::decide::probe::query::{Query, name_text};
use crate::decide::probe::round::Round;

/// What stands for the zone where a question is about a name in none of ours.
pub(super) const OUTSIDE: &str = "(any other)";

/// What one address is judged in.
pub(crate) struct JudgeContext<'a> {
    pub(super) config: &'a Config,
    pub(super) round: &'a Round,
    pub(super) uplink: Uplink,
}

impl JudgeContext<'_> {
    pub(super) fn row(
        &self,
        address: SocketAddr,
        question: &Query,
        fault: &Fault,
        no_edns: bool,
    ) -> Finding {
        let zone = match question.zone {
            Some(zone) => name_text(&self.config.zones[zone].name),
            None => OUTSIDE.to_owned(),
        };
        fault.finding(address, zone, question, no_edns)
    }
}
