//! The program on a board that is only files ([`fake`]): what it writes to the registers and to the GPIO
//! character device, and what it says when it cannot.
//!
//! Not proved here: that a lamp is lit by it. The emulator reads the levels, and the eye the rest.

mod fake;

use fake::{Board, GPCLR0, GPFSEL, GPSET0, Running, said};

const GREEN: u32 = 1 << 17;
const AMBER: u32 = 1 << 27;
const RED: u32 = 1 << 22;

/// Function select 1 (output) for the pins 17, 22 and 27, and for no other: three bits each, ten a word.
const OUTPUTS: [u32; 3] = [0, 1 << 21, 1 << 6 | 1 << 21];

fn functions(board: &Board) -> [u32; 3] {
    GPFSEL.map(|at| board.word(at))
}

#[test]
fn rppal_lights_the_lamps_in_turn_and_leaves_them_dark_and_outputs() {
    let board = Board::pi3();
    let daemon = Running::start(board.command(&["run"], "driver = \"rppal\""));
    // Of each frame the last lamp that was lit, and the last that was not: the order is green, amber, red.
    for last in [(GREEN, RED), (AMBER, RED), (RED, AMBER)] {
        board.wait_for(last);
    }
    assert_eq!(functions(&board), OUTPUTS);
    let output = daemon.end("-TERM");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("rppal draws the panel"), "{}", said(&output));
    assert_eq!(board.word(GPCLR0), RED, "it was lit, and is the last to be made dark");
    assert_eq!(functions(&board), OUTPUTS, "an input would float");
}

#[test]
fn lamps_of_a_killed_daemon_stay_lit_until_the_dark_command() {
    let board = Board::pi3();
    let daemon = Running::start(board.command(&["run"], ""));
    board.wait_for((RED, AMBER));
    daemon.end("-KILL");
    assert_eq!(functions(&board), OUTPUTS);
    board.forget();
    let output = board.command(&["lamps", "--dark"], "").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(board.last(), (0, RED));
    assert_eq!(said(&output), "");
    assert_eq!(functions(&board), OUTPUTS);
}

#[test]
fn dark_is_the_other_level_where_lamps_are_active_low() {
    let board = Board::pi3();
    let mut dark = board.command(&["lamps", "--dark"], "active-low = true");
    assert!(dark.output().unwrap().status.success());
    assert_eq!(board.last(), (RED, 0), "nothing was low for a moment");
    assert_eq!(functions(&board), OUTPUTS);
}

#[test]
fn a_pi_5_has_other_registers() {
    const RIO: u64 = 0x1_0000;
    const OUTPUT_ENABLE_SET: u64 = RIO + 0x2000 + 4;
    const OUT_SET: u64 = RIO + 0x2000;
    const OUT_CLEAR: u64 = RIO + 0x3000;
    let board = Board::pi5();
    let mut dark = board.command(&["lamps", "--dark"], "driver = \"rppal\"");
    let output = dark.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for pin in [17, 22, 27] {
        assert_eq!(board.word(pin * 8 + 4), 5, "GPIO {pin} is a plain pin");
    }
    assert_eq!(board.word(18 * 8 + 4), 0);
    assert_eq!(board.word(OUTPUT_ENABLE_SET), AMBER, "the last of three");
    assert_eq!((board.word(OUT_SET), board.word(OUT_CLEAR)), (0, RED));
}

#[test]
fn the_lamps_of_a_broken_configuration_are_still_switched_off() {
    let outputs_5_17_27 = [1 << 15, 1 << 21, 1 << 21];
    let cases = [
        ("[panel]\nred = 5\n[[zone]]\nname = 7\n", outputs_5_17_27, "17, 27, 5"),
        ("[panel]\nred = 5\nthis is no TOML", outputs_5_17_27, "17, 27, 5"),
        ("[panel]\nred = 17\n", OUTPUTS, "17, 27, 22"),
    ];
    for (config, outputs, pins) in cases {
        let board = Board::pi3();
        let dark = board.command_with(&["lamps", "--dark"], config).output().unwrap();
        assert!(dark.status.success(), "{}", said(&dark));
        let end = format!(
            "pilotlight.toml has problems (`pilotlight config` lists them); switching off GPIO {pins}\n"
        );
        assert!(said(&dark).ends_with(&end), "{}", said(&dark));
        assert_eq!((functions(&board), board.word(GPSET0)), (outputs, 0), "{config}");
    }
    let board = Board::pi3();
    let nowhere = "/nowhere/pilotlight.toml".as_ref();
    let dark = board.command_at(&["lamps", "--dark"], nowhere).output();
    assert!(dark.unwrap().status.success());
    assert_eq!(functions(&board), OUTPUTS);
}

