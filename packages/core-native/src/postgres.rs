//! Pools, statements, sessions and cursors for JavaScript.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use napi::{Error, Result};
use napi_derive::napi;
use puff_core::event_loop::EventLoop;
use puff_core::postgres::packed::{Packed, PackedSink};
use puff_core::postgres::{
    Call, Error as PostgresError, Listener, Operation, Params, Pool, PoolConfig, PoolOptions,
    Profile, Request, Sink,
};
use puff_core::runtime;

use crate::boundary::{Answer, Boundary, EventListener, Isolate, RawSink, SimpleSink};

/// The pools of the process: every isolate that asks for the same name with the same options gets
/// the same pool.
#[derive(Default)]
struct Pools {
    by_name: HashMap<(String, String), u32>,
    by_id: HashMap<u32, Pool>,
    last_id: u32,
}

static POOLS: LazyLock<Mutex<Pools>> = LazyLock::new(Mutex::default);

fn pools() -> MutexGuard<'static, Pools> {
    POOLS.lock().unwrap_or_else(|poison| poison.into_inner())
}

pub(crate) fn pool(id: u32) -> Result<Pool> {
    pools()
        .by_id
        .get(&id)
        .cloned()
        .ok_or_else(|| Error::from_reason("PUFF_POSTGRES_CLOSED: the pool is closed"))
}

/// All pools, with their ids and the names that JavaScript knows them by.
pub(crate) fn named_pools() -> Vec<(u32, String, Pool)> {
    let pools = pools();
    let mut named: Vec<_> = pools
        .by_name
        .iter()
        .filter_map(|((name, _), id)| Some((*id, name.clone(), pools.by_id.get(id)?.clone())))
        .collect();
    named.sort_by_key(|(id, ..)| *id);
    named
}

/// What a pool is doing.
#[napi(object)]
pub struct PoolStatus {
    /// The limit.
    pub max_connections: u32,
    /// Open connections, idle or in use.
    pub open: u32,
    /// Attempts to open a connection.
    pub opening: u32,
    /// Open connections that wait for work.
    pub idle: u32,
    /// Callers that wait for a connection.
    pub waiting: u32,
}

/// Finds or makes the pool with this name and these options (JSON) and returns its id; connects to
/// nothing.
///
/// Throws a message that begins with `PUFF_POSTGRES_CONFIG: ` when the options make no sense.
#[napi(catch_unwind)]
pub fn postgres_pool(name: String, options: String) -> Result<u32> {
    let mut pools = pools();
    let key = (name, options);
    if let Some(id) = pools.by_name.get(&key) {
        return Ok(*id);
    }
    let refuse = |error: &dyn std::fmt::Display| {
        Error::from_reason(format!("PUFF_POSTGRES_CONFIG: {error}"))
    };
    let parsed: PoolOptions = serde_json::from_str(&key.1).map_err(|error| refuse(&error))?;
    let config = PoolConfig::new(parsed).map_err(|error| refuse(&error))?;
    let pool = Pool::new(config).map_err(|error| refuse(&error))?;
    pools.last_id += 1;
    let id = pools.last_id;
    pools.by_name.insert(key, id);
    pools.by_id.insert(id, pool);
    Ok(id)
}

/// What a pool is doing now.
#[napi(catch_unwind)]
pub fn postgres_pool_status(pool_id: u32) -> Result<PoolStatus> {
    let status = pool(pool_id)?.status();
    Ok(PoolStatus {
        max_connections: status.max_connections as u32,
        open: status.open as u32,
        opening: status.opening as u32,
        idle: status.idle as u32,
        waiting: status.waiting as u32,
    })
}

/// Sets the password that a pool's connections use when they are opened from now on.
#[napi(catch_unwind)]
pub fn postgres_set_password(pool_id: u32, password: Option<String>) -> Result<()> {
    pool(pool_id)?.set_password(password.as_deref());
    Ok(())
}

/// A sink that answers a call with a packed result, and then ends a statement of the isolate.
fn answer(isolate: &Arc<Isolate>, call: u32) -> Box<dyn Sink> {
    let isolate = isolate.clone();
    Box::new(PackedSink::new(
        move |result: std::result::Result<Packed, PostgresError>| {
            isolate.end_statement();
            match result {
                Ok(packed) => isolate.complete(call, Answer::Result(Box::new(packed))),
                Err(error) => isolate.complete(call, Answer::Failure(Box::new(error))),
            }
        },
    ))
}

