/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    Nameserver,
    Endpoint,
    /// A zone as the world sees it.
    Zone,
}

/// Follows the name of a zone in the name of its subject.
const WORLD: &str = " as the world sees it";

impl SubjectKind {
    /// Reads the kind from a stored name: an issue's hidden record and `unreported.json` have nothing else.
    /// Only a URL has `://`, and only a zone the words after its name.
    #[must_use]
    pub fn of_name(subject: &str) -> Self {
        match subject {
            _ if subject.ends_with(WORLD) => Self::Zone,
            _ if subject.contains("://") => Self::Endpoint,
            _ => Self::Nameserver,
        }
    }

    /// The name of the subject of a zone.
    #[must_use]
    pub fn zone_subject(zone: &str) -> String {
        format!("{zone}{WORLD}")
    }
}
