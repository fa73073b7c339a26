//! The lamps through the kernel's GPIO character device, by gpiocdev.
//!
//! Slower than registers (one system call a frame, which is nothing at our pace), but it works on every
//! kernel and the kernel sees to it that nobody else drives the same pins. Which number the header's chip
//! has differs between boards and kernels, so it is found by its label.
//!
//! When the process ends, however it does, the kernel takes the pins back. Whether the lamps then keep their
//! level or go dark depends on the kernel; [`Driver::dark`] first, as everywhere.

use std::io::{self, ErrorKind};

use gpiocdev::chip::chips;
use gpiocdev::line::{Offset, Value, Values};
use gpiocdev::{Chip, Error, Request};

use crate::config::Panel as Wiring;
use crate::decide::show::panel::Lamps;
use crate::io::gpio::driver::{Driver, LampError};
use crate::io::gpio::driver::{denied, lit, pins};

const NAME: &str = "gpiochip";

/// What the kernel calls the chip behind the 40-pin header: up to the Pi 3 and the Zeros, Pi 4, Pi 5. On
/// each of them a line's offset is its BCM number.
const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// Lines that are held, as outputs.
pub(super) struct Gpiochip {
    lines: Request,
    wiring: Wiring,
}

impl Gpiochip {
    /// Makes the pins outputs, and the lamps dark.
    pub(super) fn open(wiring: &Wiring) -> Result<Self, LampError> {
        let error = |why| LampError::new(NAME, why);
        let chip = header()?;
        let offsets: Vec<Offset> = pins(wiring).into_iter().map(Offset::from).collect();
        let mut request = Request::builder();
        request.on_chip(chip.path()).with_consumer("pilotlight");
        request.with_lines(&offsets).as_output(Value::Inactive);
        if wiring.active_low {
            request.as_active_low();
        }
        let lines = request.request();
        let lines = lines.map_err(|refused| error(held(&chip, &offsets, &refused)))?;
        Ok(Self { lines, wiring: wiring.clone() })
    }
}

impl Driver for Gpiochip {
    fn name(&self) -> &str {
        NAME
    }

    fn show(&mut self, lamps: Lamps) -> Result<(), LampError> {
        let value = |(pin, lit): (u8, bool)| (Offset::from(pin), Value::from(lit));
        let values: Values = lit(&self.wiring, lamps).map(value).collect();
        let set = self.lines.set_values(&values);
        set.map_err(|error| LampError::new(NAME, error))
    }
}

/// The chip behind the header.
fn header() -> Result<Chip, LampError> {
    let (mut others, mut refused) = (Vec::new(), None);
    let paths = chips().map_err(|error| LampError::new(NAME, format!("/dev: {error}")))?;
    for path in paths {
        let device = path.display();
        let opened = Chip::from_path(&path).and_then(|chip| Ok((chip.info()?.label, chip)));
        match opened {
            Ok((label, chip)) if LABELS.contains(&label.as_str()) => return Ok(chip),
            Ok((label, _)) => others.push(format!("{device} is {label}")),
            Err(error) if is_denied(&error) => {
                refused.get_or_insert_with(|| denied(&device.to_string()));
            }
            Err(error) => others.push(format!("{device}: {error}")),
        }
    }
    if let Some(refused) = refused {
        return Err(LampError::new(NAME, refused)); // it may be the one
    }
    if others.is_empty() {
        return Err(LampError::new(
            NAME,
            "/dev/gpiochip*: there is none; this is not a Raspberry Pi, or its kernel has no driver for its pins",
        ));
    }
    Err(LampError::new(
        NAME,
        format!(
            "no chip has the label of a Raspberry Pi's header ({}): {}",
            LABELS.join(", "),
            others.join(", ")
        ),
    ))
}

fn is_denied(error: &Error) -> bool {
    let Error::Os(errno) = error else {
        return false;
    };
    io::Error::from_raw_os_error(errno.0).kind() == ErrorKind::PermissionDenied
}

/// Why the lines were refused; most often another program has one of them.
fn held(chip: &Chip, offsets: &[Offset], refused: &Error) -> String {
    let infos = offsets.iter().filter_map(|&pin| chip.line_info(pin).ok());
    let used = infos.filter(|line| line.used).map(|line| {
        let by = Some(line.consumer).filter(|by| !by.is_empty());
        let by = by.unwrap_or_else(|| "the kernel".into());
        format!("GPIO {} is held by {by}", line.offset)
    });
    let used: Vec<String> = used.collect();
    let chip = chip.path().display();
    if used.is_empty() {
        return format!("{chip}: {refused}");
    }
    format!("{chip}: {}; stop that program, or give the lamp another pin", used.join(", "))
}
