//! The words by which scripts know a fault: the journal's `FAULT` field, the JSON's `fault` member.

use std::fmt;

use hickory_resolver::proto::op::ResponseCode;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

use crate::decide::probe::round::rcode_text;

/// What is wrong, without its particulars. A fault of one transport has the code of what fails there in
/// itself: `tcp-closed`, `truncated-rcode-refused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum FaultCode {
    Kind(FaultKind),
    Rcode(ResponseCode),
    Truncated(Box<FaultCode>),
    Tcp(Box<FaultCode>),
    Edns(Box<FaultCode>),
    Do(Box<FaultCode>),
    /// A word of another version, as it stood in that version's file.
    Unknown(String),
}

/// Every fault that has one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    Silent,
    Closed,
    Unreachable,
    Garbled,
    NotAuthoritative,
    NoRecords,
    Alias,
    OtherOwner,
    WrongRecords,
    UnexpectedRecords,
    ManySoa,
    NsSet,
    EdnsOption,
    OpenRecursion,
    Slow,
    SignatureEnds,
    SignatureEnded,
    SignatureAhead,
    #[serde(rename = "serial-behind")]
    SerialStale,
    #[serde(rename = "serial-went-back")]
    SerialRegressed,
    SerialIncomparable,
    #[serde(rename = "serial-ahead")]
    SerialNotReplicated,
    Unsigned,
    NoAddress,
    Mute,
    BrokenOff,
    Tls,
    CertificateEnded,
    CertificateAhead,
    CertificateName,
    CertificateUntrusted,
    CertificateEnds,
    Status,
    Location,
    Text,
    Unsupported,
    NoSuchDomain,
    NotDelegated,
    OtherNameservers,
    DelegationDiffers,
    Glue,
    ParentsDiffer,
    Unresolvable,
    DsWithoutKey,
    DsUnsigned,
    SignatureWrong,
    ChainAbove,
}

impl FaultCode {
    /// The fault shows only when nameservers are compared with each other.
    #[must_use]
    pub fn is_between_nameservers(&self) -> bool {
        matches!(
            self,
            Self::Kind(
                FaultKind::SerialStale
                    | FaultKind::SerialRegressed
                    | FaultKind::SerialIncomparable
                    | FaultKind::SerialNotReplicated
                    | FaultKind::Unsigned
            )
        )
    }
}

impl PartialEq<FaultKind> for FaultCode {
    fn eq(&self, kind: &FaultKind) -> bool {
        *self == Self::Kind(*kind)
    }
}

impl From<FaultKind> for FaultCode {
    fn from(kind: FaultKind) -> Self {
        Self::Kind(kind)
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => kind.serialize(f),
            Self::Rcode(rcode) => write!(f, "rcode-{}", rcode_text(*rcode).to_lowercase()),
            Self::Truncated(inner) => write!(f, "truncated-{inner}"),
            Self::Tcp(inner) => write!(f, "tcp-{inner}"),
            Self::Edns(inner) => write!(f, "edns-{inner}"),
            Self::Do(inner) => write!(f, "do-{inner}"),
            Self::Unknown(word) => f.write_str(word),
        }
    }
}

impl From<FaultCode> for String {
    fn from(code: FaultCode) -> Self {
        code.to_string()
    }
}

impl From<String> for FaultCode {
    fn from(word: String) -> Self {
        let inside =
            |prefix| word.strip_prefix(prefix).map(|rest| Box::new(rest.to_owned().into()));
        let kind = || {
            let word: StrDeserializer<Error> = word.as_str().into_deserializer();
            FaultKind::deserialize(word).ok()
        };
        let rcode = || {
            let name = word.strip_prefix("rcode-")?;
            let mut all = (0..=0xfff_u16).map(Into::into);
            all.find(|rcode| rcode_text(*rcode).eq_ignore_ascii_case(name))
        };
        None.or_else(|| kind().map(Self::Kind))
            .or_else(|| inside("truncated-").map(Self::Truncated))
            .or_else(|| inside("tcp-").map(Self::Tcp))
            .or_else(|| inside("edns-").map(Self::Edns))
            .or_else(|| inside("do-").map(Self::Do))
            .or_else(|| rcode().map(Self::Rcode))
            .unwrap_or(Self::Unknown(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_code_is_read_back_and_an_unknown_word_is_kept() {
        for (word, code) in [
            ("ns-set", FaultKind::NsSet.into()),
            ("edns-option", FaultKind::EdnsOption.into()),
            ("edns-silent", FaultCode::Edns(Box::new(FaultKind::Silent.into()))),
            ("do-silent", FaultCode::Do(Box::new(FaultKind::Silent.into()))),
            ("serial-behind", FaultKind::SerialStale.into()),
            ("rcode-refused", FaultCode::Rcode(ResponseCode::Refused)),
            ("rcode-rcode77", FaultCode::Rcode(ResponseCode::Unknown(77))),
            ("tcp-closed", FaultCode::Tcp(Box::new(FaultKind::Closed.into()))),
            ("edns-silent", FaultCode::Edns(Box::new(FaultKind::Silent.into()))),
            (
                "truncated-rcode-servfail",
                FaultCode::Truncated(Box::new(FaultCode::Rcode(ResponseCode::ServFail))),
            ),
            ("from-the-future", FaultCode::Unknown("from-the-future".to_owned())),
        ] {
            assert_eq!(serde_json::to_value(&code).unwrap(), word);
            assert_eq!(serde_json::from_value::<FaultCode>(word.into()).unwrap(), code);
        }
    }
}
