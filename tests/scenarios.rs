//! Days in the life of the whole daemon: each test plays the text of its name in `tests/scenarios`. How
//! such a text is written is told in [`crate::scenario_runner`].

use std::collections::BTreeSet;
use std::fs;

use crate::scenario_runner::play;

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                play(stringify!($name));
            }
        )*

        #[test]
        fn every_text_in_the_folder_is_played() {
            let listed = BTreeSet::from([$(stringify!($name).to_owned()),*]);
            let files = fs::read_dir("tests/scenarios").unwrap();
            let files = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
            let found: BTreeSet<String> = files.map(|stem| stem.into_string().unwrap()).collect();
            assert_eq!(listed, found);
        }
    };
}

scenarios! {
    a_bad_reload_changes_nothing,
    a_cut_uplink_opens_nothing,
    a_degradation_of_an_hour_opens_one_issue,
    a_github_that_hangs_stops_no_round,
    a_heartbeat_is_one_issue_and_few_requests,
    a_home_without_ipv6_opens_nothing,
    a_limit_is_obeyed_to_the_second,
    a_listing_that_lags_behind_a_short_outage_leaves_nothing_open,
    a_listing_that_lags_leaves_one_issue_open,
    a_lost_reply_never_makes_a_second_issue,
    a_nameserver_dies_and_returns,
    a_power_cut_loses_no_unreported_outage,
    a_primary_whose_serial_went_back_is_at_fault,
    a_quiet_day_writes_nothing,
    a_reload_adds_and_drops_nameservers,
    a_restart_during_an_outage_goes_on_with_its_issue,
    a_server_that_is_silent_to_edns_is_degraded,
    a_short_degradation_opens_nothing,
    a_signature_close_to_its_end_is_degraded_and_an_expired_one_is_down,
    a_single_failed_round_opens_nothing,
    a_slow_server_is_degraded,
    a_stale_secondary_has_a_grace_period,
    a_start_without_a_network_is_repeated_after_seconds,
    a_token_close_to_its_end_has_an_issue_until_it_is_renewed,
    a_token_without_permission_shows_on_the_panel,
    a_web_check_that_hangs_delays_no_nameserver,
    a_zone_transfer_within_the_grace_period_is_well,
    an_answer_from_an_address_without_a_server_is_interception,
    an_endpoint_dies_and_returns,
    an_error_after_a_successful_write_repeats_nothing,
    an_intercepting_network_opens_nothing,
    an_issue_about_another_ns_set_says_what_to_do,
    an_issue_closed_by_a_person_silences_that_outage_and_no_other,
    an_issue_closed_by_a_person_stays_closed_until_the_outage_ends,
    an_issue_whose_text_github_refuses_has_one_comment_and_is_closed,
    an_open_resolver_is_found_within_the_hour,
    an_outage_during_a_github_outage_is_filed_closed,
    an_outage_that_ends_while_github_is_down_closes_its_issue,
    an_uplink_cut_during_an_outage_neither_ends_nor_repeats_it,
    an_uplink_cut_in_the_middle_of_a_round_opens_nothing,
    five_zones_are_one_issue,
    flapping_within_the_hour_reopens_the_same_issue,
    labels_and_assignees_that_github_refuses_are_left_out_a_second_later,
    one_address_family_is_enough_to_find_an_outage,
    one_refused_issue_does_not_end_a_report,
    refused_servfail_and_no_authority_are_outages,
    text_that_people_write_stays,
    the_issue_shows_the_wrong_and_the_expected_record,
    two_nameservers_down_are_two_issues,
    two_outages_during_a_github_outage_are_two_issues,
    without_a_token_the_panel_says_so,
}
