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
    a_token_that_runs_out_is_told_and_renewed,
    a_bad_reload_changes_nothing,
    a_blip_is_nobodys_business,
    a_board_that_looks_before_its_network_is_there_looks_again_soon,
    a_cut_during_an_outage_neither_ends_nor_repeats_it,
    a_cut_in_the_middle_of_a_round_accuses_nobody,
    a_cut_uplink_accuses_nobody,
    a_github_that_hangs_stops_no_round,
    a_home_without_ipv6_accuses_nobody,
    a_limit_is_obeyed_to_the_second,
    a_listing_that_lags_behind_a_short_outage_leaves_nothing_open,
    a_listing_that_lags_leaves_one_issue_open,
    a_lost_reply_never_makes_a_second_issue,
    a_nameserver_dies_and_returns,
    a_network_that_answers_for_nobody_is_not_believed,
    a_network_that_intercepts_is_believed_nothing,
    a_power_cut_loses_no_outage_that_nobody_could_report,
    a_primary_that_was_made_anew_is_told_so,
    a_quiet_day_writes_nothing,
    a_reload_adds_and_drops_nameservers,
    a_restart_during_an_outage_goes_on_with_its_issue,
    a_secondary_that_lags_is_given_time,
    a_server_that_is_silent_to_edns_limps,
    a_sign_of_life_is_one_issue_that_costs_little,
    a_slow_server_limps,
    a_token_without_permission_shows_on_the_panel,
    a_wrong_record_is_told_with_what_was_expected,
    a_zone_that_travels_in_time_is_no_news,
    an_endpoint_dies_and_returns,
    an_error_after_the_effect_repeats_nothing,
    an_open_resolver_is_found_within_the_hour,
    an_outage_goes_on_in_its_issue_even_when_it_ends_out_of_reach,
    an_outage_that_nobody_could_report_is_filed_closed,
    another_ns_set_says_what_to_do,
    closed_by_hand_silences_that_outage_and_no_other,
    closed_by_hand_stays_closed_until_it_is_over,
    five_zones_are_one_issue,
    flapping_within_the_hour_reopens_the_same_issue,
    limping_briefly_opens_nothing,
    limping_for_an_hour_opens_one_issue_that_follows_what_happens,
    one_family_that_works_is_enough_to_see,
    other_ways_to_fail_are_outages_too,
    signatures_that_run_out_get_worse_and_are_renewed,
    two_nameservers_down_are_two_issues,
    two_outages_that_nobody_could_report_are_two_issues,
    what_people_write_stays,
    without_a_token_the_panel_says_so,
}
