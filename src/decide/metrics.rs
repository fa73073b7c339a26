//! What is believed, for Prometheus: the text format that node-exporter's textfile collector reads.
//!
//! Names are after <https://prometheus.io/docs/practices/naming/>. What is unknown has no sample.

use std::fmt::Write;

use jiff::Timestamp;

use super::status::{NameserverView, View};
use super::uplink::Family;

/// What a subject's state may be, as [`NameserverView::state`] has it.
const STATES: [&str; 6] = ["unknown", "well", "suspect", "degraded", "down", "recovering"];

/// The whole file; `round` is when the last round came to its end.
#[must_use]
pub fn text(view: &View, round: Option<Timestamp>) -> String {
    let mut text = String::new();
    let version = [("version", view.pilotlight.as_str()), ("vantage", &view.vantage)];
    family(
        &mut text,
        "build_info",
        "The program's version, and where it looks from.",
        [(&version[..], Some(1.0))],
    );
    family(
        &mut text,
        "round_timestamp_seconds",
        "When the last round came to its end.",
        [(&[][..], round.map(seconds))],
    );
    let subjects: Vec<(&NameserverView, [(&str, &str); 2])> =
        [("nameserver", &view.nameservers), ("endpoint", &view.endpoints)]
            .into_iter()
            .flat_map(|(kind, all)| {
                all.iter().map(move |s| (s, [("kind", kind), ("subject", &*s.name)]))
            })
            .collect();
    let mut each = |name: &str, help: &str, value: &dyn Fn(&NameserverView) -> Option<f64>| {
        family(&mut text, name, help, subjects.iter().map(|(s, labels)| (&labels[..], value(s))));
    };
    each("subject_up", "Whether it works; 0 is down, as an issue would say.", &|subject| {
        let known = subject.state != "unknown";
        known.then_some(f64::from(u8::from(!matches!(&*subject.state, "down" | "recovering"))))
    });
    each("subject_latency_seconds", "The median of the right answers in its last round.", &|s| {
        s.latency_ms.map(|ms| ms / 1e3)
    });
    each("subject_questions", "What its last round asked it.", &|s| Some(count(s.questions)));
    each("subject_faults", "What is wrong, by zone and address.", &|s| Some(count(s.faults.len())));
    let states: Vec<([(&str, &str); 3], bool)> = subjects
        .iter()
        .flat_map(|(s, [kind, name])| {
            STATES.map(|state| ([*kind, *name, ("state", state)], s.state == state))
        })
        .collect();
    let states = states.iter().map(|(labels, is)| (&labels[..], Some(f64::from(u8::from(*is)))));
    family(&mut text, "subject_state", "Which of these states it is in.", states);
    let uplink = |family: fn(&View) -> Option<Family>| match family(view)? {
        Family::Unused => None,
        family => Some(f64::from(u8::from(family == Family::Online))),
    };
    family(
        &mut text,
        "uplink_up",
        "Whether our own connection can be believed.",
        [
            (&[("family", "ipv4")][..], uplink(|view| Some(view.uplink?.ipv4))),
            (&[("family", "ipv6")][..], uplink(|view| Some(view.uplink?.ipv6))),
        ],
    );
    let reporting = match view.reporting.as_str() {
        "off" | "untried" => None,
        word => Some(f64::from(u8::from(word == "fine"))),
    };
    family(
        &mut text,
        "reporting_up",
        "Whether the last report to GitHub went through.",
        [(&[][..], reporting)],
    );
    let notices = Some(count(view.notices.len()));
    family(&mut text, "notices", "What waits for a person on this machine.", [(&[][..], notices)]);
    text
}

type Labels<'a> = &'a [(&'a str, &'a str)];

/// One metric, a gauge like all of ours; left out when nothing is known of it.
fn family<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (Labels<'a>, Option<f64>)>,
) {
    let mut begun = false;
    for (labels, value) in samples {
        let Some(value) = value else { continue };
        if !std::mem::replace(&mut begun, true) {
            text.push_str(&format!(
                "# HELP pilotlight_{name} {help}\n# TYPE pilotlight_{name} gauge\n"
            ));
        }
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        writeln!(text, "pilotlight_{name}{labels} {value}").expect("a String takes all");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn count(many: usize) -> f64 {
    u32::try_from(many).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::testing::{Led, at, config, degraded, down, unknown, well};
    use crate::decide::uplink::Family::{Offline, Unused};
    use crate::decide::watch::Notice;

    fn samples(led: &Led) -> Vec<String> {
        let text = text(&View::of(&led.watch, &config(), &at(led.seconds)), at(9).wall);
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn what_is_unknown_has_no_sample_and_what_is_down_is_not_up() {
        let up = |led: &Led, subject: &str| {
            let name =
                format!("pilotlight_subject_up{{kind=\"nameserver\",subject=\"{subject}\"}} ");
            samples(led).iter().find_map(|line| line.strip_prefix(&name).map(str::to_owned))
        };
        let led = Led::new();
        assert_eq!(up(&led, "ns1.example.net"), None);
        assert!(!samples(&led).iter().any(|line| line.contains("uplink")));
        let led = led.rounds(3, [down(), degraded()]);
        assert_eq!(up(&led, "ns1.example.net").as_deref(), Some("0"));
        assert_eq!(up(&led, "ns2.example.net").as_deref(), Some("1"), "it limps, but it works");
        let led = led.rounds(1, [well(), well()]);
        assert_eq!(up(&led, "ns1.example.net").as_deref(), Some("0"), "until it is believed");
        let led = led.uplink(Offline, Unused, [unknown(), unknown()]);
        assert_eq!(up(&led, "ns1.example.net").as_deref(), Some("0"), "its outage is not over");
        let lines = samples(&led);
        assert!(lines.contains(&"pilotlight_uplink_up{family=\"ipv4\"} 0".to_owned()));
        assert!(!lines.iter().any(|line| line.contains("ipv6")), "{lines:?}");
    }

    #[test]
    fn a_label_survives_what_stands_in_it() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }

    #[test]
    fn the_whole_file() {
        let mut led = Led::new().rounds(3, [down(), well()]);
        led.watch.notices = vec![Notice { source: "card".to_owned(), text: "look".to_owned() }];
        let text = text(&View::of(&led.watch, &config(), &at(led.seconds)), at(9).wall);
        let file = format!("{}/tests/metrics/pilotlight.prom", env!("CARGO_MANIFEST_DIR"));
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&file).unwrap(), "{file}");
    }
}
