//! The transaction of an operation: begun by its first statement, on a connection of its own.

use std::sync::{Arc, OnceLock};

use puff_core::postgres::packed::{Packed, PackedSink};
use puff_core::postgres::{Error, Operation, Outcome, Params, Pool, Profile, Request, Session};
use puff_graphql::host::Failure;
use serde_json::{Map, Value as Json};
use tokio::sync::{Mutex, oneshot};

use super::bounds::Bounds;
use super::failure::{bad_answer, failure_of, lost, over, rolled_back};

/// The transaction, before, while and after it is open.
#[derive(Default)]
pub(super) struct Transaction {
    state: Mutex<State>,
    /// Why the run-time parameters could not be set: nothing may be seen without them.
    refusal: Arc<OnceLock<Error>>,
}

#[derive(Default)]
enum State {
    #[default]
    NotBegun,
    Open {
        session: Arc<Session>,
        is_read_only: bool,
    },
    Over,
}

impl Transaction {
    /// The session; begins the transaction if that has not happened.
    ///
    /// `settings` is asked for the run-time parameters to set first. They are sent together with what
    /// comes next; [`Transaction::refusal`] tells whether they were taken.
    pub(super) async fn session(
        &self,
        pool: &Pool,
        is_read_only: bool,
        bounds: &Bounds,
        settings: impl Future<Output = Result<Map<String, Json>, Failure>>,
    ) -> Result<Arc<Session>, Failure> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open { session, .. } => return Ok(session.clone()),
            State::Over => return Err(over()),
            State::NotBegun => {}
        }
        let settings = settings.await?;
        let begin = match is_read_only {
            true => "BEGIN READ ONLY",
            false => "BEGIN",
        };
        let guard = bounds.start_call()?;
        let (reply, session) = oneshot::channel();
        pool.checkout(Some(begin.into()), guard.call(), None, move |result| {
            // If nobody waits any more the connection goes back at once.
            let _ = reply.send(result);
        });
        let result = session.await.map_err(|_| lost())?;
        guard.end();
        let session = result.map_err(|error| match bounds.end() {
            Some(end) if matches!(error, Error::Cancelled) => end,
            _ => failure_of(&error),
        })?;
        let session = Arc::new(session);
        self.apply(&session, settings)?;
        *state = State::Open {
            session: session.clone(),
            is_read_only,
        };
        Ok(session)
    }

    /// Sets run-time parameters for the transaction, PostgreSQL manual section "System Administration
    /// Functions", `set_config`.
    fn apply(&self, session: &Session, settings: Map<String, Json>) -> Result<(), Failure> {
        if settings.is_empty() {
            return Ok(());
        }
        let mut sql = String::from("select ");
        let mut params = Params::new();
        for (index, (name, value)) in settings.iter().enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            let (first, second) = (index * 2 + 1, index * 2 + 2);
            sql.push_str(&format!("set_config(${first}, ${second}, true)"));
            params.push_text(name);
            match value {
                Json::String(text) => params.push_text(text),
                Json::Bool(_) | Json::Number(_) => params.push_text(&value.to_string()),
                _ => {
                    let what = "it is no text, number or boolean";
                    return Err(bad_answer(format!("the setting {name}: {what}")));
                }
            }
        }
        let operation = Operation::Query {
            sql: sql.into(),
            params,
            profile: Profile::Typed,
        };
        let refusal = self.refusal.clone();
        let sink = PackedSink::new(move |result: Result<Packed, Error>| {
            if let Err(error) = result {
                // The first one; it is set once.
                let _ = refusal.set(error);
            }
        });
        // Without a Call: a cancelled statement would leave the transaction open without settings.
        session.run(Request::new(operation, Box::new(sink), None));
        Ok(())
    }

    /// Why the run-time parameters were not taken. Answers come in order: it is known before the answer
    /// to any other statement of the session.
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.refusal.get()
    }

    /// Ends it. What is not committed is rolled back when the connection is given back, before anybody
    /// else gets it; nobody has to wait for that. Tells whether there was anything to end.
    pub(super) async fn end(&self, commits: bool) -> Result<bool, Failure> {
        let state = std::mem::replace(&mut *self.state.lock().await, State::Over);
        let State::Open {
            session,
            is_read_only,
        } = state
        else {
            return Ok(false);
        };
        if let Some(refusal) = self.refusal() {
            return Err(failure_of(refusal));
        }
        if !commits || is_read_only {
            return Ok(true);
        }
        let (reply, outcome) = oneshot::channel();
        let sink = PackedSink::new(move |result: Result<Packed, Error>| {
            // Whoever waited may have given up.
            let _ = reply.send(result.map(|packed| packed.outcome));
        });
        let operation = Operation::End { commits: true };
        session.run(Request::new(operation, Box::new(sink), None));
        let outcome: Result<Outcome, Error> = outcome.await.map_err(|_| lost())?;
        match outcome {
            Ok(outcome) if &*outcome.command == "COMMIT" => Ok(true),
            Ok(_) => Err(rolled_back()),
            Err(error) => Err(failure_of(&error)),
        }
    }
}
