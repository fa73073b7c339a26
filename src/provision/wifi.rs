//! The wireless networks: one file each, as in iwd.network(5), and the country, without which a radio may not
//! send on most channels.

use std::fs;
use std::path::Path;

use super::card_file;
use super::context::{Import, Result};
use super::settings::{CardText, Setting};
use crate::text::printable;

/// Lists the files that came from the card. Others belong to iwd, or to a person who logged in.
const LIST: &str = "from-the-card";

/// A board in power save misses mDNS and ssh. The radio's firmware announces WPA3's SAE, and iwd then prefers it, but
/// with this driver it fails in networks that also have WPA2.
const QUIRKS: &str = "[DriverQuirks]\nPowerSaveDisable=brcmfmac\nSaeDisable=brcmfmac\n";

#[derive(Debug, Default, PartialEq)]
struct Wifi {
    networks: Vec<Network>,
    country: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Network {
    /// Any bytes.
    ssid: Vec<u8>,
    secret: Option<Secret>,
    /// It does not send its name, so iwd must ask for it.
    hidden: bool,
}

#[derive(Debug, PartialEq)]
struct Secret {
    /// iwd's key: `Passphrase`, or `PreSharedKey` for 64 hexadecimal digits.
    key: &'static str,
    value: String,
}

/// A reason and the next step. They never repeat the line, as it may contain a secret.
type Mistake = (&'static str, &'static str);

pub(super) fn import(import: &mut Import<'_>) -> Result {
    let country = import.imager.country.take();
    let Some((settings, name)) = gathered(import)? else { return Ok(()) };
    let home = import.paths.data.join("wifi");
    let list = home.join(LIST);
    let before = fs::read_to_string(&list).unwrap_or_default();
    let wifi = match Wifi::new(&settings, country) {
        Ok(wifi) => wifi,
        Err(mistakes) => {
            for (setting, (reason, next)) in mistakes {
                import.problem(&setting.file, Some(setting.line), reason, next);
            }
            if !before.is_empty() {
                import.report.in_force.push("the networks imported before stay known".to_owned());
            }
            return Ok(());
        }
    };
    let files: Vec<(String, String)> = wifi.networks.iter().map(Network::file).collect();
    let country = wifi.country.map(|country| format!("[General]\nCountry={country}\n{QUIRKS}"));
    let names: String = files.iter().map(|(name, _)| format!("{name}\n")).collect();
    if !names.is_empty() || country.is_some() {
        import.disk.folder(&home, 0o700)?;
    }
    // An empty text removes the file.
    let put = |import: &mut Import<'_>, path: &Path, text: &str| {
        import.disk.put(path, Some(text.as_bytes()).filter(|text| !text.is_empty()), Some(0o600))
    };
    // A file is on the list before it is written and until it is removed, so a power cut loses track of none.
    let is_old = |name: &&str| files.iter().all(|(new, _)| new != name);
    let old: Vec<&str> = before.lines().filter(is_old).collect();
    put(import, &list, &old.iter().fold(names.clone(), |all, name| all + name + "\n"))?;
    for (network, (file, text)) in wifi.networks.iter().zip(&files) {
        let path = home.join(file);
        if !network.is_stored_in(&path) && put(import, &path, text)? {
            let ssid = String::from_utf8_lossy(&network.ssid);
            import.done(&name, &format!("imported, network {}", printable(&ssid)));
        }
    }
    for file in old {
        put(import, &home.join(file), "")?;
        import.done(&name, &format!("no longer has {file}, which is removed"));
    }
    if put(import, &home.join("main.conf"), &country.unwrap_or_default())? {
        import.done(&name, "country imported");
    }
    put(import, &list, &names)?;
    Ok(())
}

/// The settings on the card, and the file to name in reports: `wifi.conf` before the files of Imager.
fn gathered(import: &mut Import<'_>) -> Result<Option<(Vec<Setting>, String)>> {
    let own = card_file::find_own(import, "wifi.conf")?;
    let mut imager = std::mem::take(&mut import.imager.wifi);
    let mut settings: Vec<Setting> = own.iter().flat_map(settings).collect();
    if settings.iter().any(|own| own.key == "ssid") {
        imager.clear();
    }
    imager.retain(|imager| settings.iter().all(|own| own.key != imager.key));
    settings.append(&mut imager);
    let last = settings.last().map(|setting| setting.file.clone());
    let name = last.or(own.map(|own| own.name));
    Ok(name.map(|name| (settings, name)))
}

