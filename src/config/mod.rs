//! The configuration: from the text of a TOML file to a checked [`Config`].
//!
//! Every problem of a file is found here, all at once, so the rest of the program never meets a bad value.
//! Parsing opens no file: [`Environment`] has the files that a text names, and the default name of the vantage.
//!
//! | layer, each importing only those above it | |
//! |---|---|
//! | `problem` | place, value, reason, next step |
//! | `document` | the walk over TOML |
//! | `value`, `environment`, `certificates` | times and URLs; files, and those of authorities |
//! | `lexer`, `name` | the zone-file lexer; DNS names |
//! | `registry` | the record types of the IANA registry, and the form of their values |
//! | `records`, `rdata`, `absence`, `zone_data`, `zone_file` | record sets, what must not exist, and how a zone file is read |
//! | `panel`, `hosts`, `trust_anchor`, `zone`, `endpoint`, `github`, `notify`, `schedule` | one table of the file each: its type and its check |
//! | `root`, `candidate` | the whole [`Config`]; `check --nameserver` |

mod absence;
mod candidate;
mod certificates;
mod document;
mod endpoint;
mod environment;
mod github;
mod hosts;
mod lexer;
mod name;
mod notify;
mod panel;
mod problem;
mod rdata;
mod records;
mod registry;
mod root;
mod schedule;
mod trust_anchor;
mod value;
mod zone;
mod zone_data;
mod zone_file;

pub use absence::IN_TURN;
pub use certificates::certificates;
pub use endpoint::{Endpoint, Host, Scheme};
pub use environment::{Environment, TEXT_ONLY, host_name, read_file};
pub use github::GitHub;
pub use hosts::{Nameserver, Vantage, address_text, addresses_text, server_address};
pub use name::zone_name;
pub use notify::{Heartbeat, Notify, NotifyStyle};
pub use panel::{Driver, PULLED_UP, Panel};
pub use problem::{Problem, Problems, Rejection};
pub use records::{Expected, RecordSet, canonical, is_compared};
pub use registry::type_text;
pub use root::{Config, Hooks};
pub use schedule::Schedule;
pub use trust_anchor::TrustAnchor;
pub use zone::Zone;

/// A commented configuration that loads, for `config --example`.
pub const EXAMPLE: &str = include_str!("example.toml");
