//! The certificate authorities of a PEM file.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::problem::{Rejection, reject};

const NEXT: &str = "name a PEM file: its certificates begin with -----BEGIN CERTIFICATE-----";

/// The certificates in the content of a PEM file; at least one, and all of them readable.
///
/// # Errors
/// The reason and the next step.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Rejection> {
    if RootCertStore::empty().add(CertificateDer::from(pem)).is_ok() {
        return reject(
            "is a certificate in DER form",
            "write it as PEM: openssl x509 -inform der -in FILE -out ca.pem",
        );
    }
    let mut good = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        match certificate {
            Ok(der) if RootCertStore::empty().add(der.clone()).is_ok() => good.push(der),
            _ => return reject(unreadable(pem, good.len()), "remove it, or copy it again"),
        }
    }
    match good.len() {
        0 if pem.trim_ascii().is_empty() => reject("is an empty file", NEXT),
        0 => reject("has no certificate in it", NEXT),
        _ => Ok(good),
    }
}

/// What is wrong with the certificate after so many.
fn unreadable(pem: &[u8], before: usize) -> String {
    let lines = pem.split(|byte| *byte == b'\n').zip(1..);
    let mut begins = lines.filter(|(line, _)| line.starts_with(b"-----BEGIN CERTIFICATE-----"));
    let line = begins.nth(before).map_or_else(String::new, |(_, line)| format!(" on line {line}"));
    format!("has a certificate{line} that cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = include_bytes!("../../tests/fakes/web/ca.pem");

    fn reason(pem: &[u8]) -> String {
        certificates(pem).unwrap_err().to_string()
    }

    #[test]
    fn every_certificate_of_a_pem_file_is_readable() {
        assert_eq!(certificates(GOOD).unwrap().len(), 1);
        let two = [b"# ours\r\n", GOOD, b"\ntext of openssl\n", GOOD].concat();
        assert_eq!(certificates(&two).unwrap().len(), 2);
        let der = certificates(GOOD).unwrap().remove(0);
        assert!(reason(&der).starts_with("it is a certificate in DER form; write it as PEM: "));
        for empty in ["", " \r\n"] {
            assert!(reason(empty.as_bytes()).starts_with("it is an empty file; "));
        }
        for none in
            ["\0\u{1}garbage", "{}", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
        {
            assert!(reason(none.as_bytes()).starts_with("it has no certificate in it; "), "{none}");
        }
        let lines = GOOD.split(|byte| *byte == b'\n').count();
        for bad in [
            "AAAA\n-----END CERTIFICATE-----\n",
            "A*\n-----END CERTIFICATE-----\n",
            "-----END CERTIFICATE-----\n",
            "AAAA\n",
        ] {
            let bad = ["-----BEGIN CERTIFICATE-----\n", bad].concat();
            let file = [GOOD, bad.as_bytes(), GOOD].concat();
            let expected =
                format!("it has a certificate on line {lines} that cannot be read; remove it");
            assert!(reason(&file).starts_with(&expected), "{}", reason(&file));
        }
    }
}
