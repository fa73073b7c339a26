//! Messages to the user's services, and the requests that show a service that the daemon lives.
//!
//! Each service gets one request at a time, and none waits for another. What is not delivered is sent again for an
//! hour.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tracing::{info, warn};

use crate::config::{Config, Notify};
use crate::decide::show::change::StateChange;
use crate::decide::show::message::Message;
use crate::decide::track::state::Notice;
use crate::io::clock::Clock;
use crate::io::http::notify::{Delivery, DeliveryError};

/// If more messages than this wait, the oldest is dropped.
const WAITING: usize = 32;

/// The first wait after a failure; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_LAST: Duration = Duration::from_secs(600);

/// A message about something older is of no use.
const TOO_LATE: Duration = Duration::from_secs(3600);

/// One failure may pass; so many in a row are shown.
const SHOWN: u32 = 2;

#[derive(Default)]
pub(super) struct Outbox {
    services: Vec<Service>,
    sending: FuturesUnordered<BoxFuture<'static, Sent>>,
}

/// What one service gets.
struct Service {
    /// `None`: the heartbeat.
    notify: Option<Notify>,
    waiting: VecDeque<Letter>,
    busy: bool,
    failures: u32,
    /// Uptime before which nothing is sent.
    next: Duration,
    /// Why the last request failed.
    why: String,
}

#[derive(Clone)]
struct Letter {
    /// Uptime of the change.
    at: Duration,
    delivery: Delivery,
}

/// The end of a request.
pub(super) struct Sent {
    notify: Option<Notify>,
    letter: Letter,
    result: Result<(), DeliveryError>,
}

impl Outbox {
    /// The services of this configuration, with what waits for them.
    pub(super) fn configured(mut self, config: &Config) -> Self {
        let known = std::mem::take(&mut self.services);
        let heartbeat = config.heartbeat.iter().map(|_| None);
        let all = config.notify.iter().cloned().map(Some).chain(heartbeat);
        self.services = all.map(Service::new).collect();
        for old in known {
            if let Some(new) = self.of(&old.notify) {
                *new = old;
            }
        }
        self
    }

    fn of(&mut self, notify: &Option<Notify>) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.notify == *notify)
    }

    pub(super) fn notify(&mut self, changes: &[StateChange], now: Duration) {
        for service in &mut self.services {
            let Some(Notify { url, style, token_file }) = service.notify.clone() else { continue };
            for change in changes {
                let message = Some(Message::new(change, style));
                let (url, token_file) = (url.clone(), token_file.clone());
                service.add(Letter { at: now, delivery: Delivery { url, token_file, message } });
            }
        }
    }

    /// A round has ended.
    pub(super) fn beat(&mut self, config: &Config, down: bool, now: Duration) {
        let (Some(heartbeat), Some(service)) = (&config.heartbeat, self.of(&None)) else { return };
        let url = if down { &heartbeat.down_url } else { &heartbeat.url };
        let delivery = Delivery { url: url.clone(), token_file: None, message: None };
        service.waiting.clear(); // only the last round counts
        service.add(Letter { at: now, delivery });
    }

    /// Uptime of the next request; `Duration::MAX` if nothing waits.
    fn next(&self) -> Duration {
        let ready = self.services.iter().filter(|s| !s.busy && !s.waiting.is_empty());
        ready.map(|service| service.next).min().unwrap_or(Duration::MAX)
    }

    /// Starts the requests that are due.
    fn send(&mut self, now: Duration) {
        for service in self.services.iter_mut().filter(|s| !s.busy && s.next <= now) {
            let Some(letter) = service.waiting.pop_front() else { continue };
            service.busy = true;
            let notify = service.notify.clone();
            let sent = async move {
                let result = letter.delivery.clone().send().await;
                Sent { notify, letter, result }
            };
            self.sending.push(sent.boxed());
        }
    }

    /// Sends what is due, until a request has come to its end.
    pub(super) async fn sent(&mut self, clock: Clock) -> Sent {
        loop {
            let next = self.next();
            tokio::select! {
                Some(sent) = self.sending.next() => return sent,
                () = clock.sleep_until(next), if next < Duration::MAX => self.send(clock.now().uptime),
                else => return pending().await,
            }
        }
    }

    pub(super) fn done(&mut self, sent: Sent, now: Duration) {
        let Sent { notify, letter, result } = sent;
        let Some(service) = self.of(&notify) else { return }; // no longer configured
        service.busy = false;
        let name = Notify::host(&letter.delivery.url);
        let about = letter.delivery.message.as_ref().map(|message| message.about.clone());
        let Err(error) = result else {
            service.failures = 0;
            service.next = now;
            if let Some(about) = about {
                info!("message sent to {name}: {about}");
            }
            return;
        };
        service.why = format!("{name}: {error}");
        service.next = now + backoff(service.failures);
        service.failures += 1;
        match about {
            Some(about) if now.saturating_sub(letter.at) >= TOO_LATE => {
                warn!("message to {name} given up after an hour: {about}: {error}");
            }
            // A newer round has come.
            None if !service.waiting.is_empty() => {}
            _ => service.waiting.push_front(letter),
        }
    }

    /// The services that fail.
    pub(super) fn notices(&self) -> impl Iterator<Item = Notice> {
        let failing = self.services.iter().filter(|service| service.failures >= SHOWN);
        failing.map(|service| {
            let (source, what) = match service.notify {
                Some(_) => ("notify", "messages"),
                None => ("heartbeat", "heartbeats"),
            };
            Notice {
                source: source.to_owned(),
                text: format!("{what} do not reach {}", service.why),
            }
        })
    }
}

