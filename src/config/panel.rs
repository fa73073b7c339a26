//! The lamps: the panel's three, and those of nameservers and endpoints. No two share a pin.

use super::document::Node;
use super::problem::{Rejection, reject};

/// Pins are BCM numbers of the 40-pin header.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub driver: Driver,
    pub green: u8,
    pub amber: u8,
    pub red: u8,
    /// The lamps of nameservers and endpoints, ascending.
    pub own: Vec<u8>,
    /// A low level lights a lamp, each of them.
    pub active_low: bool,
}

impl Panel {
    /// The pins of all lamps.
    pub fn pins(&self) -> impl Iterator<Item = u8> {
        [self.green, self.amber, self.red].into_iter().chain(self.own.iter().copied())
    }
}

/// The pins of the serial console.
pub(super) const UART: [u8; 2] = [14, 15];

/// Pins that are pulled up while the board starts (BCM2835 ARM Peripherals, page 102).
pub const PULLED_UP: std::ops::RangeInclusive<u8> = 2..=8;

/// The way to light the lamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// rppal, else gpiochip, else none.
    Auto,
    /// The registers of the board's GPIO block.
    Rppal,
    /// The kernel's GPIO character device.
    Gpiochip,
    /// One line on the terminal.
    Terminal,
    None,
}

/// The lamps so far.
#[derive(Default)]
pub(super) struct PinAssignments<'a> {
    /// With their pins; a key without a value has its default.
    keys: Vec<(Node<'a>, u8)>,
    /// As [`Panel::own`], in the order of the file.
    own: Vec<u8>,
}

impl<'a> PinAssignments<'a> {
    /// Adds the lamp of a nameserver or endpoint.
    pub(super) fn add_subject(&mut self, key: &Node<'a>) -> Option<u8> {
        let pin = self.add(key, None);
        self.own.extend(pin);
        pin
    }

    /// Adds a lamp, unless its pin is impossible or taken.
    fn add(&mut self, key: &Node<'a>, default: Option<u8>) -> Option<u8> {
        let pin = if key.exists() { pin(key)? } else { default? };
        let Some((other, _)) = self.keys.iter().find(|(_, other)| *other == pin) else {
            self.keys.push((key.clone(), pin));
            return Some(pin);
        };
        // The later lamp is rejected, unless it has its default and the file names the other.
        let (lamp, other) = if key.exists() { (key, other) } else { (other, key) };
        let next = "give each lamp its own; by default green is 17, amber 27 and red 22";
        let why = Rejection::new(format!("is already {}", other.path), next);
        lamp.reject_as(&format!("GPIO {pin}"), why);
        None
    }

    pub(super) fn complete(mut self, panel: Panel) -> Panel {
        self.own.sort_unstable();
        Panel { own: self.own, ..panel }
    }
}

fn pin(node: &Node<'_>) -> Option<u8> {
    let next = "write a BCM number from 2 to 27";
    let number = node.number_or(0..=27, next)?;
    if number < 2 {
        // ID_SD and ID_SC: the firmware reads them at each start (Raspberry Pi HAT specification).
        let why = Rejection::new("is reserved for the EEPROM of a HAT", next);
        node.reject_as(&format!("GPIO {number}"), why);
        return None;
    }
    u8::try_from(number).ok()
}

/// The panel with its own three lamps.
pub(super) fn panel<'a>(root: &Node<'a>, pins: &mut PinAssignments<'a>) -> Panel {
    let table = root.get("panel").table("driver green amber red active-low");
    let mut lamp = |key, default| pins.add(&table.get(key), Some(default)).unwrap_or(default);
    Panel {
        green: lamp("green", 17),
        amber: lamp("amber", 27),
        red: lamp("red", 22),
        own: Vec::new(),
        driver: table.get("driver").text("auto", driver).unwrap_or(Driver::Auto),
        active_low: table.get("active-low").flag().unwrap_or(false),
    }
}

fn driver(text: &str) -> Result<Driver, Rejection> {
    match text {
        "auto" => Ok(Driver::Auto),
        "rppal" => Ok(Driver::Rppal),
        "gpiochip" => Ok(Driver::Gpiochip),
        "terminal" => Ok(Driver::Terminal),
        "none" => Ok(Driver::None),
        _ => reject("is not a driver", "write auto, rppal, gpiochip, terminal or none"),
    }
}
