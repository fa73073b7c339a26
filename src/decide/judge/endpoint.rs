use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use url::Url;

use crate::config::{Endpoint, Host, Scheme};
use crate::decide::judge::fault_code::FaultKind;
use crate::decide::judge::finding::{FailedQuery, Finding, Severity, Verdict};
use crate::decide::judge::uplink::Uplink;
use crate::decide::probe::endpoint::{
    AddressResult, CheckOutcome, EndpointReply, EndpointResult, Search,
};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::decide::probe::query::{dig_command, name_text};
use crate::decide::time::Moment;

/// The verdict on an endpoint.
#[must_use]
pub fn verdict(result: &EndpointResult, uplink: Uplink, at: &Moment) -> Verdict {
    let endpoint = &result.check.endpoint;
    let mut verdict = Verdict::default();
    let mut latencies = Vec::new();
    let results = match &result.outcome {
        CheckOutcome::Addresses(results) => results,
        CheckOutcome::NoAddress(server) if uplink.of(server).believable() => {
            verdict.observed_addresses = 1;
            add(&mut verdict, endpoint, *server, &EndpointError::NoAddress);
            return verdict;
        }
        CheckOutcome::NoAddress(_) => return verdict,
        CheckOutcome::Unknown(why) => return Verdict { why: Some(why.clone()), ..verdict },
    };
    if result.left_out > 0 {
        let (checked, left) = (results.len(), result.left_out);
        verdict.why = Some(format!("{checked} of its addresses are checked, and {left} left out"));
    }
    for result in results {
        let address = result.address;
        let local = match &result.outcome {
            EndpointReply::Local(why) => Some(why),
            _ => None,
        };
        if !uplink.of(&address).believable() || local.is_some() {
            verdict.unobserved_addresses.push(address);
            verdict.why = local.cloned().or(verdict.why);
            continue;
        }
        verdict.observed_addresses += 1;
        verdict.queries += 1;
        match endpoint_error(endpoint, result) {
            Some(trouble) => add(&mut verdict, endpoint, address, &trouble),
            None => latencies.push(result.latency),
        }
        if let Some(ends) = certificate_ends(endpoint, result, at) {
            add(&mut verdict, endpoint, address, &ends);
        }
    }
    verdict.sort();
    latencies.sort_unstable();
    verdict.latency = latencies.get(latencies.len() / 2).copied();
    verdict
}

/// The certificate that ends soon.
fn certificate_ends(
    endpoint: &Endpoint,
    result: &AddressResult,
    at: &Moment,
) -> Option<EndpointError> {
    let end = result.certificate.as_ref()?;
    let left = Duration::try_from(end.at.duration_since(at.wall?)).unwrap_or_default();
    let soon = left < endpoint.certificate_warning;
    soon.then(|| EndpointError::CertificateEnds(end.clone()))
}

/// Whether anything looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(result: &EndpointResult) -> bool {
    match &result.outcome {
        CheckOutcome::Addresses(results) => results
            .iter()
            .any(|address_result| endpoint_error(&result.check.endpoint, address_result).is_some()),
        CheckOutcome::NoAddress(_) => true,
        CheckOutcome::Unknown(_) => false,
    }
}

fn add(verdict: &mut Verdict, endpoint: &Endpoint, address: SocketAddr, trouble: &EndpointError) {
    let severity = severity(trouble);
    verdict.failed_queries.push(FailedQuery { address, query: 0, severity });
    verdict.findings.push(Finding {
        address,
        zone: host_text(endpoint),
        question: match endpoint.scheme.is_http() {
            true => format!("GET {}", endpoint.url),
            false => format!("connecting to {}", endpoint.url),
        },
        more: 0,
        severity,
        fault: code(trouble).into(),
        detail: trouble.to_string(),
        command: command(endpoint, address, trouble),
    });
}

fn severity(error: &EndpointError) -> Severity {
    match error {
        EndpointError::CertificateEnds(_) | EndpointError::Unsupported(_) => Severity::Degraded,
        _ => Severity::Down,
    }
}

fn code(error: &EndpointError) -> FaultKind {
    match error {
        EndpointError::NoAddress => FaultKind::NoAddress,
        EndpointError::Silent(_) => FaultKind::Silent,
        EndpointError::Mute(_) => FaultKind::Mute,
        EndpointError::Closed => FaultKind::Closed,
        EndpointError::Unreachable(_) => FaultKind::Unreachable,
        EndpointError::BrokenOff => FaultKind::BrokenOff,
        EndpointError::Garbled(_) => FaultKind::Garbled,
        EndpointError::Tls(_) => FaultKind::Tls,
        EndpointError::CertificateEnded(_) => FaultKind::CertificateEnded,
        EndpointError::CertificateAhead => FaultKind::CertificateAhead,
        EndpointError::CertificateName(_) | EndpointError::CertificateCommonName(_) => {
            FaultKind::CertificateName
        }
        EndpointError::Unsupported(_) => FaultKind::Unsupported,
        EndpointError::CertificateUntrusted(_) => FaultKind::CertificateUntrusted,
        EndpointError::CertificateEnds(_) => FaultKind::CertificateEnds,
        EndpointError::Status { .. } => FaultKind::Status,
        EndpointError::Location(..) => FaultKind::Location,
        EndpointError::Text(_) => FaultKind::Text,
    }
}

