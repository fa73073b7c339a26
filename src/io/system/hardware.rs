//! What the kernel says of the board that we run on.

use std::fs;
use std::path::Path;

use crate::decide::report::heartbeat::Hardware;
use crate::io::clock;

/// Looks, below this folder (`/`); what the kernel does not show is left out.
#[must_use]
pub fn read(root: &Path) -> Hardware {
    let text = |path: &Path| {
        let text = fs::read_to_string(path).ok()?;
        // The device tree ends its texts as C does.
        Some(text.trim_end_matches(['\0', '\n']).to_owned()).filter(|text| !text.is_empty())
    };
    let celsius = text(&root.join("sys/class/thermal/thermal_zone0/temp"));
    let hwmon = fs::read_dir(root.join("sys/class/hwmon")).into_iter().flatten().flatten();
    // raspberrypi-hwmon, which asks the firmware. Debian's kernel for arm64 lacks it, and our image adds it.
    let alarms = hwmon.filter_map(|sensor| match text(&sensor.path().join("name"))?.as_str() {
        "rpi_volt" => text(&sensor.path().join("in0_lcrit_alarm")),
        _ => None,
    });
    Hardware {
        model: text(&root.join("proc/device-tree/model")),
        up: clock::boot(),
        celsius: celsius.and_then(|text| Some(text.parse::<f64>().ok()? / 1e3)),
        under_voltage: alarms.map(|alarm| alarm != "0").next(),
        debian: text(&root.join("usr/lib/pilotlight/debian-date"))
            .and_then(|date| date.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_read_as_far_as_the_kernel_shows_it() {
        let root = tempfile::tempdir().unwrap();
        let bare = read(root.path());
        assert_eq!((bare.model, bare.celsius, bare.under_voltage), (None, None, None));
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/device-tree/model", "Raspberry Pi 3 Model B Rev 1.2\0");
        write("sys/class/thermal/thermal_zone0/temp", "48312\n");
        write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n");
        write("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
        write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
        let board = read(root.path());
        assert_eq!(board.model.as_deref(), Some("Raspberry Pi 3 Model B Rev 1.2"));
        assert_eq!((board.celsius, board.under_voltage), (Some(48.312), Some(true)));
        assert_eq!(board.debian, None);
        write("usr/lib/pilotlight/debian-date", "2026-11-29\n");
        assert_eq!(read(root.path()).debian, Some(jiff::civil::date(2026, 11, 29)));
    }
}
