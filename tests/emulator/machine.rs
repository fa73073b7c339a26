//! The board: a QEMU process that boots what is on the card, as the firmware would.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use super::card::Card;
use super::lamps::Lamps;
use super::monitor::Monitor;
use crate::fakes::process::{Process, installed};
use crate::fakes::real::free_port;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The device tree of a Pi 3B by the names that the firmware looks for, and as the kernel has it.
const TREES: [&str; 2] = ["bcm2710-rpi-3-b.dtb", "bcm2837-rpi-3-b.dtb"];

/// What only the emulator needs: its serial port, and no hardware watchdog, for arming that one resets
/// QEMU's machine at once.
const APPENDED: &str = "console=ttyAMA0,115200 systemd.watchdog_sec=0";

/// Of those that Raspberry Pis have: with QEMU's own, the kernel would call the network card `usb0`.
const MAC: &str = "b8:27:eb:11:22:33";

/// A port of the guest that something listens on, and the firewall lets nobody reach.
pub const CLOSED: u16 = 8022;

/// A board under power. Dropping it pulls the plug.
pub struct Machine {
    pub lamps: Lamps,
    monitor: Arc<Monitor>,
    serial: PathBuf,
    /// Where the guest's port 22 is to be reached.
    pub ssh: u16,
    /// And its port [`CLOSED`], as far as the network is concerned.
    pub closed: u16,
    qemu: Process,
}

impl Machine {
    /// Switches it on. Its logs are kept in the folder, as those of this boot.
    ///
    /// # Panics
    /// When QEMU does not start.
    pub fn power_on(card: &Card, dir: &Path, boot: usize) -> Self {
        let file = |name: &str| dir.join(name);
        let (kernel, initrd, tree) = (file("kernel"), file("initrd"), file("board.dtb"));
        let config = card.read("config.txt").expect("there is a config.txt");
        let setting = |key: &str| {
            let mut lines = config.lines().filter_map(|line| line.trim().strip_prefix(key));
            let value =
                lines.find_map(|rest| rest.trim_start_matches(['=', ' ']).split(' ').next());
            value.map(str::to_owned)
        };
        card.take(&[setting("kernel=").as_deref().unwrap_or("kernel8.img")], &kernel);
        card.take(&[&setting("initramfs ").expect("config.txt names an initramfs")], &initrd);
        card.take(&TREES, &tree);
        let line = card.read("cmdline.txt").expect("there is a cmdline.txt");
        let serial = file(&format!("serial-{boot}.log"));
        let socket = file("monitor");
        let _ = fs::remove_file(&socket);
        let (ssh, closed) = (free_port(&[HERE]), free_port(&[HERE]));
        let mut qemu = Command::new(installed("qemu-system-aarch64", "qemu-system-arm"));
        qemu.args(["-M", "raspi3b", "-display", "none", "-no-reboot"]);
        qemu.arg("-kernel").arg(&kernel).arg("-initrd").arg(&initrd).arg("-dtb").arg(&tree);
        qemu.arg("-append").arg(format!("{} {APPENDED}", line.trim()));
        qemu.arg("-drive").arg(format!("file={},if=sd,format=raw", card.path().display()));
        qemu.arg("-serial").arg(format!("file:{}", serial.display()));
        qemu.arg("-monitor").arg(format!("unix:{},server,nowait", socket.display()));
        // The guest finds the loopback of this namespace at 10.0.2.2.
        qemu.arg("-netdev").arg(format!(
            "user,id=uplink,hostfwd=tcp:127.0.0.1:{ssh}-:22,hostfwd=tcp:127.0.0.1:{closed}-:{CLOSED}"
        ));
        qemu.arg("-device").arg(format!("usb-net,netdev=uplink,mac={MAC}"));
        let power_on = Instant::now();
        let mut qemu = Process::start(qemu, &file("qemu.log"));
        let mut monitor = None;
        qemu.wait_until("its monitor listens", || {
            monitor = Monitor::connect(&socket).ok();
            monitor.is_some()
        });
        let monitor = Arc::new(monitor.expect("it was connected"));
        let frames = file(&format!("frames-{boot}.txt"));
        let lamps = Lamps::watch(monitor.clone(), power_on, &frames);
        Self { lamps, monitor, serial, ssh, closed, qemu }
    }

    /// What the kernel and systemd said on the serial port.
    pub fn serial(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.serial).unwrap_or_default()).into_owned()
    }

    /// Plugs the uplink in or out. The network card keeps its carrier, as behind a switch whose own
    /// uplink is pulled: packets go out, and none comes back.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn uplink(&self, plugged: bool) -> io::Result<()> {
        let state = if plugged { "on" } else { "off" };
        self.monitor.ask(&format!("set_link uplink {state}")).map(drop)
    }

    /// Waits until it is off by itself; `false` when it stays on for this many times ten seconds.
    pub fn goes_off(&mut self, patience: usize) -> bool {
        (0..patience).any(|_| self.qemu.ended().is_some())
    }

    /// Pulls the plug: what the guest has not written to the card by now never will be.
    pub fn pull_the_plug(mut self) {
        self.qemu.signal("KILL");
        assert!(self.qemu.ended().is_some(), "QEMU can be killed");
    }
}
