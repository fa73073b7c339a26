//! What was read on the card, before it is judged.

/// The text of a file, without byte order mark and with Unix line ends; empty if the file is blank.
#[derive(Debug)]
pub(super) struct CardText {
    pub(super) name: String,
    pub(super) text: String,
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) key: String,
    /// The name of a network may be any bytes.
    pub(super) value: Vec<u8>,
}

/// What Raspberry Pi Imager set.
#[derive(Debug, Default)]
pub(super) struct ImagerSettings {
    /// A file that has its keys on the same lines, and nothing else.
    pub(super) keys: Option<CardText>,
    pub(super) hostname: Option<Setting>,
    /// Settings of `wifi.conf`.
    pub(super) wifi: Vec<Setting>,
    /// The country of the kernel's command line, without which a radio may not send.
    pub(super) country: Option<String>,
    /// Where a password for logins is set.
    pub(super) password: Option<Setting>,
    /// One of its files cannot be read, so there may be more settings.
    pub(super) broken: bool,
    /// The names of settings that have no meaning here.
    pub(super) unused: Vec<&'static str>,
}

impl Setting {
    pub(super) fn new(file: &CardText, line: usize, key: &str, value: impl AsRef<[u8]>) -> Self {
        let (file, key, value) = (file.name.clone(), key.to_owned(), value.as_ref().to_owned());
        Self { file, line, key, value }
    }
}
