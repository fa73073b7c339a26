//! Somebody who looks at the lamps all the time and remembers what they did.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use pilotlight::decide::show::panel::PanelView;

use super::lamp_reader::{self, Sample, WINDOW};
use super::monitor::Monitor;
use super::report::seconds;

/// From look to look: the shortest step of all that is decoded, a wink, takes four of these.
const LOOK: Duration = Duration::from_millis(50);

/// How often a view is sought in what was seen.
const SEEK: Duration = Duration::from_millis(250);

/// The samples of one boot.
pub struct Lamps {
    power_on: Instant,
    samples: Arc<Mutex<Vec<Sample>>>,
    enough: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lamps {
    /// Looks at them through the monitor until QEMU ends; every change is kept in the file.
    pub fn watch(monitor: Arc<Monitor>, power_on: Instant, frames: &Path) -> Self {
        let (samples, enough) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut frames = File::create(frames).unwrap();
        let (seen, stop) = (samples.clone(), enough.clone());
        let thread = thread::spawn(move || {
            let mut before = None;
            while !stop.load(Ordering::Relaxed)
                && let Ok(lit) = monitor.lamps()
            {
                let at = power_on.elapsed();
                if before.replace(lit) != Some(lit) {
                    let names = ["green", "amber", "red"].iter().zip(lit);
                    let names: Vec<&str> = names.filter(|(_, lit)| *lit).map(|(n, _)| *n).collect();
                    let line = format!("{:9.3} {}\n", at.as_secs_f64(), names.join(" "));
                    frames.write_all(line.as_bytes()).unwrap();
                }
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(Sample { at, lit });
                sleep(LOOK);
            }
        });
        Self { power_on, samples, enough, thread: Some(thread) }
    }

    /// Now, as a time since the power came on.
    pub fn now(&self) -> Duration {
        self.power_on.elapsed()
    }

    /// What was seen from then on.
    pub fn since(&self, from: Duration) -> Vec<Sample> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples[samples.partition_point(|sample| sample.at < from)..].to_vec()
    }

    /// Waits until what was seen since then is enough for this, and returns what it makes of it.
    pub fn until<T>(
        &self,
        from: Duration,
        bound: Duration,
        mut enough: impl FnMut(&[Sample]) -> Option<T>,
    ) -> Option<T> {
        let end = self.now() + bound;
        loop {
            if let Some(found) = enough(&self.since(from)) {
                return Some(found);
            }
            if self.now() > end || self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return None;
            }
            sleep(SEEK);
        }
    }

    /// Waits until the lamps show this view, as seen after `from`: when that look began.
    ///
    /// # Errors
    /// When they do not, what they show instead.
    pub fn show(
        &self,
        view: &PanelView,
        from: Duration,
        bound: Duration,
    ) -> Result<Duration, String> {
        let mut last = None;
        let seen = self.until(from, bound, |samples| {
            let end = samples.last()?.at;
            let begin = samples.partition_point(|sample| sample.at + WINDOW < end);
            if begin == 0 && end - samples[0].at + LOOK * 2 < WINDOW {
                return None; // not long enough
            }
            last = lamp_reader::view(&samples[begin..]);
            (last.as_ref() == Some(view)).then(|| samples[begin].at)
        });
        seen.ok_or_else(|| {
            let instead = last.map_or_else(|| "nothing that has a meaning".into(), |f| f.meaning());
            format!("not within {}; they show: {instead}", seconds(bound))
        })
    }
}

impl Drop for Lamps {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
