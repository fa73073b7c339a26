//! The lamps: drivers for the GPIO header, and the thread that draws.

pub mod driver;
mod gpiochip;
pub mod lamp_test;
pub mod open;
pub mod panel;
mod rppal;
pub mod terminal;
