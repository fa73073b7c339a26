//! The lamps through the registers of the board's GPIO block, by rppal.
//!
//! rppal is retired upstream, and all that is known of it stays in this file. It wants three things: a model
//! that it knows (`/proc/cpuinfo`, the device tree), the registers (`/dev/gpiomem`, `/dev/gpiomem0` on a
//! Pi 5, else `/dev/mem`), and the GPIO character device with the header's label (`/dev/gpiochip0`, or the
//! first few without a gap), although it only needs that for inputs.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;

use rppal::gpio::{Error, Gpio, Level, OutputPin};
use rppal::system::{DeviceInfo, SoC};

use crate::config::Panel as Wiring;
use crate::decide::show::panel::Lamps;
use crate::io::gpio::driver::{Driver, LampError};
use crate::io::gpio::driver::{denied, lit, pins};

const NAME: &str = "rppal";

/// Pins that are outputs and stay so.
pub(super) struct Rppal {
    outputs: BTreeMap<u8, OutputPin>,
    wiring: Wiring,
}

impl Rppal {
    /// Makes the pins outputs, and the lamps dark.
    pub(super) fn open(wiring: &Wiring) -> Result<Self, LampError> {
        let gpio = Gpio::new().map_err(|error| LampError::new(NAME, why(error)))?;
        let mut outputs = BTreeMap::new();
        for number in pins(wiring) {
            let pin = gpio.get(number);
            let pin = pin.map_err(|error| LampError::new(NAME, why(error)))?;
            // The level first and the direction after it: no lamp flashes.
            let mut output =
                if wiring.active_low { pin.into_output_high() } else { pin.into_output_low() };
            // Reset, the pin would float, and a floating lamp may glow. Dark is a level that stays.
            output.set_reset_on_drop(false);
            outputs.insert(number, output);
        }
        Ok(Self { outputs, wiring: wiring.clone() })
    }
}

impl Driver for Rppal {
    fn name(&self) -> &str {
        NAME
    }

    fn show(&mut self, lamps: Lamps) -> Result<(), LampError> {
        for (pin, lit) in lit(&self.wiring, lamps) {
            let output = self.outputs.get_mut(&pin).expect("every pin was taken");
            output.write(Level::from(lit != self.wiring.active_low));
        }
        Ok(()) // a register takes everything
    }
}

/// What is missing, and what to do.
fn why(error: Error) -> String {
    match error {
        Error::UnknownModel => "this is no Raspberry Pi that it knows (/proc/cpuinfo, \
             /sys/firmware/devicetree/base); gpiochip may know its pins, terminal draws the lamps here"
            .into(),
        // rppal's last resort. Whoever may not open it lacks the device that is meant for this.
        Error::PermissionDenied(device) if device == "/dev/mem" => no_registers("/dev/gpiomem"),
        Error::PermissionDenied(device) => denied(&device),
        Error::Io(error) => device_failed(&error),
        other => other.to_string(),
    }
}

/// rppal does not say which device it was.
fn device_failed(error: &io::Error) -> String {
    let registers = match DeviceInfo::new() {
        Ok(board) if board.soc() == SoC::Bcm2712 => "/dev/gpiomem0",
        _ => "/dev/gpiomem",
    };
    match error.kind() {
        ErrorKind::PermissionDenied => denied(registers),
        ErrorKind::NotFound if !Path::new(registers).exists() => no_registers(registers),
        ErrorKind::NotFound => {
            "/dev/gpiochip0 and those after it: none is the header's; this kernel may \
             have no driver for it, or may have numbered it behind a gap, where gpiochip finds it"
                .into()
        }
        _ => format!("{registers} or /dev/gpiochip*: {error}"),
    }
}

fn no_registers(device: &str) -> String {
    format!(
        "{device}: there is no such device; this kernel lacks the driver for it (Raspberry Pi's own kernels \
         have it), and gpiochip needs none"
    )
}
