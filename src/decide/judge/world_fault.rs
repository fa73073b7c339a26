use hickory_resolver::proto::rr::{Name, RecordType};
use jiff::Timestamp;
use thiserror::Error;

use crate::config::type_text;
use crate::decide::judge::fault_code::FaultKind;
use crate::decide::judge::finding::Severity;
use crate::decide::probe::query::name_text;
use crate::decide::time::wall_text;

/// What is wrong with a zone as the world sees it. The texts complete "it …", of the server that was asked.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum WorldFault {
    #[error(
        "has no such domain: it has expired, or its registration has ended; renew it at the registrar"
    )]
    NoSuchName,
    #[error(
        "does not delegate the zone to any nameserver; enter its nameservers at the registrar or in the zone above"
    )]
    NoNameservers,
    #[error(
        "has a CNAME to {} in place of the delegation; remove it from the zone above, and enter the nameservers",
        name_text(_0)
    )]
    Alias(Name),
    #[error(
        "delegates the zone to {0}, and to none of your nameservers: the domain has moved, or somebody has taken \
         it over; compare the nameservers at the registrar, and who may change them"
    )]
    OtherNameservers(String),
    #[error(
        "delegates the zone to other nameservers than the zone's own NS set: missing {missing}, extra {extra}; \
         correct them at the registrar, or the NS records in the zone"
    )]
    NsSet { missing: String, extra: String },
    #[error("has no address (glue) for {0}; enter the address of this nameserver at the registrar")]
    GlueMissing(String),
    #[error(
        "has the address (glue) {found} for {name}, which should have {expected}; correct it at the registrar"
    )]
    GlueDiffers { name: String, found: String, expected: String },
    #[error(
        "leads to none of your nameservers: its addresses (glue) are {0}; correct them at the registrar"
    )]
    GlueLost(String),
    #[error(
        "answers otherwise than {0}, another server of the same zone; if it lasts, tell the registrar or the \
         operator of that zone"
    )]
    ParentsDiffer(String),
    #[error(
        "does not answer, nor does any other server of {}: the zone cannot be resolved from the roots",
        zone_text(_0)
    )]
    Unresolvable(Name),
    #[error(
        "has a DNSKEY set without the key of a DS record of the zone above (key tag {0}): resolvers that validate \
         reject the whole zone; replace the DS record at the registrar, or sign with that key again"
    )]
    DsWithoutKey(String),
    #[error(
        "has no DNSKEY, but the zone above has a DS record (key tag {0}): resolvers that validate reject the \
         whole zone; remove the DS record at the registrar, or sign the zone again"
    )]
    DsUnsigned(String),
    #[error("has a {} set that resolvers that validate reject: {fault}; sign the zone again", type_text(*.rtype))]
    Signature { rtype: RecordType, fault: SignatureFault },
    #[error(
        "has a {} set whose last signature ends at {}; sign the zone again before that",
        type_text(*.rtype), wall_text(Some(*.at))
    )]
    SignatureEnds { rtype: RecordType, at: Timestamp },
    #[error(
        "breaks the chain of trust at {}, above this zone: {fault}. It is not yours to mend: tell the operator of \
         that zone. Resolvers that validate reject everything below it",
        zone_text(.zone)
    )]
    Above { zone: Name, fault: String },
}

/// Why no signature of a record set counts.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SignatureFault {
    #[error("it has no signature (RRSIG)")]
    Missing,
    #[error("it is signed with a key (key tag {0}) to which the chain of trust does not lead")]
    UnknownKey(u16),
    #[error("its signature (key tag {0}) does not verify")]
    Wrong(u16),
    #[error("its signature ended at {}", wall_text(Some(*_0)))]
    Ended(Timestamp),
    #[error("its signature is not valid before {}", wall_text(Some(*_0)))]
    Ahead(Timestamp),
    /// Nothing is known then.
    #[error("its signature has the algorithm {0}, which pilotlight cannot verify")]
    Unsupported(String),
}

impl WorldFault {
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NoSuchName => FaultKind::NoSuchDomain,
            Self::NoNameservers | Self::Alias(_) => FaultKind::NotDelegated,
            Self::OtherNameservers(_) => FaultKind::OtherNameservers,
            Self::NsSet { .. } => FaultKind::DelegationDiffers,
            Self::GlueMissing(_) | Self::GlueDiffers { .. } | Self::GlueLost(_) => FaultKind::Glue,
            Self::ParentsDiffer(_) => FaultKind::ParentsDiffer,
            Self::Unresolvable(_) => FaultKind::Unresolvable,
            Self::DsWithoutKey(_) => FaultKind::DsWithoutKey,
            Self::DsUnsigned(_) => FaultKind::DsUnsigned,
            Self::Signature { fault: SignatureFault::Ended(_), .. } => FaultKind::SignatureEnded,
            Self::Signature { fault: SignatureFault::Ahead(_), .. } => FaultKind::SignatureAhead,
            Self::Signature { .. } => FaultKind::SignatureWrong,
            Self::SignatureEnds { .. } => FaultKind::SignatureEnds,
            Self::Above { .. } => FaultKind::ChainAbove,
        }
    }

    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NsSet { .. }
            | Self::GlueMissing(_)
            | Self::GlueDiffers { .. }
            | Self::ParentsDiffer(_)
            | Self::Unresolvable(_)
            | Self::SignatureEnds { .. } => Severity::Degraded,
            _ => Severity::Down,
        }
    }

    /// The fault is in the chain of trust, and not in the delegation.
    #[must_use]
    pub fn is_of_the_chain(&self) -> bool {
        matches!(
            self,
            Self::DsWithoutKey(_)
                | Self::DsUnsigned(_)
                | Self::Signature { .. }
                | Self::SignatureEnds { .. }
                | Self::Above { .. }
        )
    }
}

/// `the root` for the root, which has no other name.
#[must_use]
pub fn zone_text(zone: &Name) -> String {
    if zone.is_root() { "the root".to_owned() } else { name_text(zone) }
}
