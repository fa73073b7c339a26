//! The wireless networks, as iwd wants them: a file for each, named after it (iwd.network(5)), and the country,
//! without which a radio may not send on most channels.

use std::fs;
use std::io;
use std::path::Path;

use super::found;
use super::{Disk, Places, Taken};

/// The files that came from the card; others are iwd's own, or a person's who logged in.
const LIST: &str = "from-the-card";

#[derive(Debug, Default, PartialEq)]
struct Wifi {
    networks: Vec<Network>,
    country: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Network {
    ssid: String,
    /// What iwd calls it, and it: a passphrase, or a key of 64 hexadecimal digits.
    secret: Option<(&'static str, String)>,
}

pub(super) fn take_in(places: &Places, disk: &mut Disk, taken: &mut Taken) -> io::Result<()> {
    let found = found::one(&places.card, "wifi.conf", found::only_comments, &mut taken.problems)?;
    let Some(written) = found.filter(|written| !written.text.is_empty()) else {
        return Ok(());
    };
    let home = places.data.join("wifi");
    let list = home.join(LIST);
    let before = fs::read_to_string(&list).unwrap_or_default();
    let wifi = match Wifi::parse(&written.text) {
        Ok(wifi) => wifi,
        Err(wrong) => {
            let place = |(line, why)| format!("{}:{line}: {why}", written.name);
            taken.problems.extend(wrong.into_iter().map(place));
            if !before.is_empty() {
                taken.stays.push("the networks that were taken in before stay known".to_owned());
            }
            return Ok(());
        }
    };
    let files: Vec<(String, String)> = wifi.networks.iter().map(Network::file).collect();
    let country = wifi.country.map(|country| format!("[General]\nCountry={country}\n"));
    let named: String = files.iter().map(|(name, _)| format!("{name}\n")).collect();
    if !named.is_empty() || country.is_some() {
        disk.folder(&home, 0o700)?;
    }
    let mut keep = |path: &Path, text: &str| {
        disk.put(path, Some(text.as_bytes()).filter(|text| !text.is_empty()), Some(0o600))
    };
    // What is on the way out stays on the list until it is gone, what comes in is on it before.
    let gone: Vec<&str> =
        before.lines().filter(|old| files.iter().all(|(new, _)| new != old)).collect();
    keep(&list, &gone.iter().fold(named.clone(), |all, name| all + name + "\n"))?;
    for (network, (name, text)) in wifi.networks.iter().zip(&files) {
        let path = home.join(name);
        if !network.is_in(&path) && keep(&path, text)? {
            taken.done.push(format!("{}: taken in, network {}", written.name, network.ssid));
        }
    }
    for name in gone {
        keep(&home.join(name), "")?;
        taken.done.push(format!("{}: {name} is not in it any more, forgotten", written.name));
    }
    if keep(&home.join("main.conf"), &country.unwrap_or_default())? {
        taken.done.push(format!("{}: country taken in", written.name));
    }
    keep(&list, &named).map(drop)
}

impl Wifi {
    fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let (mut wifi, mut wrong) = (Self::default(), Vec::new());
        let mut first = None;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or_default();
            let value = value.trim();
            let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let value = unquoted.unwrap_or(value);
            // What stands here may be a secret, and is not said again.
            if let Err(why) = wifi.set(key.trim_end(), value) {
                wrong.push((number, why.to_owned()));
            }
            if !wifi.networks.is_empty() {
                first.get_or_insert(number);
            }
        }
        if let Some(line) = first.filter(|_| wifi.country.is_none() && wrong.is_empty()) {
            let why = "the country is missing, and without it the radio may not send\n    add a line such as \
                       country = DE";
            wrong.push((line, why.to_owned()));
        }
        if wrong.is_empty() { Ok(wifi) } else { Err(wrong) }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key.to_ascii_lowercase().as_str() {
            "ssid" if value.is_empty() || value.len() > 32 || value.contains(char::is_control) => {
                Err("the name of a network has 1 to 32 bytes\n    write it as your router shows it")
            }
            "ssid" if self.networks.iter().any(|network| network.ssid == value) => {
                Err("this network is there already\n    remove one of the two")
            }
            "ssid" => {
                self.networks.push(Network { ssid: value.to_owned(), secret: None });
                Ok(())
            }
            "passphrase" => {
                let Some(network) = self.networks.last_mut() else {
                    return Err(
                        "a passphrase belongs to the network above it\n    write ssid = ... first",
                    );
                };
                if network.secret.is_some() {
                    return Err("this network has a passphrase already\n    remove one of the two");
                }
                network.secret = Some(secret(value)?);
                Ok(())
            }
            "country" if value.len() != 2 || !value.bytes().all(|c| c.is_ascii_alphabetic()) => {
                Err("a country is two letters (ISO 3166)\n    write such as DE, FR, GB or US")
            }
            "country" if self.country.is_some() => {
                Err("the country is there already\n    remove one of the two")
            }
            "country" => {
                self.country = Some(value.to_ascii_uppercase());
                Ok(())
            }
            _ => Err(
                "is none of ssid = ..., passphrase = ... and country = ...\n    write one of them, or # \
                      before it",
            ),
        }
    }
}

