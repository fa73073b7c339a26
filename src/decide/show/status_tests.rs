//! What the panel and the exit code make of all that is believed.

use super::*;
use crate::decide::judge::round::Judgement;
use crate::decide::show::panel::PanelState;
use crate::decide::testing::{
    Led, V4, at, config, degraded, down, undated, unknown, well, without,
};
use crate::decide::track::reported::{Failure, Report};

fn failed(needs_operator: bool) -> Report {
    let why = "because".to_owned();
    let failure = match needs_operator {
        true => Failure::needs_operator(why),
        false => Failure::transient(why, None),
    };
    Report { failed: Some(failure), ..Report::default() }
}

#[test]
fn the_panel_shows_the_worst_state() {
    use Family::{Intercepted, Offline, Online, Unused};
    let led = Led::new;
    assert_eq!(led().state(), PanelState::Starting);
    assert_eq!(led().rounds(1, [well(), well()]).state(), PanelState::Well);
    // The numbers of all that are down, before anything else.
    let both = led().rounds(3, [down(), down()]);
    assert_eq!(both.state(), PanelState::Down(vec![1, 2]));
    let recovering = both.rounds(1, [well(), down()]);
    assert_eq!(recovering.state(), PanelState::Down(vec![1, 2]));
    let second = led().rounds(3, [degraded(), down()]);
    assert_eq!(second.state(), PanelState::Down(vec![2]));
    let first = led().rounds(2, [down(), well()]).rounds(1, [down(), down()]);
    assert_eq!(first.state(), PanelState::Down(vec![1]), "and not suspect");
    // Then what is being asked again, then what is degraded.
    let suspect = led().rounds(2, [degraded(), well()]).rounds(1, [degraded(), down()]);
    assert_eq!(suspect.state(), PanelState::Suspect);
    let one = led().rounds(3, [degraded(), well()]);
    assert_eq!(one.state(), PanelState::Degraded);
    // Without any uplink nothing else can be said; interception is the better reason.
    let offline = one.uplink(Offline, Offline, [unknown(), unknown()]);
    assert_eq!(offline.state(), PanelState::Offline);
    let offline = led().rounds(3, [down(), down()]).uplink(Offline, Unused, [unknown(), unknown()]);
    assert_eq!(offline.state(), PanelState::Offline);
    let offline = offline.uplink(Intercepted, Offline, [unknown(), unknown()]);
    assert_eq!(offline.state(), PanelState::Intercepted);
    // With one family the servers that have it are judged, and the others are not observed.
    let half = led().uplink(Offline, Online, [unknown(), well()]);
    assert_eq!(half.state(), PanelState::Offline);
    let half = led().uplink(Offline, Online, [without(V4, well()), well()]);
    assert_eq!(half.state(), PanelState::Well);
    let half = led().uplink(Intercepted, Online, [without(V4, well()), well()]);
    assert_eq!(half.state(), PanelState::Intercepted);
    let mut half = led().rounds(2, [well(), down()]);
    half = half.uplink(Offline, Online, [unknown(), down()]);
    assert_eq!(half.state(), PanelState::Down(vec![2]));
}

#[test]
fn a_partial_round_leaves_an_unused_family_unchanged() {
    use Family::{Offline, Online, Unused};
    let mut led = Led::new().rounds(3, [down(), well()]);
    led.judged(&Judgement {
        uplink: Uplink { ipv4: Unused, ipv6: Offline },
        verdicts: vec![(1, unknown())],
    });
    // The first is reached over IPv4, and nobody has looked at that.
    assert_eq!(led.state(), PanelState::Down(vec![1]));
    let uplink = Uplink { ipv4: Online, ipv6: Offline };
    assert_eq!(led.monitor.uplink, Some(uplink));
    // A round over all says what there is to say.
    let led = led.uplink(Unused, Online, [well(), well()]);
    assert_eq!(led.monitor.uplink.map(|uplink| uplink.ipv4), Some(Unused));
}

