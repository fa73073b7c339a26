//! Plays a scenario: a day in the life of the whole daemon, written as a text that a person can read.
//!
//! The daemon is the real one, and so is its GitHub client. The network is in memory, GitHub is the peer
//! of [`crate::fakes::github`] over loopback HTTP, and time is tokio's, paused: it leaps from one thing
//! that happens to the next, and stands still while a request to GitHub is on its way.
//!
//! ```text
//! # What this day shows. A number sign begins a note, also at the end of a line.
//! given ipv6 | schedule degraded-after 30m      before the day: what is not as usual
//! 00:00  start                                  hours and minutes, and seconds if need be
//! 00:25  ns2 silent
//! 00:31  panel down 2 | issue 1 open "ns2.example.net is down"
//!        nothing written since 00:25            no time: the same as above
//! ```
//!
//! What can be said is in [`clause`], and its words in [`script`], one line of code for each. As usual there
//! are `ns1` and `ns2`, each with one IPv4 address; both serve `example.net`, in which `www` is 192.0.2.80; two anchors; and every
//! setting has its default, but for rounds that start on time (`splay`). `ns3` stands ready for whoever
//! configures it.
//!
//! At the end no issue may be there that no line has spoken of, and no fault may be left that nothing
//! has met.

mod clause;
mod config_file;
mod expect;
mod script;
mod world;

use std::fs;
use std::path::Path;

use clause::Clause;
use script::Script;
pub(crate) use world::World;

/// Plays `tests/scenarios/NAME.txt`.
///
/// # Panics
/// With file, line and clause, when the text cannot be read or the day does not go as written.
pub(crate) fn play(name: &str) {
    let path = Path::new("tests/scenarios").join(format!("{name}.txt"));
    let file = path.display().to_string();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let played = play_text(&text, World::end);
    played.unwrap_or_else(|why| panic!("{file}:{why}"));
}

/// Plays a text, and then lets somebody else look at the world.
///
/// # Errors
/// With line and clause.
pub(crate) fn play_text(
    text: &str,
    end: impl FnOnce(&mut World) -> Result<(), String>,
) -> Result<(), String> {
    let script = Script::read(text)?;
    let runtime = pilotlight::io::runtime::builder().start_paused(true).build().unwrap();
    let played = runtime.block_on(day(&script, end));
    // What a killed daemon had under way at GitHub ends by itself.
    runtime.shutdown_background();
    played
}

async fn day(
    script: &Script,
    end: impl FnOnce(&mut World) -> Result<(), String>,
) -> Result<(), String> {
    let mut world = World::new(&script.given);
    for line in &script.lines {
        let place = |what: &str, why: String| format!("{}: {what}: {why}", line.number);
        let reached = world.run_until(line.at).await;
        reached.map_err(|why| place("until then", why))?;
        world.mark(line.at);
        for (text, clause) in &line.clauses {
            let done = match clause {
                Clause::Act(act) => world.act(act).await,
                Clause::Look(look) => world.look(look),
            };
            done.map_err(|why| place(text, format!("{why}\n{}", world.scene())))?;
        }
    }
    let last = script.lines.last().map_or(0, |line| line.number);
    end(&mut world).map_err(|why| format!("{last}: at the end: {why}\n{}", world.scene()))
}
