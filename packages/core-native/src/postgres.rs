//! Pools, statements, sessions and cursors for JavaScript.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use napi::{Error, Result};
use napi_derive::napi;
use puff_core::postgres::packed::{Packed, PackedSink};
use puff_core::postgres::{
    Call, Error as PostgresError, Operation, Params, Pool, PoolConfig, PoolOptions, Request,
};
use puff_core::runtime;

use crate::boundary::{Answer, Boundary, Isolate};

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

fn pool(id: u32) -> Result<Pool> {
    pools()
        .by_id
        .get(&id)
        .cloned()
        .ok_or_else(|| Error::from_reason("PUFF_POSTGRES_CLOSED: the pool is closed"))
}

/// What a pool is doing.
#[napi(object)]
pub struct PoolStatus {
    /// The limit.
    pub max_connections: u32,
    /// Open connections, idle or in use.
    pub open: u32,
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
        idle: status.idle as u32,
        waiting: status.waiting as u32,
    })
}

/// A sink that answers a call with a packed result.
fn answer(
    isolate: &Arc<Isolate>,
    call: u32,
) -> Box<PackedSink<impl FnOnce(std::result::Result<Packed, PostgresError>) + Send + use<>>> {
    let isolate = isolate.clone();
    Box::new(PackedSink::new(move |result| {
        isolate.complete(
            call,
            match result {
                Ok(packed) => Answer::Result(Box::new(packed)),
                Err(error) => Answer::Failure(Box::new(error)),
            },
        );
    }))
}

#[napi]
impl Boundary {
    /// Runs a statement on a pool, or on a session if `session` is not 0.
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
        is_cancellable: bool,
    ) -> Result<()> {
        let params = Params::from_packed(param_count as usize, params.to_vec());
        let operation = Operation::Query {
            sql: sql.into(),
            params,
        };
        self.run(call, pool, session, operation, is_cancellable)
    }

    /// Runs several statements in one text, without parameters.
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

    /// Checks a connection out and runs `begin` on it; answers with a session.
    #[napi(catch_unwind)]
    pub fn postgres_begin(
        &self,
        call: u32,
        pool_id: u32,
        begin: String,
        is_cancellable: bool,
    ) -> Result<()> {
        let pool = pool(pool_id)?;
        let handle = self.handle(call, is_cancellable);
        let isolate = self.isolate.clone();
        pool.checkout(Some(begin.into()), handle, move |result| {
            let answer = match result {
                Ok(session) => Answer::Session(isolate.adopt(session)),
                Err(error) => Answer::Failure(Box::new(error)),
            };
            isolate.complete(call, answer);
        });
        Ok(())
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
        let operation = Operation::OpenCursor {
            cursor,
            sql: sql.into(),
            params,
            max_rows,
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

    fn run(
        &self,
        call: u32,
        pool_id: u32,
        session: u32,
        operation: Operation,
        is_cancellable: bool,
    ) -> Result<()> {
        if session == 0 {
            let pool = pool(pool_id)?;
            pool.run(Request::new(
                operation,
                answer(&self.isolate, call),
                self.handle(call, is_cancellable),
            ));
            return Ok(());
        }
        match self.isolate.session(session) {
            Some(session) => session.run(Request::new(
                operation,
                answer(&self.isolate, call),
                self.handle(call, is_cancellable),
            )),
            None => {
                let error = PostgresError::Closed {
                    what: "the transaction",
                };
                self.isolate
                    .complete(call, Answer::Failure(Box::new(error)));
            }
        }
        Ok(())
    }

    fn handle(&self, call: u32, is_cancellable: bool) -> Option<Arc<Call>> {
        is_cancellable.then(|| self.isolate.register(call))
    }
}
