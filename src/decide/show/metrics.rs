//! What is believed, for Prometheus: the text format that node-exporter's textfile collector reads.
//!
//! Names are after <https://prometheus.io/docs/practices/naming/>. What is unknown has no sample.

use jiff::Timestamp;

use crate::decide::judge::uplink::Family;
use crate::decide::show::status::{Status, SubjectStatus};
use crate::decide::track::health_state::HealthState;
use crate::decide::track::reported::ReportingState;

/// The whole file; `round` is when the last round came to its end, `expires` when GitHub's token does.
#[must_use]
pub fn text(view: &Status, round: Option<Timestamp>, expires: Option<Timestamp>) -> String {
    let mut gauges = Gauges::default();
    let version = labels([("version", &view.pilotlight), ("vantage", &view.vantage)]);
    let help = "The program's version, and where it looks from.";
    gauges.add("build_info", help, [(version, Some(1.0))]);
    let time = |at: Option<Timestamp>| at.map(|at| at.as_duration().as_secs_f64());
    gauges.one("round_timestamp_seconds", "When the last round came to its end.", time(round));
    gauges.one("token_expiry_timestamp_seconds", "When GitHub's token expires.", time(expires));
    gauges.subjects(view);
    let families = view.uplink.iter().flat_map(|up| [("ipv4", up.ipv4), ("ipv6", up.ipv6)]);
    let uplink = families.map(|(name, family)| {
        let used = family != Family::Unused;
        (labels([("family", name)]), used.then(|| is(family == Family::Online)))
    });
    gauges.add("uplink_up", "Whether our own connection can be believed.", uplink);
    let tried = !matches!(view.reporting, ReportingState::Off | ReportingState::Untried);
    let reporting = tried.then(|| is(view.reporting == ReportingState::Fine));
    gauges.one("reporting_up", "Whether the last report to GitHub went through.", reporting);
    let notices = Some(count(view.notices.len()));
    gauges.one("notices", "What waits for a person on this machine.", notices);
    gauges.0
}

/// The text of the metrics so far. Each is a gauge.
#[derive(Default)]
struct Gauges(String);

impl Gauges {
    /// One metric; left out if no sample has a value.
    fn add(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, Option<f64>)>,
    ) {
        let known: String = samples
            .into_iter()
            .filter_map(|(labels, value)| Some(format!("pilotlight_{name}{labels} {}\n", value?)))
            .collect();
        if !known.is_empty() {
            let head = format!("# HELP pilotlight_{name} {help}\n# TYPE pilotlight_{name} gauge\n");
            self.0.extend([head, known]);
        }
    }

    fn one(&mut self, name: &str, help: &str, value: Option<f64>) {
        self.add(name, help, [(String::new(), value)]);
    }

    /// The metrics with a sample for each subject.
    fn subjects(&mut self, view: &Status) {
        let mut each = |name: &str, help: &str, value: fn(&SubjectStatus) -> Option<f64>| {
            let labelled = |(kind, s): (&str, &SubjectStatus)| {
                (labels([("kind", kind), ("subject", &s.name)]), value(s))
            };
            self.add(name, help, view.subjects().map(labelled));
        };
        each("subject_up", "Whether it works; 0 is down, as an issue would say.", |s| {
            let down = matches!(s.state, HealthState::Down | HealthState::Recovering);
            (s.state != HealthState::Unknown).then(|| is(!down))
        });
        each(
            "subject_latency_seconds",
            "The median of the right answers in its last round.",
            |s| s.latency_ms.map(|ms| ms / 1e3),
        );
        each("subject_questions", "What its last round asked it.", |s| Some(count(s.questions)));
        each("subject_faults", "What is wrong, by zone and address.", |s| {
            Some(count(s.faults.len()))
        });
        let states = view.subjects().flat_map(|(kind, s)| {
            let labels = move |state: HealthState| {
                labels([("kind", kind), ("subject", &s.name), ("state", state.word())])
            };
            HealthState::ALL.map(|state| (labels(state), Some(is(s.state == state))))
        });
        self.add("subject_state", "Which of these states it is in.", states);
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> String {
    let escaped =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = pairs.map(|(key, value)| format!("{key}=\"{}\"", escaped(value)));
    format!("{{{}}}", pairs.join(","))
}

fn is(so: bool) -> f64 {
    f64::from(u8::from(so))
}

fn count(many: usize) -> f64 {
    u32::try_from(many).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::judge::uplink::Family::{Offline, Unused};
    use crate::decide::testing::{Led, at, config, degraded, down, unknown, well};
    use crate::decide::track::state::Notice;

    fn samples(led: &Led) -> Vec<String> {
        let text = text(&Status::of(&led.monitor, &config(), &at(led.seconds)), at(9).wall, None);
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn an_unknown_state_has_no_sample_and_a_down_one_is_not_up() {
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
        assert_eq!(
            up(&led, "ns2.example.net").as_deref(),
            Some("1"),
            "it is degraded, but it answers"
        );
        let led = led.rounds(1, [well(), well()]);
        assert_eq!(up(&led, "ns1.example.net").as_deref(), Some("0"), "until it is believed");
        let led = led.uplink(Offline, Unused, [unknown(), unknown()]);
        assert_eq!(up(&led, "ns1.example.net").as_deref(), Some("0"), "its outage is not over");
        let lines = samples(&led);
        assert!(lines.contains(&"pilotlight_uplink_up{family=\"ipv4\"} 0".to_owned()));
        assert!(!lines.iter().any(|line| line.contains("ipv6")), "{lines:?}");
    }

    #[test]
    fn a_label_value_is_escaped() {
        assert_eq!(labels([("a", "a\"b\\c\nd")]), "{a=\"a\\\"b\\\\c\\nd\"}");
    }

    #[test]
    fn the_whole_file() {
        let mut led = Led::new().rounds(3, [down(), well()]);
        led.monitor.notices = vec![Notice { source: "card".to_owned(), text: "look".to_owned() }];
        let text =
            text(&Status::of(&led.monitor, &config(), &at(led.seconds)), at(9).wall, at(99).wall);
        let file = format!("{}/tests/metrics/pilotlight.prom", env!("CARGO_MANIFEST_DIR"));
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&file).unwrap(), "{file}");
    }
}
