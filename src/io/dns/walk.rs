//! Walks from the roots to a zone, as a resolver does, with nothing remembered from earlier: a change must not hide
//! in a cache. Bounded in packets, and slow towards servers that are not ours.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::dnssec::rdata::DNSSECRData;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::sync::{Mutex, Semaphore};

use crate::decide::probe::query::QueryKind;
use crate::decide::probe::world::{
    Delegation, Link, ParentReply, Signed, Walk, WorldCheck, WorldOutcome, WorldResult,
};
use crate::io::clock::Clock;
use crate::io::dns::client::DnsClient;
use crate::io::dns::message::QueryParams;
use crate::io::dns::referral::{
    RECORDS, Referral, Step, about_ds, delegation, referral, usable, without_referral,
};

/// Packets of one look to servers that are not ours. The anchors are asked up to twice as well, eight each.
const PACKETS: usize = 24;

/// Between two packets to one server that is not ours.
const GAP: Duration = Duration::from_secs(1);

/// Servers of one zone that are asked.
const SERVERS: usize = 8;

/// Packets for one question, each to the next server.
const ATTEMPTS: usize = 4;

/// Zones that are looked at at once.
const LOOKS: usize = 4;

/// Names of nameservers without an address that are looked up, and how deep.
const LOOKUPS: usize = 2;
const DEPTH: usize = 2;

#[derive(Clone)]
pub(in crate::io) struct Walker<P> {
    client: DnsClient<P>,
    clock: Clock,
    /// When each server may be asked again, in uptime.
    free_at: Arc<Mutex<HashMap<SocketAddr, Duration>>>,
    looks: Arc<Semaphore>,
}

impl<P: RuntimeProvider> Walker<P> {
    pub(in crate::io) fn new(client: DnsClient<P>, clock: Clock) -> Self {
        let looks = Arc::new(Semaphore::new(LOOKS));
        Self { client, clock, free_at: Arc::default(), looks }
    }

    /// A look at a zone. What is not found after `within` is unknown.
    pub(in crate::io) async fn look(
        &self,
        check: Arc<WorldCheck>,
        roots: Vec<SocketAddr>,
        within: Duration,
    ) -> WorldResult {
        let _permit = self.looks.acquire().await;
        let mut look = Look {
            walker: self,
            ours: check.nameservers.iter().flat_map(|(_, all)| all).copied().collect(),
            packets: 0,
            turn: usize::try_from(crate::io::clock::random() >> 48).unwrap_or_default(),
        };
        let end = self.clock.now().uptime + within;
        let outcome = tokio::select! {
            outcome = look.walk(&check, &roots) => outcome,
            () = self.clock.sleep_until(end) => {
                WorldOutcome::Local("the look from the roots ran out of time".to_owned())
            }
        };
        WorldResult { check, outcome, packets: look.packets }
    }

    /// Waits until a server may be asked.
    async fn pace(&self, server: SocketAddr) {
        let now = self.clock.now().uptime;
        let at = {
            let mut free_at = self.free_at.lock().await;
            free_at.retain(|_, at| *at > now);
            let next = free_at.entry(server).or_insert(now);
            let at = *next;
            *next = at + GAP;
            at
        };
        self.clock.sleep_until(at).await;
    }
}

/// A zone with its servers.
struct Cut {
    zone: Name,
    servers: Vec<SocketAddr>,
}

struct Look<'a, P> {
    walker: &'a Walker<P>,
    ours: Vec<SocketAddr>,
    packets: usize,
    turn: usize,
}

