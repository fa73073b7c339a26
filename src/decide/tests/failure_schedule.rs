//! A month as chance would have it: when the uplink is cut, and when the nameservers are out.

/// Milliseconds.
use crate::rng::Rng;

pub(super) type Time = u64;
pub(super) const SECOND: Time = 1000;
pub(super) const MINUTE: Time = 60 * SECOND;
pub(super) const HOUR: Time = 60 * MINUTE;
pub(super) const DAY: Time = 24 * HOUR;
pub(super) const MONTH: Time = 30 * DAY;

/// How long after its begin a round may be under way.
pub(super) const LONGEST: Time = 30 * SECOND;

impl Rng {
    /// From 0 to 1, never 0.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// As likely from one second to ten as from one hour to ten.
    pub(super) fn span(&mut self, from: Time, to: Time) -> Time {
        let (low, high) = ((from as f64).ln(), (to as f64).ln());
        (low + self.unit() * (high - low)).exp() as Time
    }
}

/// Something that lasts from the one time to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub(super) Time, pub(super) Time);

impl Span {
    pub(super) fn has(self, time: Time) -> bool {
        self.0 <= time && time < self.1
    }

    pub(super) fn touches(self, from: Time, to: Time) -> bool {
        self.0 < to && from < self.1
    }
}

/// Spans in the order of their begin, asked about as time goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans {
    pub(super) all: Vec<Span>,
    /// Those before it are over.
    first: usize,
}

impl Spans {
    pub(super) fn new(mut all: Vec<Span>) -> Self {
        all.sort_by_key(|span| span.0);
        Self { all, first: 0 }
    }

    /// Those that matter to a round that begins then.
    pub(super) fn near(&mut self, time: Time) -> Vec<Span> {
        while self.all.get(self.first).is_some_and(|span| span.1 <= time) {
            self.first += 1;
        }
        let rest = self.all[self.first..].iter();
        rest.take_while(|span| span.0 < time + LONGEST).copied().collect()
    }
}

/// The failure schedule of a month, and of a moment.
#[derive(Debug)]
pub(super) struct FailureSchedule<T> {
    /// Of both families, and of IPv6 alone.
    pub(super) cuts: T,
    pub(super) cuts_of_ipv6: T,
    /// Of each nameserver.
    pub(super) outages: [T; 2],
}

pub(super) type Month = FailureSchedule<Spans>;

impl Month {
    pub(super) fn new(rng: &mut Rng, outages: usize) -> Self {
        let outages = [0, 1].map(|_| spread(rng, outages / 2));
        let mut cuts = |count: usize| -> Vec<Span> {
            let cut = |_| {
                let from = rng.between(0, MONTH);
                Span(from, from + rng.span(3 * SECOND, 8 * HOUR))
            };
            // Between two outages there is time to see that the first is over.
            let quiet = |cut: &Span| {
                let all = outages.iter().flatten();
                let last_quiet =
                    all.map(|outage| Span(outage.0.saturating_sub(30 * MINUTE), outage.0));
                !last_quiet.into_iter().any(|quiet| quiet.touches(cut.0, cut.1))
            };
            (0..count).map(cut).filter(quiet).collect()
        };
        let (cuts, cuts_of_ipv6) = (Spans::new(cuts(20)), Spans::new(cuts(10)));
        Self { cuts, cuts_of_ipv6, outages: outages.map(Spans::new) }
    }

    /// What matters to a round that begins then; `None`: nothing does.
    pub(super) fn near(&mut self, time: Time) -> Option<FailureSchedule<Vec<Span>>> {
        let Self { cuts, cuts_of_ipv6, outages: [first, second] } = self;
        let near = FailureSchedule {
            cuts: cuts.near(time),
            cuts_of_ipv6: cuts_of_ipv6.near(time),
            outages: [first.near(time), second.near(time)],
        };
        let none = near.cuts.is_empty() && near.cuts_of_ipv6.is_empty();
        let quiet = none && near.outages.iter().all(Vec::is_empty);
        (!quiet).then_some(near)
    }
}

impl FailureSchedule<Vec<Span>> {
    pub(super) fn cut(&self, v6: bool, time: Time) -> bool {
        let has = |span: &Span| span.has(time);
        self.cuts.iter().any(has) || (v6 && self.cuts_of_ipv6.iter().any(has))
    }

    pub(super) fn out(&self, subject: usize, time: Time) -> bool {
        self.outages[subject].iter().any(|outage| outage.has(time))
    }
}

/// So many outages in a month, of two minutes to two days, with an hour or more between them.
pub(super) fn spread(rng: &mut Rng, count: usize) -> Vec<Span> {
    if count == 0 {
        return Vec::new();
    }
    for _ in 0..1000 {
        let lengths: Vec<Time> = (0..count).map(|_| rng.span(2 * MINUTE, 2 * DAY)).collect();
        let free = MONTH.saturating_sub(lengths.iter().sum());
        let gaps = count as Time + 1;
        if free < gaps * 2 * HOUR {
            continue;
        }
        let mut now = 0;
        let mut spans = Vec::new();
        for length in lengths {
            now += HOUR + rng.between(0, 2 * (free / gaps - HOUR));
            spans.push(Span(now, now + length));
            now += length;
        }
        return spans;
    }
    unreachable!("most months have room");
}
