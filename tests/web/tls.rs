//! Certificates, and what servers make of TLS.

use super::*;

#[tokio::test]
async fn a_protocol_that_we_do_not_speak_is_degraded() {
    let setup = Setup::new();
    let unsupported = "degraded unsupported: it cannot be judged: pilotlight cannot speak";
    let settings = Site::Raw(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64".to_vec());
    let plain = Web::http(HERE, settings);
    expect(&setup.said(&http(&plain, "")).await, &format!("{unsupported} HTTP/2…"));
    let alert = |number| Site::Raw(vec![0x15, 3, 3, 0, 2, 2, number]);
    let (handshake, version, protocol) = (40, 70, 120);
    for (number, expected) in [
        (handshake, format!("{unsupported} the TLS that it wants…")),
        (version, format!("{unsupported} the TLS that it wants…")),
        (protocol, format!("{unsupported} HTTP/2…")),
        (
            80,
            "down tls: it takes the connection, and then no TLS: it has an internal error (alert internal_error)"
                .to_owned(),
        ),
        (
            112,
            "down tls: it takes the connection, and then no TLS: it does not know the host name of the URL (SNI) \
             (alert unrecognized_name)"
                .to_owned(),
        ),
        (
            90,
            "down tls: it takes the connection, and then no TLS: it ends the handshake (alert user_canceled)"
                .to_owned(),
        ),
    ] {
        plain.set(alert(number));
        expect(&setup.said(&https(&plain, "www.example.net", "")).await, &expected);
    }
}

#[tokio::test]
async fn a_certificate_that_is_itself_in_the_ca_file_is_trusted() {
    let (setup, own) = (Setup::new(), "chains/self-signed");
    let web = Web::https_as(HERE, Site::page(200, "", ""), own);
    let ca = authority().with_file_name(format!("{own}.pem"));
    let url = format!("url = \"https://www.example.net:{}/\"\nca = {ca:?}", web.port());
    assert_eq!(setup.said(&url).await, "well");
    expect(
        &setup.said(&url.replace("www.", "other.")).await,
        "down certificate-name: it has a certificate for other names: www.example.net",
    );
}

#[tokio::test]
async fn a_port_with_tls_is_judged_by_its_certificate() {
    let setup = Setup::new();
    let smtp = &["220-mail\r\n220 ready\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go on\r\n"];
    let imap = &["* OK ready\r\n", "* CAPABILITY IMAP4\r\na OK go on\r\n"];
    let without = &["220 ready\r\n", "250 mail\r\n", "502 no\x1b[2J such command\r\n"];
    for (scheme, web) in [
        ("tls", Web::https(HERE, Site::Stalls(String::new()))),
        ("smtp", Web::starttls(HERE, smtp)),
        ("imap", Web::starttls(HERE, imap)),
    ] {
        let (port, ca) = (web.port(), authority());
        let endpoint = |host| format!("url = \"{scheme}://{host}:{port}\"\nca = {ca:?}");
        assert_eq!(setup.said(&endpoint("www.example.net")).await, "well", "{scheme}");
        expect(&setup.said(&endpoint("other.example.net")).await, "down certificate-name: …");
    }
    let web = Web::starttls(HERE, without);
    let url = format!("url = \"smtp://www.example.net:{}\"", web.port());
    expect(
        &setup.said(&url).await,
        "down tls: it takes the connection, and then no TLS: it answers \"502 no…",
    );
    let web = Web::starttls(HERE, &["554 not now\r\n"]);
    let url = format!("url = \"smtp://www.example.net:{}\"", web.port());
    expect(
        &setup.said(&url).await,
        "down tls: it takes the connection, and then no TLS: it answers \"554 not now\" to the connection",
    );
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_it() {
    let setup = Setup::new();
    let web = Web::https_for_clients(HERE, Site::page(200, "", ""));
    // The server judges our certificate, also one of X.509 version 1, but a wrong key is our own fault.
    let file = |name| client("pem").with_file_name(name);
    for (cert, key, expected) in [
        (
            "chains/client-v1.pem",
            "client.key",
            "down tls: it takes the connection, and then no TLS: it does not accept our client…",
        ),
        ("client.pem", "server.key", "unknown: endpoint.key: …"),
    ] {
        let keys = format!("cert = {:?}\nkey = {:?}", file(cert), file(key));
        expect(&setup.said(&https(&web, "www.example.net", &keys)).await, expected);
    }
    let keys = format!("cert = {:?}\nkey = {:?}", client("pem"), client("key"));
    for url in [
        https(&web, "www.example.net", ""),
        https(&web, "www.example.net", "").replace("https://", "tls://").replace("/\"\n", "\"\n"),
    ] {
        assert_eq!(setup.said(&format!("{url}{keys}")).await, "well", "{url}");
        expect(
            &setup.said(&url).await,
            "down tls: it takes the connection, and then no TLS: it asks for a client certificate (alert \
             certificate_required)",
        );
    }
}

#[tokio::test]
async fn a_certificate_is_good_for_its_names_and_its_time() {
    let mut setup = Setup::new();
    let web = Web::https(HERE, Site::page(200, "", "Welcome"));
    let good = https(&web, "www.example.net", "contains = \"Welcome\"");
    let later = https(&web, "www.example.net", "certificate-warning = \"7d\"");
    let other = https(&web, "other.example.net", "");
    for (clock, endpoint, expected) in [
        (SPRING, &good, "well"),
        (
            SPRING,
            &other,
            "down certificate-name: it has a certificate for other names: www.example.net, example.net",
        ),
        ("2026-12-17T23:00:00Z", &good, "well"),
        (
            "2026-12-18T01:00:00Z",
            &good,
            "degraded certificate-ends: it has a certificate that ends at 2027-01-01 00:00:00 UTC: it should have been renewed by now",
        ),
        ("2026-12-18T01:00:00Z", &later, "well"),
        (
            "2027-01-02T00:00:00Z",
            &good,
            "down certificate-ended: it has a certificate that ended at 2027-01-01 00:00:00 UTC",
        ),
        (
            "2025-12-31T00:00:00Z",
            &good,
            "down certificate-ahead: it has a certificate that is not valid yet",
        ),
    ] {
        setup.clock = clock;
        assert_eq!(setup.said(endpoint).await, expected, "{clock}");
    }
    setup.clock = "2026-12-18T01:00:00Z";
    web.set(Site::page(500, "", ""));
    let both = setup.said(&good).await;
    assert!(both.contains("500") && both.contains("certificate-ends"), "{both}");
}

#[tokio::test]
async fn an_endpoint_without_trust_or_without_tls_is_down() {
    let setup = Setup::new();
    let web = Web::https(HERE, Site::page(200, "", ""));
    let public = format!("url = \"https://www.example.net:{}/\"", web.port());
    expect(&setup.said(&public).await, "down certificate-untrusted: …");
    let plain = Web::http(HERE, Site::Sends("HTTP/1.1 400 X\r\n\r\n".to_owned()));
    let said = setup.said(&https(&plain, "www.example.net", "timeout = \"1s\"")).await;
    assert!(
        ["down tls", "down broken-off", "down mute"].iter().any(|s| said.starts_with(s)),
        "{said}"
    );
}