impl Service {
    fn new(notify: Option<Notify>) -> Self {
        Self {
            notify,
            waiting: VecDeque::new(),
            busy: false,
            failures: 0,
            next: Duration::ZERO,
            why: String::new(),
        }
    }

    fn add(&mut self, letter: Letter) {
        self.waiting.push_back(letter);
        if self.waiting.len() > WAITING
            && let Some(Letter { delivery, .. }) = self.waiting.pop_front()
        {
            let (name, message) = (Notify::host(&delivery.url), delivery.message.as_ref());
            let about = message.map_or("", |message| message.about.as_str());
            warn!("too many messages wait for {name}; the oldest is dropped: {about}");
        }
    }
}

fn backoff(failures: u32) -> Duration {
    (BACKOFF_FIRST * 2_u32.pow(failures.min(10))).min(BACKOFF_LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['127.0.0.1'] }]\n\
                          zone = [{ name = 'example.net' }]\n\
                          notify = [{ url = 'https://a.example/secret' }, { url = 'https://b.example/' }]\n\
                          heartbeat = { url = 'https://c.example/', down-url = 'https://c.example/fail' }";

    fn config() -> Config {
        Config::parse("", CONFIG).unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The outbox with this many messages for each service, all of them at the start.
    fn outbox(messages: usize) -> Outbox {
        let mut outbox = Outbox::default().configured(&config());
        for service in &mut outbox.services {
            let url = match &service.notify {
                Some(notify) => notify.url.clone(),
                None => continue,
            };
            for number in 0..messages {
                let message =
                    Message { headers: Vec::new(), body: String::new(), about: number.to_string() };
                let (url, message) = (url.clone(), Some(message));
                let delivery = Delivery { url, token_file: None, message };
                service.add(Letter { at: Duration::ZERO, delivery });
            }
        }
        outbox
    }

    /// The first service's request ends like this.
    fn ends(outbox: &mut Outbox, result: Result<(), DeliveryError>, now: Duration) -> String {
        let letter = outbox.services[0].waiting.pop_front().unwrap();
        let about = letter.delivery.message.clone().unwrap().about;
        let notify = outbox.services[0].notify.clone();
        outbox.done(Sent { notify, letter, result }, now);
        about
    }

    const BAD: Result<(), DeliveryError> = Err(DeliveryError::Status(500));

    #[test]
    fn a_message_is_sent_again_for_an_hour_and_the_next_one_follows() {
        let mut outbox = outbox(2);
        let (mut now, mut times) = (Duration::ZERO, Vec::new());
        while ends(&mut outbox, BAD, now) == "0" {
            now = outbox.services[0].next;
            times.push(now.as_secs());
        }
        assert_eq!(times[..8], [5, 15, 35, 75, 155, 315, 635, 1_235]);
        assert_eq!(times.last(), Some(&4_235), "and then no more");
        let texts: Vec<String> = outbox.notices().map(|notice| notice.text).collect();
        assert_eq!(texts, ["messages do not reach a.example: it answers with 500"]);
        assert_eq!(outbox.next(), Duration::ZERO, "the other service waits for nothing");
    }

    #[test]
    fn a_delivery_ends_the_notice_and_the_wait() {
        let mut outbox = outbox(3);
        ends(&mut outbox, BAD, seconds(0));
        assert_eq!(outbox.notices().count(), 0, "one failure may pass");
        ends(&mut outbox, BAD, seconds(5));
        assert_eq!(outbox.notices().count(), 1);
        assert_eq!(ends(&mut outbox, Ok(()), seconds(15)), "0");
        assert_eq!((outbox.notices().count(), outbox.services[0].next), (0, seconds(15)));
        assert_eq!(ends(&mut outbox, Ok(()), seconds(15)), "1");
    }

    #[test]
    fn a_reload_keeps_what_waits_for_the_same_service() {
        let mut other = config();
        other.notify.remove(1);
        other.heartbeat = None;
        let outbox = outbox(2).configured(&other);
        let waiting: Vec<usize> =
            outbox.services.iter().map(|service| service.waiting.len()).collect();
        assert_eq!(waiting, [2]);
    }

    #[test]
    fn only_the_newest_heartbeat_and_the_last_messages_wait() {
        let mut outbox = outbox(WAITING + 1);
        outbox.beat(&config(), false, seconds(1));
        outbox.beat(&config(), true, seconds(2));
        let heartbeats = &outbox.services[2].waiting;
        let urls: Vec<&str> = heartbeats.iter().map(|letter| &*letter.delivery.url).collect();
        assert_eq!(urls, ["https://c.example/fail"]);
        assert_eq!(outbox.services[0].waiting.len(), WAITING);
        assert_eq!(ends(&mut outbox, Ok(()), seconds(3)), "1", "the oldest is dropped");
    }
}
