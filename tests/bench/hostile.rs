//! The memory that the daemon takes when nameservers answer with as much as they can.

use std::fmt::Write as _;

use crate::Figure;
use crate::fakes::real::{Extra, Real, Software};
use crate::figures::mb;
use crate::setup::{HERE, Setting, THERE, anchor, peak_memory};

/// The board has 512 MB, the service 64 MB.
const LIMIT: f64 = 24_000_000.0;

/// As many addresses as an answer over TCP has room for.
const ADDRESSES: usize = 4000;

const SETS: usize = 80;
const ZONES: usize = 300;
const SOA: &str = "@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\n";

/// Two nameservers with answers of 64 KB, all of them wrong, in one zone and in many.
pub(crate) fn memory_with_long_answers() -> Vec<Figure> {
    let one = peak(&[("example.net".to_owned(), long_sets())], |setting| {
        for n in 0..SETS {
            writeln!(setting, "{{ name = \"www{n}\", type = \"A\", values = [\"192.0.2.1\"] }},")
                .unwrap();
        }
    });
    let text: String = (0..240).map(|_| format!(" \"{}\"", "x".repeat(250))).collect();
    let zones: Vec<(String, String)> =
        (0..ZONES).map(|n| (format!("zone{n}.example"), format!("{SOA}@ TXT{text}\n"))).collect();
    let many = peak(&zones, |setting| {
        setting.push_str("{ name = \"@\", type = \"TXT\", values = [\"short\"] },\n");
    });
    let wanted = |what, peak: f64| Figure::wanted(what, mb(peak), "<= 24 MB", peak <= LIMIT);
    vec![
        wanted("peak memory, 80 answers of 4,000 records, twice", one),
        wanted("peak memory, 300 zones with 60 KB of text, twice", many),
    ]
}

fn long_sets() -> String {
    let mut zone = SOA.to_owned();
    for n in 0..SETS {
        for m in 0..ADDRESSES {
            writeln!(zone, "www{n} A 10.{n}.{}.{}", m >> 8, m & 255).unwrap();
        }
    }
    zone
}

/// The daemon's peak when it has judged all of these zones.
fn peak(zones: &[(String, String)], records: impl Fn(&mut String)) -> f64 {
    let served: Vec<(&str, &str)> = zones.iter().map(|(name, text)| (&**name, &**text)).collect();
    let extra = Extra { server: " rrl-ratelimit: 0\n", ..Extra::default() };
    let (server, anchor) =
        (Real::start_with(Software::Nsd, &[HERE, THERE], &served, extra), anchor());
    let mut setting = format!(
        "[vantage]\nname = \"bench\"\nanchors = [\"{}\"]\nintercept = []\n[schedule]\ninterval = \"60s\"\nrecheck = \
         \"100ms\"\nqueries-per-second = 0\n[panel]\ndriver = \"none\"\n",
        anchor.addr(),
    );
    for (n, address) in server.addresses().iter().enumerate() {
        writeln!(
            setting,
            "[[nameserver]]\nname = \"ns{n}.example.net\"\naddresses = [\"{address}\"]"
        )
        .unwrap();
    }
    for (name, _) in zones {
        writeln!(setting, "[[zone]]\nname = \"{name}\"\nrecords = [").unwrap();
        records(&mut setting);
        setting.push_str("]\n");
    }
    let setting = Setting::new(&setting);
    let daemon = setting.daemon("down");
    peak_memory(daemon.id())
}