#[test]
fn the_gpio_character_device_is_found_by_its_label_and_drives_all_lamps() {
    // A Pi 5 on a kernel that is not Raspberry Pi's: no registers, and the header is not the first chip.
    let board = Board::pi5().without("gpiomem0");
    board.device("gpiochip0", "gpio-brcmstb@107d508500");
    board.device("gpiochip4", "pinctrl-rp1");
    let walk = board.command(
        &["lamps", "--seconds", "1"],
        "active-low = true\n\
        [[nameserver]]\nname = \"ns2.example.net\"\naddresses = [\"127.0.0.1:11\"]\nlamp = 5",
    );
    let walk = Running::start(walk);
    board.wait_for_record("set 5=1 17=1 22=0 27=1"); // degraded
    let output = walk.end("-INT");
    assert!(output.status.success(), "{}", said(&output));
    let record = board.record();
    let begin = [
        "hold output active-low 5=0 17=0 22=0 27=0",
        "set 5=1 17=1 22=0 27=0",
        "set 5=0 17=0 22=0 27=1",
        "set 5=0 17=0 22=1 27=0",
    ];
    assert_eq!(record[..4], begin);
    assert_eq!(record.last().unwrap(), "set 5=0 17=0 22=0 27=0");
    assert!(said(&output).contains("lamps (rppal): /dev/gpiomem0: there is no such device; "));
}

#[test]
fn auto_names_its_driver_and_why_others_do_not_work() {
    let board = Board::pi3().without("gpiomem");
    let daemon = Running::start(board.command(&["run"], ""));
    board.wait_for_record("set 17=1 22=0 27=0");
    let output = daemon.end("-TERM");
    assert!(output.status.success());
    assert_eq!(board.record().last().unwrap(), "set 17=0 22=0 27=0");
    let said = said(&output);
    let why = said.find("lamps (rppal): /dev/gpiomem: there is no such device; this kernel lacks");
    let who = said.find("gpiochip draws the panel");
    assert!(why.is_some() && why < who, "{said}");
}

#[test]
fn auto_without_any_lamps_goes_on_and_says_so() {
    let board = Board::empty();
    let daemon = Running::start(board.command(&["run"], ""));
    let status = board.status();
    let output = daemon.end("-TERM");
    assert!(output.status.success() && status, "{}", said(&output));
    for line in [
        "lamps (rppal): this is no Raspberry Pi that it knows",
        "lamps (gpiochip): /dev/gpiochip*: there is none; ",
        "no driver draws the panel; ",
    ] {
        assert!(said(&output).contains(line), "{}", said(&output));
    }
    let dark = board.command(&["lamps", "--dark"], "").output().unwrap();
    assert!(dark.status.success(), "no lamps are dark lamps");
}

#[test]
fn a_daemon_without_working_lamps_still_watches() {
    let board = Board::empty();
    let daemon = Running::start(board.command(&["run"], "driver = \"rppal\""));
    let status = board.status();
    let output = daemon.end("-TERM");
    assert!(output.status.success() && status, "{}", said(&output));
    assert!(said(&output).contains("lamps (rppal): "), "{}", said(&output));
}

#[test]
fn a_configured_driver_that_cannot_work_is_an_error_with_the_next_step() {
    let group =
        "permission denied; add this user to the group gpio, to which the device should belong";
    let none = "there is no such device; this kernel lacks the driver for it";
    let cases = [
        ("rppal", Board::empty(), "this is no Raspberry Pi that it knows".into()),
        ("rppal", Board::pi3().without("gpiomem"), format!("/dev/gpiomem: {none}")),
        ("rppal", Board::pi3().locked("gpiomem"), format!("/dev/gpiomem: {group}")),
        ("rppal", Board::pi3().locked("gpiochip0"), format!("/dev/gpiochip0: {group}")),
        (
            "rppal",
            Board::pi3().without("gpiochip0"),
            "/dev/gpiochip0 and those after it: none is the header's; ".into(),
        ),
        ("rppal", Board::pi5().without("gpiomem0"), format!("/dev/gpiomem0: {none}")),
        ("rppal", Board::pi5().locked("gpiomem0"), format!("/dev/gpiomem0: {group}")),
        ("gpiochip", Board::empty(), "/dev/gpiochip*: there is none; ".into()),
        ("gpiochip", Board::pi3().locked("gpiochip0"), format!("/dev/gpiochip0: {group}")),
        (
            "gpiochip",
            Board::pi3().held(22),
            "/dev/gpiochip0: GPIO 22 is held by fan; stop that program, ".into(),
        ),
    ];
    for (driver, board, why) in cases {
        for command in [&["lamps"][..], &["lamps", "--dark"]] {
            let panel = format!("driver = {driver:?}");
            let output = board.command(command, &panel).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{driver}: {}", said(&output));
            let expected = format!("pilotlight: lamps ({driver}): {why}");
            assert!(said(&output).starts_with(&expected), "{} is not {expected}", said(&output));
            assert_eq!(said(&output).lines().count(), 1);
        }
    }
    let board = Board::empty();
    board.device("gpiochip0", "brcmvirt-gpio");
    let output = board.command(&["lamps"], "driver = \"gpiochip\"").output();
    assert_eq!(
        said(&output.unwrap()),
        "pilotlight: lamps (gpiochip): no chip has the label of a Raspberry Pi's header (pinctrl-bcm2835, \
         pinctrl-bcm2711, pinctrl-rp1): /dev/gpiochip0 is brcmvirt-gpio\n"
    );
}