fn secret(value: &str) -> Result<(&'static str, String), &'static str> {
    match value.len() {
        64 if value.bytes().all(|c| c.is_ascii_hexdigit()) => {
            Ok(("PreSharedKey", value.to_ascii_lowercase()))
        }
        8..=63 if value.bytes().all(|c| matches!(c, b' '..=b'~')) => {
            Ok(("Passphrase", value.to_owned()))
        }
        _ => Err(
            "a passphrase has 8 to 63 plain characters, or 64 hexadecimal digits\n    write it as your \
                  router shows it; remove the line for a network without one",
        ),
    }
}

impl Network {
    /// What iwd calls its file, and what belongs into it.
    fn file(&self) -> (String, String) {
        let simple = |c: char| c.is_ascii_alphanumeric() || " _-".contains(c);
        let stem = match self.ssid.chars().all(simple) {
            true => self.ssid.clone(),
            false => {
                self.ssid.bytes().fold("=".to_owned(), |name, byte| format!("{name}{byte:02x}"))
            }
        };
        match &self.secret {
            None => (format!("{stem}.open"), "[Settings]\nAutoConnect=true\n".to_owned()),
            Some((key, value)) => {
                (format!("{stem}.psk"), format!("[Security]\n{key}={}\n", escaped(value)))
            }
        }
    }

    /// Whether this file has its secret: iwd adds to it what it worked out itself, which should stay.
    fn is_in(&self, path: &Path) -> bool {
        let Ok(there) = fs::read_to_string(path) else { return false };
        let mut lines = there.lines().filter_map(|line| line.split_once('='));
        self.secret.as_ref().is_none_or(|(key, value)| {
            lines.any(|(k, v)| k.trim() == *key && unescaped(v.trim_start()) == *value)
        })
    }
}

/// As a value in one of iwd's files: a blank at either end, and a backslash, would be lost (iwd.network(5)).
fn escaped(value: &str) -> String {
    let inner = value.trim_matches(' ');
    let start = value.len() - value.trim_start_matches(' ').len();
    let end = value.len() - start - inner.len();
    format!("{}{}{}", "\\s".repeat(start), inner.replace('\\', "\\\\"), "\\s".repeat(end))
}

fn unescaped(value: &str) -> String {
    let (mut text, mut chars) = (String::new(), value.chars());
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => text.extend(chars.next().map(|c| if c == 's' { ' ' } else { c })),
            (c, false) => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<(String, String)> {
        let wifi = Wifi::parse(text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        wifi.networks.iter().map(Network::file).collect()
    }

    fn wrong(text: &str) -> Vec<usize> {
        Wifi::parse(text).unwrap_err().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn networks_become_files_under_the_names_that_iwd_gives_them() {
        let psk = |name: &str, line: &str| (name.to_owned(), format!("[Security]\n{line}\n"));
        let text = "# mine\nssid = My Net_1-a\npassphrase = \"two  words\"\n  country=de\n\
                    SSID=Caf\u{e9}.5\nPassphrase=C:\\temp # 1\n\
                    ssid = key\npassphrase = 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n\
                    ssid = \" lead\"\npassphrase = \"  x=y \\z \"\n\
                    ssid = Free\n";
        let expected = [
            psk("My Net_1-a.psk", "Passphrase=two  words"),
            psk("=436166c3a92e35.psk", "Passphrase=C:\\\\temp # 1"),
            psk(
                "key.psk",
                "PreSharedKey=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
            psk(" lead.psk", "Passphrase=\\s\\sx=y \\\\z\\s"),
            ("Free.open".to_owned(), "[Settings]\nAutoConnect=true\n".to_owned()),
        ];
        assert_eq!(files(text), expected);
        assert_eq!(Wifi::parse(text).unwrap().country.as_deref(), Some("DE"));
        assert_eq!(Wifi::parse("#ssid = x\n").unwrap(), Wifi::default());
    }

    #[test]
    fn what_is_wrong_is_known_by_its_line_and_never_repeated() {
        assert_eq!(wrong("\nssid = a\npassphrase = secret12\n"), [2], "no country");
        assert_eq!(wrong("country = Germany\nssid = a\npassphrase = short\n"), [1, 3]);
        assert_eq!(wrong("country = DE\npassphrase = secret12\n"), [2], "no network yet");
        assert_eq!(wrong("country = DE\nssid = a\nsecret12\npsk = secret12\n"), [3, 4]);
        assert_eq!(wrong("country = DE\nssid = a\nssid = a\nssid =\ncountry = FR\n"), [3, 4, 5]);
        assert_eq!(wrong("country = DE\nssid = a\npassphrase = schl\u{fc}ssel\n"), [3]);
        let said = Wifi::parse("country = DE\nssid = a\nsecret12\npassphrase = sec\n").unwrap_err();
        assert!(
            !format!("{said:?}").contains("sec\"") && !format!("{said:?}").contains("secret12")
        );
    }

    #[test]
    fn what_is_escaped_comes_back() {
        for value in ["plain", "  two ", "a\\b\\", " \\s ", "\\\\"] {
            assert_eq!(unescaped(&escaped(value)), value);
        }
    }
}