/// The lines of `wifi.conf`. One without a `=` has no key.
fn settings(file: &CardText) -> Vec<Setting> {
    let lines = (1..).zip(file.text.lines()).filter(|(_, line)| !card_file::only_comments(line));
    let setting = |(number, line): (usize, &str)| {
        let (key, value) = line.split_once('=').unwrap_or_default();
        let value = value.trim();
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        Setting::new(file, number, &key.trim().to_ascii_lowercase(), unquoted.unwrap_or(value))
    };
    lines.map(setting).collect()
}

impl Wifi {
    /// All settings, or all mistakes with their lines. `country` counts if none is set.
    fn new(
        settings: &[Setting],
        country: Option<String>,
    ) -> std::result::Result<Self, Vec<(&Setting, Mistake)>> {
        let (mut wifi, mut mistakes) = (Self::default(), Vec::new());
        for setting in settings {
            if let Err(mistake) = wifi.set(&setting.key, &setting.value) {
                mistakes.push((setting, mistake));
            }
        }
        wifi.country = wifi.country.or(country);
        let network = settings.iter().find(|setting| setting.key == "ssid");
        if let Some(network) = network.filter(|_| wifi.country.is_none() && mistakes.is_empty()) {
            let reason = "the country is missing, and without it the radio may not send";
            mistakes.push((network, (reason, "add a line such as country = DE to wifi.conf")));
        }
        if mistakes.is_empty() { Ok(wifi) } else { Err(mistakes) }
    }

    fn set(&mut self, key: &str, bytes: &[u8]) -> std::result::Result<(), Mistake> {
        const REMOVE: &str = "remove one of the two lines";
        const FIRST: &str = "write ssid = ... first";
        let value = &*String::from_utf8_lossy(bytes);
        match key {
            "ssid" if !(1..=32).contains(&bytes.len()) => {
                let next = "write it as your router shows it";
                return Err(("the name of a network has 1 to 32 bytes", next));
            }
            "ssid" if self.networks.iter().any(|network| network.ssid == bytes) => {
                return Err(("this network is already in the file", REMOVE));
            }
            "ssid" => {
                self.networks.push(Network { ssid: bytes.to_owned(), secret: None, hidden: false })
            }
            "passphrase" => match self.networks.last_mut() {
                None => return Err(("a passphrase belongs to the network above it", FIRST)),
                Some(Network { secret: Some(_), .. }) => {
                    return Err(("this network already has a passphrase", REMOVE));
                }
                Some(network) => network.secret = Some(Secret::parse(value)?),
            },
            "hidden" => match (self.networks.last_mut(), value.to_ascii_lowercase().as_str()) {
                (Some(network), "yes" | "true") => network.hidden = true,
                (Some(network), "no" | "false") => network.hidden = false,
                (None, _) => return Err(("hidden belongs to the network above it", FIRST)),
                _ => return Err(("hidden is yes or no", "write hidden = yes, or remove the line")),
            },
            "country" if value.len() != 2 || !value.bytes().all(|c| c.is_ascii_alphabetic()) => {
                return Err((
                    "a country is two letters (ISO 3166)",
                    "write such as DE, FR, GB or US",
                ));
            }
            "country" if self.country.is_some() => {
                return Err(("the country is already in the file", REMOVE));
            }
            "country" => self.country = Some(value.to_ascii_uppercase()),
            _ => {
                let reason =
                    "this is not ssid = ..., passphrase = ..., hidden = yes or country = ...";
                return Err((reason, "write one of these, or put # before the line"));
            }
        }
        Ok(())
    }
}

impl Secret {
    fn parse(value: &str) -> std::result::Result<Self, Mistake> {
        match value.len() {
            64 if value.bytes().all(|c| c.is_ascii_hexdigit()) => {
                Ok(Self { key: "PreSharedKey", value: value.to_ascii_lowercase() })
            }
            8..=63 if value.bytes().all(|c| matches!(c, b' '..=b'~')) => {
                Ok(Self { key: "Passphrase", value: value.to_owned() })
            }
            _ => Err((
                "a passphrase has 8 to 63 plain characters, or 64 hexadecimal digits",
                "write it as your router shows it; remove the line for a network without a passphrase",
            )),
        }
    }
}

impl Network {
    /// The name and the content of its file.
    fn file(&self) -> (String, String) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " _-".contains(c);
        let hex = || self.ssid.iter().fold("=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
        let plain = String::from_utf8(self.ssid.clone()).ok();
        let stem = plain.filter(|name| name.chars().all(is_plain)).unwrap_or_else(hex);
        let hidden = if self.hidden { "Hidden=true\n" } else { "" };
        match &self.secret {
            None => (format!("{stem}.open"), format!("[Settings]\nAutoConnect=true\n{hidden}")),
            Some(Secret { key, value }) => {
                let settings = if self.hidden { "[Settings]\n" } else { "" };
                let value = escape(value);
                (format!("{stem}.psk"), format!("[Security]\n{key}={value}\n{settings}{hidden}"))
            }
        }
    }

