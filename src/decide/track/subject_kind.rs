/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    Nameserver,
    Endpoint,
}

impl SubjectKind {
    /// Reads the kind from a stored name: an issue's hidden record and `unreported.json` have nothing else.
    /// Only a URL has `://`.
    #[must_use]
    pub fn of_name(subject: &str) -> Self {
        if subject.contains("://") { Self::Endpoint } else { Self::Nameserver }
    }
}