/// What a statement's columns become: 0 for typed values, 1 for text, 2 for what node-postgres makes.
fn profile_of(number: u32) -> Profile {
    match number {
        0 => Profile::Typed,
        2 => Profile::NodePostgres,
        _ => Profile::Text,
    }
}

#[napi]
impl Boundary {
    /// Runs a statement on a pool, or on a session if `session` is not 0.
    ///
    /// `profile` says what columns become: 0 typed values, 1 the text that PostgreSQL prints, 2 what
    /// node-postgres makes of it where that needs no parser, and otherwise the text.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "one crossing per statement, without objects"
    )]
    pub fn postgres_query(
        &self,
        call: u32,
        pool: u32,
        session: u32,
        sql: String,
        param_count: u32,
        params: &[u8],
        profile: u32,
        is_cancellable: bool,
    ) -> Result<()> {
        let params = Params::from_packed(param_count as usize, params.to_vec());
        let profile = profile_of(profile);
        let operation = Operation::Query {
            sql: sql.into(),
            params,
            profile,
        };
        self.run(call, pool, session, operation, is_cancellable)
    }

    /// Runs several statements in one text, without parameters, and drops their rows.
    #[napi(catch_unwind)]
    pub fn postgres_script(
        &self,
        call: u32,
        pool: u32,
        session: u32,
        sql: String,
        is_cancellable: bool,
    ) -> Result<()> {
        self.run(
            call,
            pool,
            session,
            Operation::Script { sql: sql.into() },
            is_cancellable,
        )
    }

    /// Commits or rolls back the transaction that a session was checked out with.
    #[napi(catch_unwind)]
    pub fn postgres_end(&self, call: u32, session: u32, commits: bool) -> Result<()> {
        self.run(call, 0, session, Operation::End { commits }, false)
    }

    /// Runs several statements in one text, without parameters; each answers with a partial result
    /// as text, the call then ends with nothing.
    #[napi(catch_unwind)]
    pub fn postgres_simple(
        &self,
        call: u32,
        pool: u32,
        session: u32,
        sql: String,
        is_cancellable: bool,
    ) -> Result<()> {
        let sink = Box::new(SimpleSink::new(self.isolate.clone(), call));
        let operation = Operation::Simple { sql: sql.into() };
        self.run_with(call, pool, session, operation, (sink, None), is_cancellable)
    }

    /// Sends whole messages of the protocol on a session and answers with chunks of what comes back;
    /// the call ends with nothing at the next ReadyForQuery.
    #[napi(catch_unwind)]
    pub fn postgres_raw(&self, call: u32, session: u32, bytes: &[u8]) -> Result<()> {
        let sink = Box::new(RawSink::new(self.isolate.clone(), call));
        let operation = Operation::Raw {
            bytes: bytes.to_vec(),
        };
        self.run_with(call, 0, session, operation, (sink, None), true)
    }

    /// Sends more messages of the raw exchange that runs on a session.
    #[napi(catch_unwind)]
    pub fn postgres_raw_write(&self, session: u32, bytes: &[u8]) {
        if let Some(session) = self.isolate.session(session) {
            session.write_raw(bytes.to_vec());
        }
    }

    /// Checks a connection out and runs `begin` on it unless that is empty; answers with a session.
    ///
    /// Where `events` is not 0, what the server says unasked comes as events of that call.
    #[napi(catch_unwind)]
    pub fn postgres_begin(
        &self,
        call: u32,
        pool_id: u32,
        begin: String,
        events: u32,
        is_cancellable: bool,
    ) -> Result<()> {
        let pool = pool(pool_id)?;
        let handle = self.handle(call, is_cancellable);
        let isolate = self.isolate.clone();
        let listener = (events != 0).then(|| {
            let listener = EventListener::new(isolate.clone(), events);
            Arc::new(listener) as Arc<dyn Listener>
        });
        let begin = (!begin.is_empty()).then(|| begin.into());
        pool.checkout(begin, handle, listener, move |result| {
            let answer = match result {
                Ok(session) => {
                    let process_id = session.process_id();
                    Answer::Session {
                        id: isolate.adopt(Arc::new(session)),
                        process_id,
                    }
                }
                Err(error) => Answer::Failure(Box::new(error)),
            };
            isolate.complete(call, answer);
        });
        Ok(())
    }

    /// The transaction status of a session's last answer: I, T or E; nothing when it is over.
    #[napi(catch_unwind)]
    pub fn postgres_transaction_status(&self, session: u32) -> Option<String> {
        let session = self.isolate.session(session)?;
        Some(session.transaction_status().to_string())
    }

    /// Closes a session's connection instead of giving it back.
    #[napi]
    pub fn postgres_destroy(&self, session: u32) {
        self.isolate.destroy(session);
    }

    /// Gives a session's connection back; an open transaction is rolled back.
    #[napi]
    pub fn postgres_release(&self, session: u32) {
        self.isolate.release(session);
    }

    /// Opens a cursor on a session that is in a transaction, and fetches its first rows.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "one crossing per statement, without objects"
    )]
    pub fn postgres_open_cursor(
        &self,
        call: u32,
        session: u32,
        cursor: u32,
        sql: String,
        param_count: u32,
        params: &[u8],
        max_rows: u32,
    ) -> Result<()> {
        let params = Params::from_packed(param_count as usize, params.to_vec());
        let sql = sql.into();
        let profile = Profile::Typed;
        let operation = Operation::OpenCursor {
            cursor,
            sql,
            params,
            max_rows,
            profile,
        };
        self.run(call, 0, session, operation, true)
    }

    /// Fetches the next rows of a cursor.
    #[napi(catch_unwind)]
    pub fn postgres_fetch_cursor(
        &self,
        call: u32,
        session: u32,
        cursor: u32,
        max_rows: u32,
    ) -> Result<()> {
        self.run(
            call,
            0,
            session,
            Operation::FetchCursor { cursor, max_rows },
            true,
        )
    }

    /// Closes a cursor.
    #[napi(catch_unwind)]
    pub fn postgres_close_cursor(&self, call: u32, session: u32, cursor: u32) -> Result<()> {
        self.run(call, 0, session, Operation::CloseCursor { cursor }, false)
    }

    /// Closes a pool: waiting calls fail, running ones end, then it answers with nothing.
    #[napi(catch_unwind)]
    pub fn postgres_close_pool(&self, call: u32, pool_id: u32) -> Result<()> {
        let pool = {
            let mut pools = pools();
            pools.by_name.retain(|_, id| *id != pool_id);
            pools.by_id.remove(&pool_id)
        };
        let isolate = self.isolate.clone();
        runtime::spawn(async move {
            if let Some(pool) = pool {
                pool.close().await;
            }
            isolate.complete(call, Answer::Nothing);
        });
        Ok(())
    }

    /// Closes all pools of the process, as `postgresClosePool` does.
    #[napi(catch_unwind)]
    pub fn postgres_close_pools(&self, call: u32) -> Result<()> {
        let closing: Vec<_> = {
            let mut pools = pools();
            pools.by_name.clear();
            let open = pools.by_id.drain().map(|(_, pool)| pool);
            open.map(|pool| runtime::spawn(async move { pool.close().await }))
                .collect()
        };
        let isolate = self.isolate.clone();
        runtime::spawn(async move {
            for pool in closing {
                // One whose task has panicked is closed, too.
                let _ = pool.await;
            }
            isolate.complete(call, Answer::Nothing);
        });
        Ok(())
    }

    fn run(
        &self,
        call: u32,
        pool: u32,
        session: u32,
        operation: Operation,
        is_cancellable: bool,
    ) -> Result<()> {
        let event_loop = self.isolate.begin_statement();
        let sink = answer(&self.isolate, call);
        self.run_with(
            call,
            pool,
            session,
            operation,
            (sink, event_loop),
            is_cancellable,
        )
    }

    fn run_with(
        &self,
        call: u32,
        pool_id: u32,
        session: u32,
        operation: Operation,
        (sink, event_loop): (Box<dyn Sink>, Option<Arc<dyn EventLoop>>),
        is_cancellable: bool,
    ) -> Result<()> {
        let request = |sink| {
            let request = Request::new(operation, sink, self.handle(call, is_cancellable));
            match event_loop {
                Some(event_loop) => request.read_by(event_loop),
                None => request,
            }
        };
        if session == 0 {
            let pool = pool(pool_id)?;
            pool.run(request(sink));
        } else if let Some(session) = self.isolate.session(session) {
            session.run(request(sink));
        } else {
            sink.finish(Err(PostgresError::Closed {
                what: "the transaction",
            }));
        }
        Ok(())
    }

    fn handle(&self, call: u32, is_cancellable: bool) -> Option<Arc<Call>> {
        is_cancellable.then(|| self.isolate.register(call))
    }
}
