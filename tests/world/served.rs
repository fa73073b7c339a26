//! A private root, a zone below it and ours, each on NSD; and the built program that looks at them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use crate::fakes::real::{Extra, Real, Software, free_port};
use crate::fakes::signed::{Key, Signer};
use crate::program::Setting;

pub(super) const ECDSA: &str = "ECDSAP256SHA256";
pub(super) const SOA: &str = "@ SOA ns hostmaster 1 3600 600 86400 60\n";
pub(super) const DELEGATION: &str = "example NS ns1.example\nexample NS ns2.example\n\
                          ns1.example A 127.0.61.4\nns2.example A 127.0.61.5\n";
pub(super) const ZONE: &str = "@ NS ns1\n@ NS ns2\nns1 A 127.0.61.4\nns2 A 127.0.61.5\n";

pub(super) fn ip(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 61, last).into()
}

/// The three zones before they are served.
pub(super) struct World {
    pub(super) signer: Signer,
    pub(super) root_key: Key,
    pub(super) tld_key: Key,
    pub(super) key: Key,
    /// What `test.` has about `example.test.`.
    pub(super) delegation: String,
    pub(super) ds: String,
    /// Options of the signing of `test.`.
    pub(super) tld_options: Vec<&'static str>,
    /// Ours, signed or not.
    pub(super) zone: String,
}

impl World {
    pub(super) fn new(algorithm: &str) -> Self {
        let signer = Signer::default();
        let root_key = signer.key("", ECDSA, true);
        let tld_key = signer.key("test", ECDSA, true);
        let key = signer.key("example.test", algorithm, true);
        let ds = signer.ds(&key, "SHA-256");
        let mut world = Self {
            signer,
            root_key,
            tld_key,
            key,
            delegation: DELEGATION.to_owned(),
            ds,
            tld_options: Vec::new(),
            zone: String::new(),
        };
        world.sign(&[]);
        world
    }

    /// Signs our zone with its one key.
    pub(super) fn sign(&mut self, options: &[&str]) {
        let key = self.key.clone();
        self.sign_with((&[&key], &[&key]), options);
    }

    pub(super) fn sign_with(&mut self, keys: (&[&Key], &[&Key]), options: &[&str]) {
        let text = format!("{SOA}{ZONE}");
        let options = [&["-z"], options].concat();
        self.zone = self.signer.sign("example.test", &text, keys, &options);
    }

    pub(super) fn tld(&self) -> String {
        let text = format!(
            "{SOA}@ NS ns1\n@ NS ns2\nns1 A 127.0.61.2\nns2 A 127.0.61.3\n{}{}",
            self.delegation, self.ds
        );
        let options = [&["-z"], &self.tld_options[..]].concat();
        self.signer.sign("test", &text, (&[&self.tld_key], &[&self.tld_key]), &options)
    }

    pub(super) fn root(&self) -> String {
        let ds = self.signer.ds(&self.tld_key, "SHA-256");
        let text = format!(
            "{SOA}@ NS a.root\na.root A 127.0.61.1\ntest NS ns1.test\ntest NS ns2.test\n\
             ns1.test A 127.0.61.2\nns2.test A 127.0.61.3\n{ds}"
        );
        let keys: (&[&Key], &[&Key]) = (&[&self.root_key], &[&self.root_key]);
        self.signer.sign("", &text, keys, &["-z"])
    }

    /// The zone in the JSON of `check`, once everything is served.
    pub(super) fn look(&self) -> Value {
        self.look_with(&self.root(), &self.tld(), &self.root_key)
    }

    pub(super) fn look_with(&self, root: &str, tld: &str, trusted: &Key) -> Value {
        self.look_with_both(root, [tld, tld], trusted)
    }

    /// With a text for each server of `test.`.
    pub(super) fn look_with_both(&self, root: &str, tld: [&str; 2], trusted: &Key) -> Value {
        let ips: Vec<IpAddr> = (1..=5).map(ip).collect();
        let port = free_port(&ips);
        let start = |ips: &[IpAddr], origin, text: &str| {
            Real::start_at(Software::Nsd, ips, port, &[(origin, text)], Extra::default())
        };
        let _servers = [
            start(&ips[..1], "", root),
            start(&ips[1..2], "test", tld[0]),
            start(&ips[2..3], "test", tld[1]),
            start(&ips[3..], "example.test", &self.zone),
        ];
        let setting = Setting::new(&format!(
            "[vantage]\nname = \"test\"\nanchors = [\"127.0.61.1:{port}\"]\nintercept = []\n\
             trust-anchor = \"root.key\"\n\
             [[nameserver]]\nname = \"ns1.example.test\"\naddresses = [\"127.0.61.4:{port}\"]\n\
             [[nameserver]]\nname = \"ns2.example.test\"\naddresses = [\"127.0.61.5:{port}\"]\n\
             [[zone]]\nname = \"example.test\"\n"
        ));
        fs::write(setting.dir.path().join("root.key"), self.signer.dnskey(trusted)).unwrap();
        let ran = setting.run(&["check", "--json"]);
        let view: Value = serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.out, ran.err));
        view["zones"][0].clone()
    }
}
