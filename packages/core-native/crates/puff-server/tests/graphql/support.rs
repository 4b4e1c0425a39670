//! Hosts, statements and a script for tests.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use puff_core::postgres::{Error, packed::PackedSink};
use puff_core::postgres::{Operation, Pool, PoolConfig, PoolOptions, Profile, Request};
use puff_graphql::host::{Failure, Host, OperationKind, Params as _};
use puff_graphql::rows::Rows;
use puff_server::graphql::{HostOptions, PendingAsk, PoolHost, Script, ScriptAsk, StatementParams};
use serde_json::Value;

pub(crate) fn pool(max_connections: u32) -> Pool {
    let url = std::env::var("PUFF_TEST_DATABASE_URL")
        .expect("PUFF_TEST_DATABASE_URL names the test server; `npm test` starts one and sets it");
    let options = PoolOptions {
        url,
        max_connections: Some(max_connections as usize),
        ..PoolOptions::default()
    };
    Pool::new(PoolConfig::new(options).unwrap()).unwrap()
}

pub(crate) fn options(pool: &Pool) -> HostOptions {
    HostOptions {
        pool: Some(pool.clone()),
        mutation_transaction: true,
        ..HostOptions::default()
    }
}

/// A host of an operation that has begun.
pub(crate) fn host(
    options: HostOptions,
    script: Option<Arc<dyn Script>>,
    kind: OperationKind,
) -> PoolHost {
    let host = PoolHost::new(options, script);
    host.begin(kind, false);
    host
}

pub(crate) async fn query(host: &PoolHost, sql: &str) -> Result<Rows, Failure> {
    host.query(&sql.into(), StatementParams::default()).await
}

/// The only value of a result, as text; the statement must give text.
pub(crate) async fn text(host: &PoolHost, sql: &str) -> Result<String, Failure> {
    let rows = query(host, sql).await?;
    let cell = rows.cell(0, 0).expect("a value");
    Ok(String::from_utf8(cell.to_vec()).unwrap())
}

/// Runs a statement that belongs to no operation.
pub(crate) async fn outside(pool: &Pool, sql: &str) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let operation = Operation::Query {
        sql: sql.into(),
        params: puff_core::postgres::Params::new(),
        profile: Profile::Typed,
    };
    let sink = PackedSink::new(move |result| {
        let _ = sender.send(result.map(|_| ()));
    });
    pool.run(Request::new(operation, Box::new(sink), None));
    let result: Result<(), Error> = receiver.await.unwrap();
    result.unwrap();
}

/// Waits until the pool has all its connections back.
pub(crate) async fn all_idle(pool: &Pool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while pool.status().idle != pool.status().open {
        assert!(Instant::now() < deadline, "{:?}", pool.status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn text_params(value: &str) -> StatementParams {
    let mut params = StatementParams::default();
    params.push_text(value);
    params
}

type Reply = Box<dyn Fn(&Value, Arc<PendingAsk>) + Send + Sync>;

/// Answers with a function, on the thread that asks.
pub(crate) struct Replies {
    reply: Reply,
    pub(crate) asked: Mutex<Vec<Value>>,
    pub(crate) reported: Mutex<Vec<String>>,
    pub(crate) forgotten: Mutex<Vec<u32>>,
}

impl Replies {
    pub(crate) fn new(
        reply: impl Fn(&Value, Arc<PendingAsk>) + Send + Sync + 'static,
    ) -> Arc<Replies> {
        Arc::new(Replies {
            reply: Box::new(reply),
            asked: Mutex::default(),
            reported: Mutex::default(),
            forgotten: Mutex::default(),
        })
    }
}

impl Script for Replies {
    fn ask(&self, ask: ScriptAsk) {
        let mut header: Value = serde_json::from_str(&ask.header).unwrap();
        header["isFirst"] = ask.is_first.into();
        header["rowCount"] = ask
            .rows
            .map_or(0, |rows| rows.words.first().copied().unwrap_or(0))
            .into();
        self.asked.lock().unwrap().push(header.clone());
        (self.reply)(&header, ask.pending);
    }

    fn forget(&self, ask: u32) {
        self.forgotten.lock().unwrap().push(ask);
    }

    fn report(&self, failure: &Failure, coordinate: &str) {
        let report = format!("{coordinate}: {}", failure.message);
        self.reported.lock().unwrap().push(report);
    }
}