/// What is wrong with a address_result, the end of the certificate apart.
fn endpoint_error(endpoint: &Endpoint, address_result: &AddressResult) -> Option<EndpointError> {
    let (status, location, retry_after, contains) = match &address_result.outcome {
        EndpointReply::Page { status, location, retry_after, contains } => {
            (*status, location, retry_after, contains)
        }
        EndpointReply::Failed(trouble) => return Some(trouble.clone()),
        EndpointReply::Open | EndpointReply::Local(_) => return None,
    };
    let class = if endpoint.location.is_some() { 3 } else { 2 };
    let right = match endpoint.status.is_empty() {
        true => status / 100 == class,
        false => endpoint.status.contains(&status),
    };
    if !right {
        let listed: Vec<String> = endpoint.status.iter().map(u16::to_string).collect();
        let expected = match listed.is_empty() {
            true => format!("{class}xx"),
            false => listed.join(" or "),
        };
        let (location, retry_after) = (location.clone(), retry_after.clone());
        return Some(EndpointError::Status { status, expected, location, retry_after });
    }
    if let Some(expected) = &endpoint.location {
        let leads = |to: &String| *to == *expected || same_url(&endpoint.url, to, expected);
        if !location.as_ref().is_some_and(leads) {
            return Some(EndpointError::Location(location.clone(), expected.clone()));
        }
    }
    match (contains, &endpoint.contains) {
        (Search::Missing, Some(text)) => Some(EndpointError::Text(text.clone())),
        (Search::Unreadable(what), _) => Some(EndpointError::Unsupported(what.clone())),
        _ => None,
    }
}

/// Whether both, absolute or seen from the page, are one URL. The letter case of a host and a default port do not
/// matter.
fn same_url(page: &str, one: &str, other: &str) -> bool {
    let Ok(page) = Url::parse(page) else { return false };
    page.join(one).is_ok_and(|one| page.join(other).is_ok_and(|other| one == other))
}

fn host_text(endpoint: &Endpoint) -> String {
    match &endpoint.host {
        Host::Name(name) => name_text(name),
        Host::Address(address) => address.to_string(),
    }
}

/// The command that asks the same of the same address.
fn command(endpoint: &Endpoint, address: SocketAddr, trouble: &EndpointError) -> String {
    if let (EndpointError::NoAddress, Host::Name(name)) = (trouble, &endpoint.host) {
        return dig_command(&address, "+norecurse +nocookie", name, RecordType::A);
    }
    let starttls = match endpoint.scheme {
        Scheme::Https | Scheme::Http => return curl(endpoint, address, trouble),
        Scheme::Tcp => {
            let seconds = endpoint.timeout.as_secs();
            return format!("nc -vz -w {seconds} {} {}", address.ip(), endpoint.port);
        }
        Scheme::Tls => "",
        Scheme::Smtp => " -starttls smtp",
        Scheme::Imap => " -starttls imap",
    };
    let (name, ca) = (host_text(endpoint), file(" -CAfile", endpoint.ca.as_ref()));
    let client = endpoint.client.as_ref().map_or_else(String::new, |(cert, key)| {
        file(" -cert", Some(cert)) + &file(" -key", Some(key))
    });
    let address = SocketAddr::new(address.ip(), endpoint.port);
    format!(
        "openssl s_client -connect {address} -servername {name}{starttls}{ca}{client} </dev/null"
    )
}

fn curl(endpoint: &Endpoint, address: SocketAddr, trouble: &EndpointError) -> String {
    let (port, seconds) = (endpoint.port, endpoint.timeout.as_secs());
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let show = match trouble {
        EndpointError::CertificateEnded(_)
        | EndpointError::CertificateAhead
        | EndpointError::CertificateName(_)
        | EndpointError::CertificateCommonName(_)
        | EndpointError::CertificateUntrusted(_)
        | EndpointError::CertificateEnds(_) => "-vI",
        _ => "-i",
    };
    let resolve = match &endpoint.host {
        Host::Name(_) => format!(" --resolve {}:{port}:{ip}", endpoint.url_host()),
        Host::Address(_) => String::new(),
    };
    let ca = file(" --cacert", endpoint.ca.as_ref());
    let client = endpoint.client.as_ref().map_or_else(String::new, |(cert, key)| {
        file(" --cert", Some(cert)) + &file(" --key", Some(key))
    });
    // Whoever reads an issue sees the command, and a header may hold a password.
    let open = |name: &str| name.to_ascii_lowercase().starts_with("accept");
    let header = |(name, value): &(String, String)| match open(name) {
        true => format!(" -H '{name}: {}'", value.replace('\'', "'\\''")),
        false => format!(" -H '{name}: …'"),
    };
    let headers: String = endpoint.headers.iter().map(header).collect();
    format!("curl {show} -m {seconds}{ca}{client}{headers}{resolve} '{}'", endpoint.url)
}

fn file(option: &str, file: Option<&PathBuf>) -> String {
    file.map_or_else(String::new, |file| format!("{option} '{}'", file.display()))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
