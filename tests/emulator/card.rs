//! The card: a sparse copy of the image, as big as a card is, and the files on its first partition, which
//! are a person's way in. Those are put there as a person does it: while the board is off.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// QEMU wants a power of two; a card is bigger than what is written to it.
const SMALLEST: u64 = 1 << 30;

const SECTOR: u64 = 512;

/// A card in a file.
pub struct Card {
    path: PathBuf,
    /// Of each partition: where it begins, in bytes.
    starts: Vec<u64>,
    dir: PathBuf,
}

impl Card {
    /// Writes the image (as it is, or as `.xz`) to a card, a file in this folder.
    ///
    /// # Panics
    /// When the image cannot be read, or has not three partitions.
    pub fn from_image(image: &Path, dir: &Path) -> Self {
        let path = dir.join("card.img");
        let packed = image.extension().is_some_and(|extension| extension == "xz");
        let mut command = if packed {
            let mut xz = Command::new("xz"); // it leaves holes where there are zeros
            xz.arg("-dc").arg(image).stdout(File::create(&path).unwrap());
            xz
        } else {
            let mut cp = Command::new("cp");
            cp.arg("--sparse=always").arg(image).arg(&path);
            cp
        };
        assert!(command.status().unwrap().success(), "{} can be read", image.display());
        let card = OpenOptions::new().write(true).open(&path).unwrap();
        let written = card.metadata().unwrap().len();
        card.set_len(SMALLEST.max((written + 1).next_power_of_two())).unwrap();
        let mut first = [0; 512];
        File::open(&path).unwrap().read_exact(&mut first).unwrap();
        // The master boot record: four entries of 16 bytes, each with its first sector at 8.
        let entries = first[446..510].chunks(16);
        let starts = entries.map(|e| u32::from_le_bytes([e[8], e[9], e[10], e[11]]));
        let starts: Vec<u64> =
            starts.map(|at| u64::from(at) * SECTOR).filter(|at| *at > 0).collect();
        assert_eq!(starts.len(), 3, "{}: boot, root and data", image.display());
        Self { path, starts, dir: dir.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes there are from the beginning of the third partition to the end of the card.
    pub fn room_for_data(&self) -> u64 {
        fs::metadata(&self.path).unwrap().len() - self.starts[2]
    }

    /// One of mtools, at the first partition.
    fn mtool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("MTOOLS_SKIP_CHECK", "1");
        command.arg("-i").arg(format!("{}@@{}", self.path.display(), self.starts[0]));
        command
    }

    /// Puts a file there.
    pub fn put(&self, name: &str, text: &str) {
        let from = self.dir.join("put");
        fs::write(&from, text).unwrap();
        let status = self.mtool("mcopy").arg("-o").arg(&from).arg(format!("::{name}")).status();
        assert!(status.unwrap().success(), "{name} can be put on the card");
        fs::remove_file(from).unwrap();
    }

    /// Takes a copy of the first of these that is there.
    ///
    /// # Panics
    /// When none is.
    pub fn take(&self, names: &[&str], to: &Path) {
        let copied = |name: &&str| {
            let mut mcopy = self.mtool("mcopy");
            mcopy.args(["-n", "-o"]).arg(format!("::{name}")).arg(to).stderr(Stdio::null());
            mcopy.status().unwrap().success()
        };
        assert!(names.iter().any(copied), "{} can be read from the card", names.join(" or "));
    }

    /// What is in one, if it is there.
    pub fn read(&self, name: &str) -> Option<String> {
        let output = self.mtool("mtype").arg(format!("::{name}")).stderr(Stdio::null()).output();
        let output = output.unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether any byte of the first partition shows this text, in a file or in what a file has left.
    pub fn boot_partition_shows(&self, text: &str) -> bool {
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.starts[0])).unwrap();
        let mut bytes = Vec::new();
        file.take(self.starts[1] - self.starts[0]).read_to_end(&mut bytes).unwrap();
        let text = text.as_bytes();
        bytes.windows(text.len()).any(|window| window == text)
    }

    /// Other bytes there, from this byte of a partition (0: the whole card) on; what was there before.
    pub fn change(&self, partition: usize, at: u64, bytes: &[u8]) -> Vec<u8> {
        let mut card = OpenOptions::new().read(true).write(true).open(&self.path).unwrap();
        let at = at + partition.checked_sub(1).map_or(0, |index| self.starts[index]);
        let mut before = vec![0; bytes.len()];
        card.seek(SeekFrom::Start(at)).unwrap();
        card.read_exact(&mut before).unwrap();
        card.seek(SeekFrom::Start(at)).unwrap();
        card.write_all(bytes).unwrap();
        before
    }

    /// Nothing but zeros, from the beginning of the third partition to the end of the card.
    pub fn destroy_data(&self) {
        let card = OpenOptions::new().write(true).open(&self.path).unwrap();
        let length = card.metadata().unwrap().len();
        card.set_len(self.starts[2]).unwrap();
        card.set_len(length).unwrap();
    }
}
