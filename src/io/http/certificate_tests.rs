//! Chains of `tests/fakes/web/chains`: the server's own certificate first, and the trusted one last. The certificates
//! are valid from 2026 to 2027, for `www.example.net`, unless the name of the file says otherwise.

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;

use super::*;

const SPRING: &str = "2026-04-01T00:00:00Z";

fn certificates(chain: &str) -> Vec<CertificateDer<'static>> {
    let path = format!("{}/tests/fakes/web/chains/{chain}.pem", env!("CARGO_MANIFEST_DIR"));
    CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect()
}

fn judged(chain: &str, name: &'static str, now: &str) -> Result<CertificateEnd, EndpointError> {
    let chain = certificates(chain);
    let algorithms = default_provider().signature_verification_algorithms;
    let trust = Trust::new(chain.last().map(|root| vec![root.clone()]), algorithms);
    let now: Timestamp = now.parse().unwrap();
    let now = Duration::from_secs(now.as_second().try_into().unwrap());
    let others = chain[1..].strip_suffix(&[chain[chain.len() - 1].clone()]).unwrap_or_default();
    let name = ServerName::try_from(name).unwrap();
    trust.judge(&chain[0], others, &name, UnixTime::since_unix_epoch(now))
}

fn sentence(chain: &str, name: &'static str, now: &str) -> String {
    match judged(chain, name, now) {
        Ok(end) => format!("well until {end}"),
        Err(error) => format!("it {error}"),
    }
}

#[test]
fn a_certificate_authority_may_be_the_server_itself() {
    let said = |name, now| sentence("self-signed", name, now);
    assert_eq!(said("www.example.net", SPRING), "well until 2027-01-01 00:00:00 UTC");
    assert_eq!(
        said("other.example", SPRING),
        "it has a certificate for other names: www.example.net"
    );
    assert_eq!(
        said("www.example.net", "2027-02-01T00:00:00Z"),
        "it has a certificate that ended at 2027-01-01 00:00:00 UTC"
    );
    assert_eq!(
        said("www.example.net", "2025-02-01T00:00:00Z"),
        "it has a certificate that is not valid yet"
    );
}

#[test]
fn the_certificate_that_ends_first_is_named() {
    for (chain, now, said) in [
        (
            "issuer-ends-first",
            SPRING,
            "well until 2026-07-01 00:00:00 UTC (not its own, but that of its issuer, Example Issuing CA)",
        ),
        (
            "issuer-ends-first",
            "2026-08-01T00:00:00Z",
            "it has a certificate that ended at 2026-07-01 00:00:00 UTC (not its own, but that of its issuer, \
             Example Issuing CA)",
        ),
        (
            "root-ends-first",
            SPRING,
            "well until 2026-06-01 00:00:00 UTC (not its own, but that of its issuer, Example Root)",
        ),
        (
            "root-ends-first",
            "2026-08-01T00:00:00Z",
            "it has a certificate that ended at 2026-06-01 00:00:00 UTC (not its own, but that of its issuer, \
             Example Root)",
        ),
    ] {
        assert_eq!(sentence(chain, "www.example.net", now), said);
    }
}

#[test]
fn the_old_certificate_of_a_renewed_authority_does_not_count() {
    let chain = certificates("root-renewed");
    let algorithms = default_provider().signature_verification_algorithms;
    let trust = Trust::new(Some(chain[1..].to_vec()), algorithms);
    let name = ServerName::try_from("www.example.net").unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_775_001_600)); // in April 2026
    let end = trust.judge(&chain[0], &[], &name, now).unwrap();
    assert_eq!(end.to_string(), "2027-01-01 00:00:00 UTC");
}

#[test]
fn an_algorithm_that_we_do_not_have_is_not_the_servers_fault() {
    for chain in ["ecdsa-sha512", "p-521", "rsa-1024"] {
        let judged = judged(chain, "www.example.net", SPRING);
        assert_eq!(judged, Err(EndpointError::Unsupported(ALGORITHMS.to_owned())), "{chain}");
    }
}

#[test]
fn a_wrong_certificate_is_described_in_our_own_words() {
    for (chain, said) in [
        (
            "common-name",
            "it has a certificate for www.example.net in its common name (CN) only, which counts no more: add a \
             subject alternative name (SAN)",
        ),
        (
            "for-clients",
            "it has a certificate that is not trusted: it is not for servers (extended key usage)",
        ),
    ] {
        assert_eq!(sentence(chain, "www.example.net", SPRING), said);
    }
}