#[test]
fn the_panel_shows_cannot_report_after_repeated_failures() {
    let mut led = Led::new().rounds(1, [well(), well()]);
    assert_eq!(led.monitor.reporting.state, ReportingState::Untried);
    for lost in 1..=5 {
        led = led.reported(&failed(false));
        assert_eq!(led.monitor.panel_view().cannot_report, lost >= 3, "{lost}");
    }
    // Without an uplink that is no wonder.
    led = led.uplink(Family::Offline, Family::Unused, [unknown(), unknown()]);
    assert!(!led.monitor.panel_view().cannot_report);
    led = led.rounds(1, [well(), well()]);
    assert!(led.monitor.panel_view().cannot_report);
    led = led.reported(&Report::default());
    assert!(!led.monitor.panel_view().cannot_report);
    assert_eq!(led.monitor.reporting.state, ReportingState::Fine);
    // A refusal is final at once, and a success takes it back.
    led = led.reported(&failed(true));
    assert!(led.monitor.panel_view().cannot_report);
    led = led.reported(&failed(false));
    assert!(!led.monitor.panel_view().cannot_report, "the count begins at one");
    // Before the clock is set no failure counts.
    for _ in 0..5 {
        led.monitor = led.monitor.reported(&failed(false), &undated(599));
    }
    assert!(!led.monitor.panel_view().cannot_report);
    // But nobody waits for ever for somebody to set it.
    for _ in 0..3 {
        led.monitor = led.monitor.reported(&failed(false), &undated(601));
    }
    assert!(led.monitor.panel_view().cannot_report);
}

#[test]
fn a_notice_is_shown_beside_every_other_state() {
    let mut led = Led::new().rounds(3, [down(), well()]);
    let notice = Notice { source: "card".into(), text: "write a country".into() };
    led.monitor.notices = vec![notice.clone()];
    let view = Status::of(&led.monitor, &config(), &at(60));
    assert!(led.monitor.panel_view().notice);
    assert_eq!(view.meaning, "down: ns1.example.net; there is a notice");
    assert_eq!((view.notices, view.state.as_str()), (vec![notice], "down"));
    let reread = led.monitor.clone().reconfigured(&config());
    assert_eq!(reread.notices, led.monitor.notices, "it outlives a reload");
}

#[test]
fn without_a_configuration_nothing_is_known_and_the_exit_code_says_so() {
    let view = Status::unconfigured(Vec::new(), &at(60));
    assert_eq!((view.state.as_str(), view.exit_code()), ("unconfigured", 3));
    assert_eq!(view.meaning, "not configured, no server is watched");
}

#[test]
fn the_exit_code_is_the_worst_thing_known() {
    let code = |led: Led| Status::of(&led.monitor, &config(), &at(60)).exit_code();
    let led = Led::new;
    assert_eq!(code(led()), 3);
    assert_eq!(code(led().rounds(1, [well(), well()])), 0);
    assert_eq!(code(led().rounds(1, [well(), unknown()])), 3);
    assert_eq!(code(led().rounds(1, [down(), unknown()])), 1, "suspect");
    assert_eq!(code(led().rounds(3, [degraded(), unknown()])), 1);
    assert_eq!(code(led().rounds(3, [down(), degraded()])), 2);
    let recovering = led().rounds(3, [down(), well()]).rounds(1, [well(), well()]);
    assert_eq!(code(recovering), 1);
    // What is known to be down stays so when it is not observed.
    let hidden = led().rounds(3, [down(), well()]).rounds(1, [unknown(), unknown()]);
    assert_eq!(code(hidden), 2);
}

#[test]
fn the_status_document_is_the_example_of_the_manual() {
    let mut led = Led::new().rounds(3, [down(), well()]);
    led = led.reported(&crate::decide::testing::known("round1-0", 7));
    let view = Status {
        pilotlight: "0.1.0".to_owned(),
        pid: Some(1234),
        program: Some(Program {
            hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            since: at(0).wall,
        }),
        good_until: Some(5678.0),
        ..Status::of(&led.monitor, &config(), &at(60))
    };
    let json = serde_json::to_string_pretty(&view).unwrap();
    assert_eq!(json, include_str!("../../../tests/json/status.json").trim_end(), "{json}");
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), view);
}
