//! Messages of other processes.

use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::super::hub::Hub;
use super::envelope::{self, Notification};
use super::{CHANNEL, run, store};
use crate::postgres::{Error, Event, Listener, Params, Pool};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Listens to PostgreSQL and delivers to a hub.
pub(super) struct Inbox {
    shared: Arc<Shared>,
    started: Once,
}

struct Shared {
    hub: &'static Hub,
    node: Arc<str>,
    pool: Pool,
    is_listening: watch::Sender<bool>,
}

impl Inbox {
    pub(super) fn new(hub: &'static Hub, node: Arc<str>, pool: Pool) -> Inbox {
        Inbox {
            shared: Arc::new(Shared {
                hub,
                node,
                pool,
                is_listening: watch::Sender::new(false),
            }),
            started: Once::new(),
        }
    }

    /// Begins to listen, once.
    pub(super) fn start(&self) {
        self.started.call_once(|| run(listen(self.shared.clone())));
    }

    pub(super) async fn listening(&self) {
        let mut is_listening = self.shared.is_listening.subscribe();
        // The sender lives as long as we do.
        let _ = is_listening.wait_for(|is_listening| *is_listening).await;
    }
}

/// What the connection says goes through a channel, because messages in the table have to be waited for.
struct Events(mpsc::UnboundedSender<Event>);

impl Listener for Events {
    fn notify(&self, event: Event) {
        // Nobody listens any more once the connection was given up.
        let _ = self.0.send(event);
    }
}

/// Listens for ever, on one connection after the other.
async fn listen(shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    let mut has_listened = false;
    let mut is_told = false;
    loop {
        let (sender, events) = mpsc::unbounded_channel();
        match shared.open(Arc::new(Events(sender))).await {
            Ok(session) => {
                pause = FIRST_PAUSE;
                is_told = false;
                // Messages may have passed while nobody listened.
                if has_listened {
                    shared.hub.tell_gap();
                }
                has_listened = true;
                shared.is_listening.send_replace(true);
                shared.deliver(events).await;
                shared.is_listening.send_replace(false);
                session.destroy();
            }
            Err(error) => {
                if !is_told {
                    eprintln!(
                        "[next-puff] pub/sub cannot listen to PostgreSQL and tries again: {error}"
                    );
                    is_told = true;
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl Shared {
    async fn open(&self, listener: Arc<Events>) -> Result<crate::postgres::Session, Error> {
        let session = self.pool.session(Some(listener)).await?;
        let sql = format!("listen {CHANNEL}");
        session.query(&sql, Params::new()).await?;
        Ok(session)
    }

    /// Delivers until the connection is lost.
    async fn deliver(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Notification { payload, .. } => self.take(&payload).await,
                Event::Lost { .. } => return,
                Event::Notice(_) | Event::Parameter { .. } => {}
            }
        }
    }

    async fn take(&self, text: &str) {
        match envelope::read(&self.node, text) {
            Notification::Message(channel, payload) => {
                self.hub.deliver(&channel, &payload.into());
            }
            Notification::Stored(id) => match store::read(&self.pool, id).await {
                Ok(Some(stored)) => {
                    if let Notification::Message(channel, payload) =
                        envelope::read(&self.node, &stored)
                    {
                        self.hub.deliver(&channel, &payload.into());
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    eprintln!("[next-puff] a long message of pub/sub was lost: {error}");
                    self.hub.tell_gap();
                }
            },
            Notification::Other => {}
        }
    }
}
