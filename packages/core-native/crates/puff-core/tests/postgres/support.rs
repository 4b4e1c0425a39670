//! Waiting for answers in tests.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use puff_core::postgres::packed::PackedLayout;
use puff_core::postgres::{
    Call, Error, Operation, Outcome, Params, Pool, PoolConfig, PoolOptions, Profile, Request,
    RowRef, Session, Sink,
};

/// Rows as the bytes that came, and how the statement ended.
pub(crate) type Answer = Result<(Vec<Vec<Option<Vec<u8>>>>, Outcome), Error>;

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn database_url() -> String {
    std::env::var("PUFF_TEST_DATABASE_URL")
        .expect("PUFF_TEST_DATABASE_URL names the test server; `npm test` starts one and sets it")
}

pub(crate) fn pool(change: impl FnOnce(&mut PoolOptions)) -> Pool {
    let mut options = PoolOptions {
        url: database_url(),
        ..PoolOptions::default()
    };
    change(&mut options);
    Pool::new(PoolConfig::new(options).unwrap()).unwrap()
}

/// Collects rows and sends the answer through a channel.
struct Collector {
    rows: Vec<Vec<Option<Vec<u8>>>>,
    answer: std::sync::mpsc::Sender<Answer>,
}

impl Sink for Collector {
    fn start(&mut self, _layout: &Arc<PackedLayout>) {}

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        self.rows.push(
            row.values()
                .map(|value| value.map(<[u8]>::to_vec))
                .collect(),
        );
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<Outcome, Error>) {
        let rows = self.rows;
        // A test that gave up does not listen any more.
        let _ = self.answer.send(outcome.map(|outcome| (rows, outcome)));
    }
}

/// An answer on its way.
pub(crate) struct Pending(Receiver<Answer>);

impl Pending {
    pub(crate) fn wait(self) -> Answer {
        self.0.recv_timeout(PATIENCE).expect("an answer in time")
    }
}

pub(crate) fn request(operation: Operation, call: Option<Arc<Call>>) -> (Request, Pending) {
    let (sender, receiver) = channel();
    let sink = Collector {
        rows: Vec::new(),
        answer: sender,
    };
    (
        Request::new(operation, Box::new(sink), call),
        Pending(receiver),
    )
}

pub(crate) fn query(sql: &str, values: &[&str]) -> Operation {
    let mut params = Params::new();
    for value in values {
        params.push_text(value);
    }
    Operation::Query {
        sql: sql.into(),
        params,
        profile: Profile::Typed,
    }
}

pub(crate) fn send(pool: &Pool, operation: Operation) -> Pending {
    let (request, pending) = request(operation, None);
    pool.run(request);
    pending
}

pub(crate) fn run(pool: &Pool, sql: &str, values: &[&str]) -> Answer {
    send(pool, query(sql, values)).wait()
}

/// The only value of a result that is text.
pub(crate) fn text(answer: Answer) -> String {
    let (rows, _) = answer.unwrap();
    String::from_utf8(rows[0][0].clone().unwrap()).unwrap()
}

pub(crate) fn checkout(pool: &Pool, begin: Option<&str>) -> Result<Session, Error> {
    let (sender, receiver) = channel();
    pool.checkout(begin.map(Into::into), None, None, move |result| {
        let _ = sender.send(result);
    });
    receiver.recv_timeout(PATIENCE).expect("a session in time")
}

pub(crate) fn on_session(session: &Session, operation: Operation) -> Pending {
    let (request, pending) = request(operation, None);
    session.run(request);
    pending
}
