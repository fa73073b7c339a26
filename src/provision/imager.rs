//! The files that Raspberry Pi Imager writes on the card when its dialog is filled in (1.7 to 2.0): keys, WiFi and the
//! host name. The user's own files win over them. They stay on the card, so that a new data partition is set up again.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::card_file;
use super::context::{Import, Result};
use super::settings::{CardText, ImagerSettings, Setting};
use super::yaml::{for_each_line, unescape, unquote};

/// Of a file that is not in the form of Imager.
const AGAIN: &str = "write the card with Imager again, or remove this file and write authorized_keys, wifi.conf and \
                     hostname yourself";

pub(super) fn read(import: &mut Import<'_>) -> Result {
    let mut found = ImagerSettings::default();
    let before = import.report.problems.len();
    let none = |_: &str| false;
    if let Some(file) = card_file::find_one(import, "user-data", none)? {
        found.read_user_data(&file);
    }
    if let Some(file) = card_file::find_one(import, "network-config", none)?
        && let Some(line) = found.read_network_config(&file)
    {
        import.problem(&file.name, Some(line), "this is not in the form that Imager writes", AGAIN);
    }
    if let Some(file) = card_file::find_one(import, "rpi-preseed.toml", none)? {
        match toml::from_str(&file.text) {
            Ok(table) => found.read_preseed(&file, &table),
            Err(error) => {
                let before = file.text.get(..error.span().unwrap_or_default().start);
                let line = before.unwrap_or_default().matches('\n').count() + 1;
                import.problem(&file.name, Some(line), "from here on this is not TOML", AGAIN);
            }
        }
    }
    found.country = found.country.take().or_else(|| country_of_kernel(&import.paths.card));
    if import.report.problems.len() > before {
        found.broken = true;
        found.wifi.clear();
        import
            .report
            .in_force
            .push("the keys, networks and host name imported before stay".to_owned());
    }
    import.imager = found;
    Ok(())
}

impl ImagerSettings {
    fn read_user_data(&mut self, file: &CardText) {
        let mut keys = Vec::new();
        for_each_line(&file.text, |path, line| {
            let value = unquote(line.value);
            let setting = |key, value: &str| Setting::new(file, line.number, key, value);
            match path {
                _ if value.is_empty() => {}
                ["hostname"] => self.hostname = Some(setting("hostname", value)),
                [.., "ssh_authorized_keys"] => keys.push((line.number, value)),
                ["user" | "users", "name"] => self.does_not_use("user name"),
                ["user" | "users", "passwd"] => {
                    self.password = Some(setting("password", ""));
                    self.does_not_use("password");
                }
                ["timezone"] => self.does_not_use("time zone"),
                ["keyboard", ..] => self.does_not_use("keyboard"),
                // Imager 1.7 has the country nowhere else.
                ["runcmd"] => {
                    let after = line.value.rsplit_once("REGDOMAIN=").map(|(_, after)| after);
                    let country = after.and_then(|after| after.get(..2));
                    if let Some(country) = country.filter(|country| is_country(country)) {
                        self.country = Some(country.to_ascii_uppercase());
                    }
                }
                _ => {}
            }
        });
        self.take_keys(file, &keys);
    }

    /// Returns the number of a line that is not in the form of Imager.
    fn read_network_config(&mut self, file: &CardText) -> Option<usize> {
        let mut wrong = None;
        for_each_line(&file.text, |path, line| {
            let value = unquote(line.value);
            let setting = |key, value: &[u8]| Setting::new(file, line.number, key, value);
            let root = path.iter().position(|key| *key == "wifis").unwrap_or(path.len());
            let add = match &path[root..] {
                // Imager 1 has no line `network:`, and escapes nothing.
                [_, _, "access-points", ssid] if value.is_empty() && root == 0 => {
                    setting("ssid", ssid.as_bytes())
                }
                [_, _, "access-points", ssid] if value.is_empty() => {
                    setting("ssid", &unescape(ssid))
                }
                [_, _, "access-points", _, "hidden"] => setting("hidden", value.as_bytes()),
                [_, _, "access-points", _, .., "password"] => {
                    setting("passphrase", &unescape(value))
                }
                [_, _, "regulatory-domain"] => setting("country", value.as_bytes()),
                _ if line.value.starts_with(['{', '['])
                    && (root < path.len() || path == ["network"]) =>
                {
                    wrong.get_or_insert(line.number);
                    return;
                }
                _ => return,
            };
            self.wifi.push(add);
        });
        wrong
    }

