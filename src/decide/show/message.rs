//! A message about a change, for a service that the user has named.

use crate::config::NotifyStyle;
use crate::decide::judge::finding::Severity;
use crate::decide::show::change::StateChange;
use crate::decide::time::{Moment, wall_text};
use crate::decide::track::health_state::HealthState;
use crate::text::{count, printable_up_to};

/// What is sent with POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// `ns1.example.net is down (it was well)`
    pub about: String,
}

impl Message {
    #[must_use]
    pub fn new(change: &StateChange, style: NotifyStyle) -> Self {
        let (headers, body) = match style {
            NotifyStyle::Json => {
                let json = serde_json::to_string(change).expect("a change is plain data");
                (vec![("Content-Type", "application/json".to_owned())], json)
            }
            NotifyStyle::Ntfy => ntfy(change),
        };
        Self { headers, body, about: about(change) }
    }

    /// A message that is about nothing, to try the service.
    #[must_use]
    pub fn test(style: NotifyStyle, vantage: &str, now: &Moment) -> Self {
        Self::new(&Self::change_of_a_test(vantage, now), style)
    }

    fn change_of_a_test(vantage: &str, now: &Moment) -> StateChange {
        StateChange {
            version: StateChange::VERSION,
            subject: "pilotlight: test".to_owned(),
            from: HealthState::Well,
            to: HealthState::Well,
            since: None,
            faults: Vec::new(),
            incident: "test".to_owned(),
            vantage: vantage.to_owned(),
            time: now.wall,
        }
    }
}

/// The headers and the text of <https://docs.ntfy.sh/publish/>. A header is in ASCII.
fn ntfy(change: &StateChange) -> (Vec<(&'static str, String)>, String) {
    let (priority, tag) = match change.to {
        HealthState::Down => ("urgent", "red_circle"),
        HealthState::Degraded => ("high", "yellow_circle"),
        _ => ("default", "green_circle"),
    };
    let title = format!("{} is {}", change.subject, change.to);
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let title = title.chars().map(ascii).collect();
    let headers =
        vec![("Title", title), ("Priority", priority.to_owned()), ("Tags", tag.to_owned())];
    let mut lines = vec![format!("{}, seen from {}", about(change), change.vantage)];
    if change.since.is_some() {
        lines.push(format!("since {}", wall_text(change.since)));
    }
    let shown = change.faults.iter().take(3);
    lines.extend(shown.map(|fault| {
        let mark = if fault.severity == Severity::Down { "✗" } else { "!" };
        let question = printable_up_to(&fault.question, 200);
        format!("{mark} {} {question}: it {}", fault.address, printable_up_to(&fault.detail, 200))
    }));
    if let more @ 1.. = change.faults.len().saturating_sub(3) {
        lines.push(format!("and {}", count(more, "more fault")));
    }
    (headers, lines.join("\n"))
}

/// What has changed, for a log.
#[must_use]
pub fn about(change: &StateChange) -> String {
    format!("{} is {} (it was {})", change.subject, change.to, change.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_the_style_of_ntfy_has_title_priority_and_text() {
        let json = include_str!("../../../tests/json/change.json");
        let change: serde_json::Value = serde_json::from_str(json).unwrap();
        let fault = serde_json::from_value(change["faults"][0].clone()).unwrap();
        let change = StateChange {
            subject: "Küche".to_owned(),
            to: HealthState::Down,
            since: Some("2026-01-01T12:00:10Z".parse().unwrap()),
            faults: vec![fault; 5],
            ..Message::change_of_a_test("home", &Moment::default())
        };
        let Message { headers, body, .. } = Message::new(&change, NotifyStyle::Ntfy);
        let expected = [("Title", "K?che is down"), ("Priority", "urgent"), ("Tags", "red_circle")];
        assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
        let line = "✗ 192.0.2.1:53 example.net SOA: it does not answer within 2 s\n";
        let expected = format!(
            "Küche is down (it was well), seen from home\nsince 2026-01-01 12:00:10 UTC\n{}and 2 more faults",
            line.repeat(3)
        );
        assert_eq!(body, expected);
    }
}
