//! Waiting for the ends of jobs: all who wait in this process share their statements.
//!
//! Whoever waits is registered first and looks at the job then; what ends later is notified, or found by a slow
//! look at all. Workers notify only while somebody waits: a process says so in a table before it looks. A
//! statement of a worker that began before that may keep silent, so for its first moments a process looks often.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::error::Error;
use super::params::{push_id, push_ids, push_long};
use super::records::{column, columns, now, parsed, record};
use super::store::Shared;
use crate::postgres::Params;
use crate::runtime;

/// How long the table says that this process waits; it is renewed in time.
const ANNOUNCED: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(20);

/// After its first word in the table, a process looks at everything at these intervals.
const FIRST_LOOKS: [u64; 6] = [20, 50, 100, 200, 500, 1_000];

/// Then notifications are relied upon, and this is for those that were lost with a connection.
const SLOW_LOOK: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(250);

/// `$1` ids: those that have ended.
const ENDED: &str = concat!(
    "select ",
    columns!(),
    " from next_puff.jobs as job where job.id = any ($1::uuid[]) and job.ended_at is not null"
);

/// `$1` ids: those that there are.
const PRESENT: &str = "select id::text from next_puff.jobs where id = any ($1::uuid[])";

/// `$1` node, `$2` for how long.
const ANNOUNCE: &str = concat!(
    "insert into next_puff.task_waiters (node, until) values ($1::uuid, ",
    now!(),
    " + $2::text::bigint) on conflict (node) do update set until = excluded.until"
);

type Reply = oneshot::Sender<Result<Option<Value>, Error>>;

#[derive(Default)]
pub(super) struct Waiters {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    replies: HashMap<Uuid, Vec<Reply>>,
    /// To be looked at: they are new, or were said to have ended.
    unchecked: HashSet<Uuid>,
    is_running: bool,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    /// Resolves with the job's record once it has ended; with nothing if there is no such job.
    pub(super) async fn wait(&self, store: &Arc<Shared>, id: Uuid) -> Result<Option<Value>, Error> {
        let (reply, ended) = oneshot::channel();
        {
            let mut state = self.lock();
            state.replies.entry(id).or_default().push(reply);
            state.unchecked.insert(id);
            if !state.is_running {
                state.is_running = true;
                let store = store.clone();
                runtime::spawn(async move { store.waiters.serve(&store).await });
            }
        }
        self.changed.notify_one();
        ended.await.unwrap_or(Ok(None))
    }

    /// Some jobs have ended.
    pub(super) fn ended(&self, ids: impl Iterator<Item = Uuid>) {
        let mut state = self.lock();
        let before = state.unchecked.len();
        for id in ids {
            if state.replies.contains_key(&id) {
                state.unchecked.insert(id);
            }
        }
        let has_more = state.unchecked.len() > before;
        drop(state);
        if has_more {
            self.changed.notify_one();
        }
    }

    /// Any of them may have ended unheard.
    pub(super) fn look_at_all(&self) {
        let mut state = self.lock();
        let ids: Vec<_> = state.replies.keys().copied().collect();
        state.unchecked.extend(ids);
        drop(state);
        self.changed.notify_one();
    }

    /// Looks for as long as somebody waits.
    async fn serve(&self, store: &Arc<Shared>) {
        store.listen();
        let mut announced: Option<Instant> = None;
        let mut looks = FIRST_LOOKS.iter();
        let mut next_look = Instant::now();
        loop {
            let is_due = announced.is_none_or(|at| at.elapsed() > RENEWED);
            if is_due {
                match self.announce(store).await {
                    Ok(()) => {
                        if announced.is_none_or(|at| at.elapsed() > ANNOUNCED) {
                            looks = FIRST_LOOKS.iter();
                            next_look = Instant::now();
                        }
                        announced = Some(Instant::now());
                    }
                    Err(Some(error)) => return self.give_up(&error),
                    Err(None) => {
                        sleep(PAUSE).await;
                        continue;
                    }
                }
            }
            let is_slow = next_look <= Instant::now();
            let ids: Vec<Uuid> = {
                let mut state = self.lock();
                state.replies.retain(|_, replies| {
                    replies.retain(|reply| !reply.is_closed());
                    !replies.is_empty()
                });
                if state.replies.is_empty() {
                    state.unchecked.clear();
                    state.is_running = false;
                    return;
                }
                let unchecked = std::mem::take(&mut state.unchecked);
                match is_slow {
                    true => state.replies.keys().copied().collect(),
                    false => unchecked.into_iter().collect(),
                }
            };
            if is_slow {
                let wait = looks.next().map(|ms| Duration::from_millis(*ms));
                next_look = Instant::now() + wait.unwrap_or(SLOW_LOOK);
            }
            if !ids.is_empty() && self.look(store, &ids).await.is_err() {
                // They are looked at again when the server is back.
                self.lock().unchecked.extend(ids);
                sleep(PAUSE).await;
                continue;
            }
            if self.lock().unchecked.is_empty() {
                let pause = next_look.saturating_duration_since(Instant::now());
                // Woken or not, the next round looks at what there is.
                let _ = timeout(pause, self.changed.notified()).await;
            }
        }
    }

    /// Says in the table that this process waits; an error that will not pass is returned.
    async fn announce(&self, store: &Arc<Shared>) -> Result<(), Option<Error>> {
        if let Err(error) = store.schema.ready(&store.pool).await {
            return Err((!error.is_passing()).then_some(error));
        }
        let mut params = Params::new();
        push_id(&mut params, &store.node);
        push_long(&mut params, ANNOUNCED.as_millis() as i64);
        match store
            .pool
            .query(ANNOUNCE, params)
            .await
            .map_err(Error::from)
        {
            Ok(_) => Ok(()),
            Err(error) if error.is_passing() => Err(None),
            Err(error) => Err(Some(error)),
        }
    }

    async fn look(&self, store: &Arc<Shared>, ids: &[Uuid]) -> Result<(), Error> {
        let params = |ids: &[Uuid]| {
            let mut params = Params::new();
            push_ids(&mut params, ids.iter());
            params
        };
        let ended = store.pool.query(ENDED, params(ids)).await?;
        let mut open: HashSet<Uuid> = ids.iter().copied().collect();
        for row in &ended {
            let Some(id) = parsed::<Uuid>(row, 0) else {
                continue;
            };
            open.remove(&id);
            self.reply(&id, || Ok(Some(record(row))));
        }
        if open.is_empty() {
            return Ok(());
        }
        let open: Vec<_> = open.into_iter().collect();
        let present = store.pool.query(PRESENT, params(&open)).await?;
        let present: HashSet<_> = present.iter().filter_map(|row| column(row, 0)).collect();
        for id in open {
            if !present.contains(&*id.to_string()) {
                self.reply(&id, || Ok(None));
            }
        }
        Ok(())
    }

    fn reply(&self, id: &Uuid, value: impl Fn() -> Result<Option<Value>, Error>) {
        let replies = self.lock().replies.remove(id);
        for reply in replies.into_iter().flatten() {
            // Whoever waited may have gone.
            let _ = reply.send(value());
        }
    }

    fn give_up(&self, error: &Error) {
        let mut state = self.lock();
        state.is_running = false;
        state.unchecked.clear();
        let replies = std::mem::take(&mut state.replies);
        drop(state);
        for reply in replies.into_values().flatten() {
            let _ = reply.send(Err(error.clone()));
        }
    }
}
