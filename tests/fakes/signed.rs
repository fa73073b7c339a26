//! Zones signed by BIND's tools, so that no code of ours signs what code of ours verifies.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::process::installed;

/// A folder with keys.
pub struct Signer(TempDir);

/// The name of a key's files, such as `Kexample.test.+013+12345`.
pub type Key = String;

impl Default for Signer {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

impl Signer {
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let program = installed(program, "bind9-utils");
        let done = Command::new(program).current_dir(self.0.path()).args(arguments).output();
        let done = done.expect("it is installed");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(done.stdout).expect("text")
    }

    /// A key for the zone; with the flag SEP if it is `ksk`.
    pub fn key(&self, zone: &str, algorithm: &str, ksk: bool) -> Key {
        let mut arguments = vec!["-q", "-a", algorithm];
        if algorithm.starts_with("RSA") {
            arguments.extend(["-b", "2048"]);
        }
        if ksk {
            arguments.extend(["-f", "KSK"]);
        }
        let zone = format!("{zone}.");
        arguments.push(&zone);
        self.run("dnssec-keygen", &arguments).trim().to_owned()
    }

    /// The DNSKEY record of a key, as a line.
    pub fn dnskey(&self, key: &Key) -> String {
        let text = fs::read_to_string(self.0.path().join(format!("{key}.key")));
        let text = text.expect("the file of a key");
        text.lines().filter(|line| !line.starts_with(';')).collect::<String>() + "\n"
    }

    /// The DS record for a key, as a line.
    pub fn ds(&self, key: &Key, digest: &str) -> String {
        self.run("dnssec-dsfromkey", &["-a", digest, &format!("{key}.key")])
    }

    /// The zone with the DNSKEY records of `published`, signed with `signing`, a record a line.
    pub fn sign(
        &self,
        zone: &str,
        text: &str,
        (published, signing): (&[&Key], &[&Key]),
        options: &[&str],
    ) -> String {
        let keys: String = published.iter().map(|key| self.dnskey(key)).collect();
        let file = self.0.path().join("unsigned");
        write(&file, &format!("$ORIGIN {zone}.\n$TTL 300\n{text}{keys}"));
        let origin = format!("{zone}.");
        let mut arguments = vec!["-P", "-q", "-O", "full", "-o", &origin, "-f", "signed"];
        arguments.extend(options);
        arguments.push("unsigned");
        arguments.extend(signing.iter().map(|key| key.as_str()));
        self.run("dnssec-signzone", &arguments);
        fs::read_to_string(self.0.path().join("signed")).expect("the signed zone")
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a folder of our own");
}