impl<P: RuntimeProvider> Look<'_, P> {
    async fn walk(&mut self, check: &WorldCheck, roots: &[SocketAddr]) -> WorldOutcome {
        let mut roots = roots.to_vec();
        roots.sort_by_key(SocketAddr::is_ipv6);
        let Some((root, keys)) = self.root_keys(check, &roots).await else {
            return WorldOutcome::NoRoot;
        };
        roots.retain(|address| address.is_ipv6() == root.is_ipv6());
        let mut walk = begin(root, keys);
        let mut cut = Cut { zone: Name::root(), servers: roots.clone() };
        let mut depth = 1;
        // Bounded: each turn takes a label, or ends.
        while depth <= check.zone.num_labels() {
            let name = check.zone.trim_to(depth.into());
            let Ok((server, step)) = self.step(&cut, &name).await else {
                walk.silent = Some((cut.zone, cut.servers[0]));
                return WorldOutcome::Walked(walk);
            };
            match step {
                Step::Referral(referral) if referral.zone != check.zone => {
                    depth = referral.zone.num_labels() + 1;
                    let servers = self.servers(&referral, &roots, server.port(), DEPTH).await;
                    let zone = referral.zone.clone();
                    let link = self.link(referral, server, &servers).await;
                    walk.links.push(link);
                    cut = Cut { zone, servers };
                    if cut.servers.is_empty() {
                        walk.silent = Some((cut.zone, server));
                        return WorldOutcome::Walked(walk);
                    }
                }
                Step::Ends(Delegation::NoNameservers) if name != check.zone => depth += 1,
                // The server may be wrong about an empty name in between: the whole name decides.
                Step::Ends(Delegation::NoSuchName) if name != check.zone => {
                    depth = check.zone.num_labels();
                }
                last => {
                    self.last(check, &roots, &cut, (server, last), &mut walk).await;
                    return WorldOutcome::Walked(walk);
                }
            }
        }
        WorldOutcome::Walked(walk)
    }

    /// The last step: a second server of the parent, and the zone's own nameservers.
    async fn last(
        &mut self,
        check: &WorldCheck,
        roots: &[SocketAddr],
        cut: &Cut,
        (server, step): (SocketAddr, Step),
        walk: &mut Walk,
    ) {
        walk.replies.push(ParentReply { server, delegation: delegation(&step) });
        let servers = cut.servers.iter().filter(|other| **other != server).copied().collect();
        let others = Cut { zone: cut.zone.clone(), servers };
        if !others.servers.is_empty()
            && let Ok((server, step)) = self.step(&others, &check.zone).await
        {
            walk.replies.push(ParentReply { server, delegation: delegation(&step) });
        }
        let Step::Referral(referral) = step else { return };
        let mut servers: Vec<SocketAddr> = Vec::new();
        for (_, own) in check.nameservers.iter().filter(|(n, _)| referral.nameservers.contains(n)) {
            servers.extend(own.iter().filter(|own| own.is_ipv6() == server.is_ipv6()));
        }
        if servers.is_empty() {
            servers = self.servers(&referral, roots, server.port(), DEPTH).await;
        }
        let mut link = self.link(referral, server, &servers).await;
        link.ns = self.signed(&servers, &check.zone, RecordType::NS).await;
        walk.links.push(link);
    }

    /// The link of the chain of trust to a zone; its keys are asked only if there is a DS record.
    async fn link(
        &mut self,
        referral: Referral,
        parent: SocketAddr,
        servers: &[SocketAddr],
    ) -> Link {
        let Referral { zone, mut ds, serves_both, .. } = referral;
        if serves_both || ds.is_empty() {
            let asked = self.ask(&[parent], &zone, RecordType::DS).await;
            ds = asked.map(|(_, message)| about_ds(&message)).unwrap_or_default();
        }
        let signed = ds.iter().any(|record| record.record_type() == RecordType::DS);
        let keys = match signed {
            true => self.signed(servers, &zone, RecordType::DNSKEY).await,
            false => None,
        };
        Link { zone, parent, ds, keys, ns: None }
    }

    /// The keys of the root, if an anchor is a root server.
    async fn root_keys(
        &mut self,
        check: &WorldCheck,
        roots: &[SocketAddr],
    ) -> Option<(SocketAddr, Signed)> {
        let keys = self.signed(roots, &Name::root(), RecordType::DNSKEY).await?;
        let known = |record: &Record| match &record.data {
            RData::DNSSEC(DNSSECRData::DNSKEY(key)) => {
                let covers = check.trust_anchor.iter().map(|ds| ds.covers(&Name::root(), key));
                check.private_root || covers.flatten().any(|covers| covers)
            }
            _ => false,
        };
        keys.records.iter().any(known).then_some((keys.server, keys))
    }

    async fn signed(
        &mut self,
        servers: &[SocketAddr],
        name: &Name,
        rtype: RecordType,
    ) -> Option<Signed> {
        let (server, message) = self.ask(servers, name, rtype).await.ok()?;
        let records = message.answers.into_iter().take(RECORDS).collect();
        message.metadata.authoritative.then_some(Signed { server, records })
    }

    /// Asks the servers of a zone for the NS set of a name below it.
    async fn step(&mut self, cut: &Cut, name: &Name) -> Result<(SocketAddr, Step), Silent> {
        let (server, message) = self.ask(&cut.servers, name, RecordType::NS).await?;
        let step = match referral(&message, &cut.zone, name) {
            Some(referral) => Step::Referral(referral),
            None => Step::Ends(without_referral(&message, name)),
        };
        Ok((server, step))
    }

    /// Asks one server after another, from another one each time, until one gives an answer that can be used.
    async fn ask(
        &mut self,
        servers: &[SocketAddr],
        name: &Name,
        rtype: RecordType,
    ) -> Result<(SocketAddr, Message), Silent> {
        let attempts = servers.len().max(ATTEMPTS).min(2 * servers.len());
        for attempt in 0..attempts {
            self.turn += 1;
            // The first family first, as long as it has not failed.
            let server = match name.is_root() {
                true => servers[attempt % servers.len()],
                false => servers[self.turn % servers.len()],
            };
            let query =
                QueryParams { dnssec: true, ..QueryParams::new(name, rtype, QueryKind::Records) };
            let mut answer = Err(Silent);
            for tcp in [false, true] {
                if !self.may_send(server).await {
                    return Err(Silent);
                }
                let client = &self.walker.client;
                let got = match tcp {
                    false => client.udp(server, query).await,
                    true => client.tcp(server, query).await.map(|(message, _)| message),
                };
                let truncated = got.as_ref().is_ok_and(|got| got.metadata.truncation);
                answer = got.map_err(|_| Silent);
                if !truncated {
                    break;
                }
            }
            if let Some(message) = answer.ok().filter(usable) {
                return Ok((server, message));
            }
        }
        Err(Silent)
    }

    /// Waits for a server that is not ours, and counts the packet; false when there have been enough.
    async fn may_send(&mut self, server: SocketAddr) -> bool {
        if !self.ours.contains(&server) {
            if self.packets >= PACKETS {
                return false;
            }
            self.packets += 1;
            self.walker.pace(server).await;
        }
        true
    }

    /// The addresses of a zone's nameservers: from the referral, else looked up from the roots.
    fn servers<'b>(
        &'b mut self,
        referral: &'b Referral,
        roots: &'b [SocketAddr],
        port: u16,
        depth: usize,
    ) -> BoxFuture<'b, Vec<SocketAddr>> {
        async move {
            let v6 = roots.first().is_some_and(SocketAddr::is_ipv6);
            let glue = referral.glue.iter().map(|(_, ip)| *ip).filter(|ip| ip.is_ipv6() == v6);
            let mut found: Vec<IpAddr> = glue.take(SERVERS).collect();
            if found.is_empty() && depth > 0 {
                for name in referral.nameservers.iter().take(LOOKUPS) {
                    found.extend(self.addresses(name, roots, depth - 1).await);
                }
            }
            found.into_iter().map(|ip| (ip, port).into()).collect()
        }
        .boxed()
    }

    /// The addresses of a host, from the roots.
    async fn addresses(&mut self, host: &Name, roots: &[SocketAddr], nested: usize) -> Vec<IpAddr> {
        let mut cut = Cut { zone: Name::root(), servers: roots.to_vec() };
        let mut depth = 1;
        while depth <= host.num_labels() {
            let name = host.trim_to(depth.into());
            match self.step(&cut, &name).await {
                Ok((server, Step::Referral(referral))) => {
                    depth = referral.zone.num_labels() + 1;
                    let servers = self.servers(&referral, roots, server.port(), nested).await;
                    cut = Cut { zone: referral.zone, servers };
                }
                Ok((_, Step::Ends(Delegation::NoNameservers))) => depth += 1,
                Ok(_) | Err(Silent) => return Vec::new(),
            }
            if cut.servers.is_empty() {
                return Vec::new();
            }
        }
        let rtype = match roots.first().is_some_and(SocketAddr::is_ipv6) {
            true => RecordType::AAAA,
            false => RecordType::A,
        };
        let answer = self.ask(&cut.servers, host, rtype).await;
        let records = answer.map(|(_, message)| message.answers).unwrap_or_default();
        records.iter().filter_map(|record| record.data.ip_addr()).take(SERVERS).collect()
    }
}

/// No server gave an answer.
struct Silent;

/// A walk that has reached the root.
fn begin(root: SocketAddr, keys: Signed) -> Walk {
    let (zone, keys) = (Name::root(), Some(keys));
    let link = Link { zone, parent: root, ds: Vec::new(), keys, ns: None };
    Walk { root, links: vec![link], replies: Vec::new(), silent: None }
}
