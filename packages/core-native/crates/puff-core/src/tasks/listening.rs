//! What other processes tell: one connection per process listens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use uuid::Uuid;

use super::store::Shared;
use crate::postgres::{Error, Event, Listener, Params, Session};

/// The channel of PostgreSQL.
const CHANNEL: &str = "next_puff_tasks";

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

struct Events(mpsc::UnboundedSender<Event>);

impl Listener for Events {
    fn notify(&self, event: Event) {
        // Nobody listens any more once the connection was given up.
        let _ = self.0.send(event);
    }
}

/// Listens until the store is closed, on one connection after the other.
pub(super) async fn listen(store: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    while !store.is_closed() {
        let (sender, events) = mpsc::unbounded_channel();
        match open(&store, Arc::new(Events(sender))).await {
            Ok(session) => {
                pause = FIRST_PAUSE;
                // Something may have happened while nobody listened.
                store.look_at_all();
                hear(&store, events).await;
                session.destroy();
            }
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn open(store: &Shared, listener: Arc<Events>) -> Result<Session, Error> {
    let session = store.listener.session(Some(listener)).await?;
    let sql = format!("listen {CHANNEL}");
    session.query(&sql, Params::new()).await?;
    Ok(session)
}

/// Takes what comes until the connection is lost.
async fn hear(store: &Shared, mut events: mpsc::UnboundedReceiver<Event>) {
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Notification { payload, .. }) => take(store, &payload),
                Some(Event::Lost { .. }) | None => return,
                Some(Event::Notice(_) | Event::Parameter { .. }) => {}
            },
            () = store.closed() => return,
        }
    }
}

fn take(store: &Shared, payload: &str) {
    let (what, rest) = payload.split_once(' ').unwrap_or((payload, ""));
    match what {
        "added" => take_added(store, rest),
        "ended" => {
            let ids = rest.split(',').filter_map(|id| Uuid::parse_str(id).ok());
            store.waiters.ended(ids);
        }
        "cancelled" => {
            if let Some((worker, id)) = rest.split_once(' ')
                && let (Ok(worker), Ok(id)) = (Uuid::parse_str(worker), Uuid::parse_str(id))
            {
                store.cancelled(&worker, &id);
            }
        }
        // Of a newer version.
        _ => {}
    }
}

/// `<node> [[queue, delay], ...]`, with less where it is not known.
fn take_added(store: &Shared, rest: &str) {
    let (node, queues) = rest.split_once(' ').unwrap_or((rest, ""));
    // This process has told its own workers.
    if node == store.node.to_string() {
        return;
    }
    match serde_json::from_str::<Vec<(String, i64)>>(queues) {
        Ok(queues) => store.tell_queues(queues.iter().map(|(queue, delay)| (&**queue, *delay > 0))),
        Err(_) => store.wake_all(),
    }
}