    /// True if the file has the same settings. iwd adds lines of its own, which are then left alone.
    fn is_stored_in(&self, path: &Path) -> bool {
        let Ok(stored) = fs::read_to_string(path) else { return false };
        let has = |key: &str, value: &str| {
            let mut lines = stored.lines().filter_map(|line| line.split_once('='));
            lines.any(|(k, v)| k.trim() == key && unescape(v.trim_start()) == value)
        };
        self.hidden == has("Hidden", "true")
            && self.secret.as_ref().is_none_or(|Secret { key, value }| has(key, value))
    }
}

/// Without this iwd would lose a blank at either end, and a backslash (iwd.network(5)).
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\s")
}

/// iwd itself escapes fewer blanks when it writes a file.
fn unescape(value: &str) -> String {
    let mut chars = value.chars();
    let next = || match chars.next()? {
        '\\' => chars.next().map(|c| if c == 's' { ' ' } else { c }),
        c => Some(c),
    };
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Wifi, Vec<(usize, Mistake)>> {
        let settings = settings(&CardText { name: String::new(), text: text.to_owned() });
        Wifi::new(&settings, None)
            .map_err(|all| all.into_iter().map(|(at, mistake)| (at.line, mistake)).collect())
    }

    #[test]
    fn networks_become_files_with_the_names_that_iwd_expects() {
        let psk = |name: &str, line: &str| (name.to_owned(), format!("[Security]\n{line}\n"));
        let text = "# mine\nssid = My Net_1-a\npassphrase = \"two  words\"\n  country=de\n\
                    SSID=Caf\u{e9}.5\nPassphrase=C:\\temp # 1\n\
                    ssid = key\npassphrase = 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n\
                    ssid = \" lead\"\npassphrase = \"  x=y \\z \"\n\
                    ssid = Free\nhidden = no\nssid = Cellar\nhidden = Yes\nssid = Attic\npassphrase = eight888\nhidden = yes\n";
        let expected = [
            psk("My Net_1-a.psk", "Passphrase=two\\s\\swords"),
            psk("=436166c3a92e35.psk", "Passphrase=C:\\\\temp\\s#\\s1"),
            psk(
                "key.psk",
                "PreSharedKey=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
            psk(" lead.psk", "Passphrase=\\s\\sx=y\\s\\\\z\\s"),
            ("Free.open".to_owned(), "[Settings]\nAutoConnect=true\n".to_owned()),
            ("Cellar.open".to_owned(), "[Settings]\nAutoConnect=true\nHidden=true\n".to_owned()),
            psk("Attic.psk", "Passphrase=eight888\n[Settings]\nHidden=true"),
        ];
        let wifi = parse(text).unwrap();
        assert_eq!(wifi.networks.iter().map(Network::file).collect::<Vec<_>>(), expected);
        assert_eq!(wifi.country.as_deref(), Some("DE"));
        assert_eq!(parse("#ssid = x\n").unwrap(), Wifi::default());
    }

    #[test]
    fn a_mistake_is_named_by_its_line() {
        let cases: [(&str, &[usize]); 7] = [
            ("hidden = yes\ncountry = DE\nssid = a\nhidden = maybe\n", &[1, 4]),
            ("\nssid = a\npassphrase = secret12\n", &[2]), // no country
            ("country = Germany\nssid = a\npassphrase = short\n", &[1, 3]),
            ("country = DE\npassphrase = secret12\n", &[2]), // no network yet
            ("country = DE\nssid = a\nsecret12\npsk = secret12\n", &[3, 4]),
            ("country = DE\nssid = a\nssid = a\nssid =\ncountry = FR\n", &[3, 4, 5]),
            ("country = DE\nssid = a\npassphrase = schl\u{fc}ssel\n", &[3]),
        ];
        for (text, lines) in cases {
            let mistakes = parse(text).unwrap_err();
            assert!(mistakes.iter().map(|(line, _)| line).eq(lines), "{mistakes:?}");
        }
    }

    #[test]
    fn an_escaped_passphrase_is_read_back_unchanged() {
        for value in ["plain", "  two ", "a\\b\\", " \\s ", "\\\\"] {
            assert_eq!(unescape(&escape(value)), value);
        }
    }
}
