use crate::config::Config;
use crate::decide::judge::context::JudgeContext;
use crate::decide::judge::endpoint;
use crate::decide::judge::finding::Verdict;
use crate::decide::judge::nameserver::{Assessment, judge_address, judge_one};
use crate::decide::judge::uplink::{Uplink, read};
use crate::decide::judge::world;
use crate::decide::probe::round::{Edns, Round};

/// What a round says, all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub uplink: Uplink,
    /// For each subject of the round: its index in [`Config::subjects`], and its verdict.
    pub verdicts: Vec<(usize, Verdict)>,
}

/// Judges a round that was asked from this configuration.
#[must_use]
pub fn judge(config: &Config, round: &Round) -> Judgement {
    let uplink = read(round);
    let context = JudgeContext { config, round, uplink };
    let mut verdicts: Vec<(usize, Verdict)> = Vec::new();
    let mut latencies = Vec::new();
    for (index, observed) in round.observed.iter().enumerate() {
        let subject = observed.target.nameserver;
        if verdicts.last().is_none_or(|(last, _)| *last != subject) {
            verdicts.push((subject, Verdict::default()));
        }
        let Some((_, verdict)) = verdicts.last_mut() else {
            continue;
        };
        judge_address(&context, observed, verdict, &mut latencies);
        let next = round.observed.get(index + 1);
        if next.is_none_or(|next| next.target.nameserver != subject) {
            verdict.sort();
            latencies.sort_unstable();
            verdict.latency = latencies.get(latencies.len() / 2).copied();
            latencies.clear();
        }
    }
    verdicts.extend(
        round
            .endpoints
            .iter()
            .map(|result| (result.check.subject, endpoint::verdict(result, uplink, &round.at))),
    );
    verdicts.extend(round.world.iter().map(|result| {
        (result.check.subject, world::verdict(result, uplink, &round.at, &config.schedule))
    }));
    Judgement { uplink, verdicts }
}

/// Whether anything in the round looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(round: &Round) -> bool {
    let wrong = round.endpoints.iter().any(endpoint::looks_faulty);
    wrong
        || round.observed.iter().any(|observed| {
            let pairs = observed.target.queries.iter().zip(&observed.observations);
            pairs.into_iter().any(|(question, observation)| {
                matches!(observation.edns, Edns::Refused(_) | Edns::DoRefused(_))
                    || matches!(judge_one(question, observation), Assessment::Faulty(_))
            })
        })
}
