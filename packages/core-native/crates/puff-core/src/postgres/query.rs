//! Statements for the core's own use, awaited.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::Error;
use super::message::RowRef;
use super::packed::PackedLayout;
use super::params::Params;
use super::pool::Pool;
use super::request::{Operation, Outcome, Request, Sink};
use super::session::{Listener, Session};
use super::types::Profile;

/// Rows of a statement: the bytes of each value as PostgreSQL sent them, none for null.
pub type Rows = Vec<Vec<Option<Vec<u8>>>>;

impl Pool {
    /// Runs a statement on any connection and collects its rows.
    ///
    /// # Errors
    /// As [`Pool::run`] reports them.
    pub async fn query(&self, sql: &str, params: Params) -> Result<Rows, Error> {
        let (request, rows) = collected(sql, params);
        self.run(request);
        awaited(rows).await
    }

    /// Runs statements without parameters, separated by semicolons, as one implicit transaction.
    ///
    /// # Errors
    /// As [`Pool::run`] reports them.
    pub async fn script(&self, sql: &str) -> Result<(), Error> {
        let (request, rows) = collected_from(Operation::Script { sql: sql.into() });
        self.run(request);
        awaited(rows).await.map(drop)
    }

    /// Checks out a connection of one's own; see [`Pool::checkout`].
    ///
    /// # Errors
    /// As [`Pool::checkout`] replies them.
    pub async fn session(&self, listener: Option<Arc<dyn Listener>>) -> Result<Session, Error> {
        let (sender, session) = oneshot::channel();
        self.checkout(None, None, listener, move |result| {
            // Whoever asked may have gone; the session is then given back.
            let _ = sender.send(result);
        });
        session.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Session {
    /// Runs a statement on this connection and collects its rows.
    ///
    /// # Errors
    /// As [`Session::run`] reports them.
    pub async fn query(&self, sql: &str, params: Params) -> Result<Rows, Error> {
        let (request, rows) = collected(sql, params);
        self.run(request);
        awaited(rows).await
    }

    /// Runs statements without parameters, as [`Pool::script`] does.
    ///
    /// # Errors
    /// As [`Session::run`] reports them.
    pub async fn script(&self, sql: &str) -> Result<(), Error> {
        let (request, rows) = collected_from(Operation::Script { sql: sql.into() });
        self.run(request);
        awaited(rows).await.map(drop)
    }
}

struct Collector {
    rows: Rows,
    reply: oneshot::Sender<Result<Rows, Error>>,
}

impl Sink for Collector {
    fn start(&mut self, _layout: &Arc<PackedLayout>) {
        self.rows.clear();
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        let values = row.values().map(|value| value.map(<[u8]>::to_vec));
        self.rows.push(values.collect());
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Outcome, Error>) {
        let Collector { rows, reply } = *self;
        // Whoever asked may have gone.
        let _ = reply.send(outcome.map(|_| rows));
    }
}

type Answer = oneshot::Receiver<Result<Rows, Error>>;

fn collected(sql: &str, params: Params) -> (Request, Answer) {
    collected_from(Operation::Query {
        sql: sql.into(),
        params,
        profile: Profile::Typed,
    })
}

fn collected_from(operation: Operation) -> (Request, Answer) {
    let (reply, rows) = oneshot::channel();
    let collector = Collector {
        rows: Vec::new(),
        reply,
    };
    (Request::new(operation, Box::new(collector), None), rows)
}

async fn awaited(rows: Answer) -> Result<Rows, Error> {
    rows.await.unwrap_or_else(|_| Err(lost()))
}

/// The connection's task panicked.
fn lost() -> Error {
    Error::ConnectionLost {
        reason: "the connection was given up".into(),
        server: None,
    }
}
