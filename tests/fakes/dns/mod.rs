//! DNS peers for tests: nameservers that answer as a script says, over loopback sockets
//! ([`socket`]) or over a network that lives in memory ([`memnet`]).

pub mod memnet;
pub mod nameserver;
pub mod script;
pub mod socket;
mod wire;
pub mod zone;
