//! Adding jobs: what is added while a statement is on its way goes in the next one.
//!
//! Ids are made here and grow with time, so that a statement whose connection was lost can be repeated: what it
//! may have added already is found again by its id.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::Error;
use super::inserting::{Adder, Entry, Place, entries, insert};
use super::job::{AddedJob, NewJob};
use super::store::Shared;
use crate::postgres::{self, Session};
use crate::runtime;

/// Jobs in one statement.
const BATCH: usize = 1_000;

/// Statements on their way at the same time.
const LANES: usize = 2;

/// So many jobs of several callers are divided among idle lanes: while one statement runs, whoever is answered
/// by the other adds the next jobs.
const DIVIDED: usize = 32;

/// A statement is tried so often when its connection is lost, or another's transaction is in its way.
const ATTEMPTS: usize = 5;

/// What one caller adds.
struct Waiting {
    entries: Vec<Entry>,
    reply: oneshot::Sender<Result<Vec<AddedJob>, Error>>,
}

/// Jobs that wait for their statement.
#[derive(Default)]
pub(super) struct Additions(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Tasks that send statements.
    lanes: usize,
    /// Statements on their way.
    sent: usize,
}

impl State {
    /// What goes in the next statement; many jobs of one caller are not divided.
    fn next(&mut self) -> Vec<Waiting> {
        let all: usize = self.waiting.iter().map(|one| one.entries.len()).sum();
        let most = match self.sent == 0 && all >= DIVIDED {
            true => all.div_ceil(LANES).min(BATCH),
            false => BATCH,
        };
        let mut count = 0;
        let fitting = self.waiting.iter().take_while(|one| {
            count += one.entries.len();
            count <= most
        });
        let end = fitting.count().max(1).min(self.waiting.len());
        self.waiting.drain(..end).collect()
    }
}

impl Additions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    /// Adds jobs, together with those of others.
    pub(super) async fn add(
        &self,
        store: &Arc<Shared>,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<AddedJob>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let entries = entries(jobs)?;
        let (reply, added) = oneshot::channel();
        let has_lane = {
            let mut state = self.lock();
            state.waiting.push(Waiting { entries, reply });
            let has_lane = state.lanes < LANES;
            state.lanes += usize::from(has_lane);
            has_lane
        };
        if has_lane {
            let store = store.clone();
            runtime::spawn(async move { store.additions.send(&store).await });
        }
        added
            .await
            .unwrap_or(Err(Error::Postgres(postgres::Error::Closed {
                what: "the task store",
            })))
    }

    /// Sends batch after batch until nothing waits.
    async fn send(&self, store: &Arc<Shared>) {
        loop {
            let batch = {
                let mut state = self.lock();
                if state.waiting.is_empty() {
                    state.lanes -= 1;
                    return;
                }
                let batch = state.next();
                state.sent += 1;
                batch
            };
            let entries: Vec<&Entry> = batch.iter().flat_map(|waiting| &waiting.entries).collect();
            let result = store.insert(&entries).await;
            self.lock().sent -= 1;
            let mut added = result.map(Vec::into_iter);
            for waiting in batch {
                let count = waiting.entries.len();
                let own = match &mut added {
                    Ok(added) => Ok(added.take(count).collect()),
                    Err(error) => Err(error.clone()),
                };
                // Whoever added them may have gone.
                let _ = waiting.reply.send(own);
            }
        }
    }
}

impl Shared {
    async fn insert(self: &Arc<Self>, entries: &[&Entry]) -> Result<Vec<AddedJob>, Error> {
        self.schema.ready(&self.pool).await?;
        let mut attempts = 0;
        loop {
            let adder = Adder {
                node: &self.node,
                workers: &self.worker_ids(),
                is_repeating: attempts > 0,
            };
            attempts += 1;
            match insert(Place::Pool(&self.adding), entries, adder).await {
                Err(error) if attempts < ATTEMPTS && is_repeatable(&error) => {}
                Err(error) => return Err(error),
                Ok(added) => {
                    self.tell_queues(
                        entries
                            .iter()
                            .map(|entry| (&*entry.job.queue, entry.job.may_be_delayed())),
                    );
                    return Ok(added);
                }
            }
        }
    }

    /// Adds jobs in the transaction of a session.
    pub(super) async fn insert_in(
        &self,
        session: &Session,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<AddedJob>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.schema.ready(&self.pool).await?;
        let entries = entries(jobs)?;
        let entries: Vec<&Entry> = entries.iter().collect();
        let adder = Adder {
            // Nobody's: nobody knows before the commit that there is something to do.
            node: &Uuid::nil(),
            workers: &[],
            is_repeating: false,
        };
        insert(Place::Session(session), &entries, adder).await
    }
}

/// Whether the whole statement can be sent again: it had no effect, or one that is found again.
fn is_repeatable(error: &Error) -> bool {
    match error {
        Error::Postgres(postgres::Error::ConnectionLost { .. }) => true,
        // serialization_failure, deadlock_detected, and unique_violation: it was there after all
        Error::Postgres(postgres::Error::Server(error)) => {
            matches!(&*error.sqlstate, "40001" | "40P01" | "23505")
        }
        _ => false,
    }
}
