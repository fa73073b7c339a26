//! Which pin lights which lamp: the panel's three, and those that nameservers and endpoints have of their own.

use super::problem::{Wrong, wrong};
use super::spec::{Node, Table};
use super::{Driver, Endpoint, Nameserver, Panel};

const PANEL: &[&str] = &["driver", "green", "amber", "red", "active-low"];

/// Every lamp that has a pin so far, for no two may share one.
pub(super) struct Wires<'a>(Vec<Wire<'a>>);

struct Wire<'a> {
    /// Such as `panel.green`.
    lamp: String,
    pin: u8,
    /// `None`: a default.
    node: Option<Node<'a>>,
}

impl<'a> Wires<'a> {
    /// Adds the lamp at `key`, unless its pin is impossible or taken.
    fn add(&mut self, table: &Table<'a>, key: &str, default: Option<u8>) -> Option<u8> {
        let node = table.get(key);
        let pin = match &node {
            Some(node) => pin(node)?,
            None => default?,
        };
        let lamp = format!("{}.{key}", table.path());
        let Some(old) = self.0.iter().find(|old| old.pin == pin) else {
            self.0.push(Wire { lamp, pin, node });
            return Some(pin);
        };
        // The later lamp is the culprit, unless it has its default and the file names the other.
        let (node, taken_by) = match (&node, &old.node) {
            (Some(node), _) => (node, &old.lamp),
            (None, Some(node)) => (node, &lamp),
            (None, None) => unreachable!("the defaults differ from each other"),
        };
        node.refuse_as(
            format!("GPIO {pin}"),
            wrong(
                format!("is already {taken_by}"),
                "give each lamp its own; by default green is 17, amber 27 and red 22",
            ),
        );
        None
    }
}

/// A pin of the 40-pin header that a lamp may have.
fn pin(node: &Node<'_>) -> Option<u8> {
    let next = "write a BCM number from 2 to 27";
    let number = node.number(0..=27, next.to_owned())?;
    if number < 2 {
        // ID_SD and ID_SC: the firmware reads them at each start (Raspberry Pi HAT specification).
        let why = "is for the EEPROM that tells the board which HAT sits on it";
        node.refuse_as(format!("GPIO {number}"), wrong(why, next));
        return None;
    }
    u8::try_from(number).ok()
}

/// The panel with its own three lamps; [`complete`] adds the others.
pub(super) fn panel<'a>(root: &Table<'a>) -> (Panel, Wires<'a>) {
    let table = root.section("panel", PANEL);
    let mut wires = Wires(Vec::new());
    let mut lamp = |key, default| wires.add(&table, key, Some(default)).unwrap_or(default);
    let panel = Panel {
        green: lamp("green", 17),
        amber: lamp("amber", 27),
        red: lamp("red", 22),
        own: Vec::new(),
        driver: table.text("driver", "auto", driver).unwrap_or(Driver::Auto),
        active_low: table.flag("active-low").unwrap_or(false),
    };
    (panel, wires)
}

/// The lamp of the nameserver or endpoint in this table.
pub(super) fn own<'a>(table: &Table<'a>, wires: &mut Wires<'a>) -> Option<u8> {
    wires.add(table, "lamp", None)
}

pub(super) fn complete(panel: Panel, nameservers: &[Nameserver], endpoints: &[Endpoint]) -> Panel {
    let own = nameservers.iter().map(|n| n.lamp).chain(endpoints.iter().map(|e| e.lamp));
    let mut own: Vec<u8> = own.flatten().collect();
    own.sort_unstable();
    Panel { own, ..panel }
}

fn driver(text: &str) -> Result<Driver, Wrong> {
    match text {
        "auto" => Ok(Driver::Auto),
        "rppal" => Ok(Driver::Rppal),
        "gpiochip" => Ok(Driver::Gpiochip),
        "terminal" => Ok(Driver::Terminal),
        "none" => Ok(Driver::None),
        _ => Err(wrong("is not a driver", "write auto, rppal, gpiochip, terminal or none")),
    }
}