    fn read_preseed(&mut self, file: &CardText, table: &Table) {
        let value = |section: &str, key: &str| table.get(section)?.get(key);
        let text = |section, key| value(section, key).and_then(Value::as_str);
        let line_of = |value: &str| {
            file.text.lines().position(|line| line.contains(value)).map_or(1, |at| at + 1)
        };
        if let Some(name) = text("system", "hostname") {
            self.hostname = Some(Setting::new(file, line_of(name), "hostname", name));
        }
        let keys = value("ssh", "authorized_keys").and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<(usize, &str)> =
            keys.filter_map(Value::as_str).map(|key| (line_of(key), key)).collect();
        self.take_keys(file, &keys);
        if let Some(password) = text("user", "password") {
            self.password = Some(Setting::new(file, line_of(password), "password", ""));
        }
        for (section, key, what) in [
            ("user", "name", "user name"),
            ("user", "password", "password"),
            ("locale", "timezone", "time zone"),
            ("locale", "keymap", "keyboard"),
        ] {
            text(section, key).into_iter().for_each(|_| self.does_not_use(what));
        }
        let ssid = match (text("wlan", "ssid"), text("wlan", "ssid_hex")) {
            (Some(ssid), _) => ssid.as_bytes().to_owned(),
            (None, Some(hex)) => from_hex(hex),
            (None, None) => return,
        };
        let line = line_of("ssid");
        let hidden = value("wlan", "hidden").and_then(Value::as_bool).unwrap_or_default();
        self.wifi.push(Setting::new(file, line, "ssid", ssid));
        self.wifi.push(Setting::new(file, line, "hidden", hidden.to_string()));
        for (name, key) in [("password", "passphrase"), ("country", "country")] {
            if let Some(value) = text("wlan", name) {
                self.wifi.push(Setting::new(file, line_of(value), key, value));
            }
        }
    }

    fn take_keys(&mut self, file: &CardText, keys: &[(usize, &str)]) {
        let mut text = String::new();
        let mut lines = 1;
        for (number, key) in keys {
            text += &"\n".repeat(number.saturating_sub(lines));
            text += key;
            lines = *number.max(&lines);
        }
        if !keys.is_empty() {
            self.keys = Some(CardText { name: file.name.clone(), text });
        }
    }

    fn does_not_use(&mut self, what: &'static str) {
        if !self.unused.contains(&what) {
            self.unused.push(what);
        }
    }
}

/// After the keys are imported: what a user of Imager might wait for in vain.
pub(super) fn explain(import: &mut Import<'_>) -> Result {
    let ImagerSettings { password, unused, .. } = std::mem::take(&mut import.imager);
    let has_key = |name| {
        fs::metadata(import.paths.data.join("ssh").join(name)).is_ok_and(|file| file.len() > 0)
    };
    if let Some(Setting { file, line, .. }) =
        password.filter(|_| !has_key("authorized_keys") && !has_key("root_keys"))
    {
        let next = "log in as pilotlight, with a key: choose public-key authentication in Imager and write the card \
                    again, or write the key into authorized_keys";
        import.problem(
            &file,
            Some(line),
            "this password is not used, and there is no ssh key, so nobody can log in",
            next,
        );
    }
    // The list is kept, so that it is said once.
    let list = unused.join(", ");
    let text = Some(list.as_bytes()).filter(|list| !list.is_empty());
    if import.disk.put(&import.paths.data.join("imager-unused"), text, Some(0o644))?
        && text.is_some()
    {
        import.done(
            "Raspberry Pi Imager's settings",
            &format!("not used: {list}; log in as pilotlight, with a key"),
        );
    }
    Ok(())
}

/// Empty, which is no name of a network, if it is not hexadecimal.
fn from_hex(text: &str) -> Vec<u8> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>();
    bytes.filter(|_| odd.is_empty()).unwrap_or_default()
}

fn country_of_kernel(card: &Path) -> Option<String> {
    const LONGEST: usize = 4096;
    let bytes = card_file::read_up_to(&card.join("cmdline.txt"), LONGEST).ok()??;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = text.split_ascii_whitespace();
    let country =
        words.rfind(|word| word.starts_with("cfg80211.ieee80211_regdom="))?.rsplit('=').next()?;
    is_country(country).then(|| country.to_ascii_uppercase())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}
