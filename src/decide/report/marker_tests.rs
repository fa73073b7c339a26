//! Issues on GitHub outlive every version: those of version 0.1.0 are understood.

use super::*;
use crate::decide::report::heartbeat::Heartbeat;

/// An issue as version 0.1.0 wrote it; the first line is its title.
fn old(name: &str) -> String {
    let path = format!("{}/src/decide/testing/v0_1_0/{name}.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn an_incident_of_version_0_1_0_is_understood() {
    for (name, subject, severity, ended) in [
        ("down", "ns1.example.net", Severity::Down, false),
        ("degraded", "ns1.example.net", Severity::Degraded, false),
        ("ended", "ns1.example.net", Severity::Down, true),
        ("endpoint", "https://www.example.net/", Severity::Down, false),
        ("vantages", "ns1.example.net", Severity::Down, false),
    ] {
        let record = VantageObservation::find(&old(name)).expect(name);
        assert_eq!((record.subject.as_str(), record.worst), (subject, severity), "{name}");
        assert_eq!((record.ended, record.since.is_some()), (ended, true), "{name}");
        let json: serde_json::Value = read(&old(name)).unwrap();
        let written: serde_json::Value = read(&hide(&record)).unwrap();
        assert_eq!(json, written, "{name}: nothing of the record is lost");
    }
}

#[test]
fn an_observation_comment_of_version_0_1_0_is_understood() {
    let issue = old("vantages");
    let (_, comment) = issue.split_once(CLOSING).unwrap();
    let record = VantageObservation::find(comment).unwrap();
    assert_eq!(comment_key(comment).unwrap(), format!("sight/{}", record.vantage));
    assert!(record.sees());
}

#[test]
fn a_heartbeat_of_version_0_1_0_is_understood() {
    let heartbeat: Heartbeat = read(&old("life")).unwrap();
    assert_eq!(heartbeat.vantage, "home");
}

#[test]
fn only_our_part_of_a_body_of_version_0_1_0_is_replaced() {
    for name in ["down", "degraded", "ended", "endpoint", "life"] {
        let body = format!("before\n{}\nafter", old(name).trim_end());
        let merged = merge(&body, "ours");
        assert!(
            merged.starts_with("before\n") && merged.ends_with("ours\nafter"),
            "{name}: {merged}"
        );
    }
}

#[test]
fn what_people_write_between_listing_and_edit_stays() {
    let body = |ours: &str| format!("{OPENING}{{}} -->{ours}{CLOSING}");
    let planned = format!("before{}after", body("new"));
    let current = format!("more before{}more after", body("old"));
    let merged = format!("more before{}more after", body("new"));
    assert_eq!(with_words_of_others(&planned, &current), merged);
    assert_eq!(with_words_of_others(&planned, &planned), planned);
    // A duplicate loses its record, and nothing else.
    let duplicate = without_record(&planned);
    assert_eq!(with_words_of_others(&duplicate, &current), without_record(&current));
    assert_eq!(with_words_of_others("plain", "other"), "plain");
}
