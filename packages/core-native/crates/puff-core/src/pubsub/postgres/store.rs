//! The table for messages that are too long for a notification.

use crate::postgres::{Error, Params, Pool};

/// PostgreSQL reports it to all but one of those who create the same thing at the same time.
const CREATED_MEANWHILE: [&str; 3] = ["23505", "42P06", "42P07"];

/// Messages are read within moments; older ones are removed.
const KEPT_FOR: &str = "10 minutes";

/// Creates the table, unless it is there.
pub(super) async fn create(pool: &Pool) -> Result<(), Error> {
    for statement in [
        "create schema if not exists next_puff",
        "create unlogged table if not exists next_puff.messages (
           id bigint generated always as identity primary key,
           envelope text not null,
           stored_at timestamptz not null default now())",
        "create index if not exists messages_stored_at_idx on next_puff.messages (stored_at)",
    ] {
        match pool.query(statement, Params::new()).await {
            Err(Error::Server(error)) if CREATED_MEANWHILE.contains(&&*error.sqlstate) => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Stores a message and notifies where it is; removes what has been there for long.
pub(super) async fn send(
    pool: &Pool,
    channel: &str,
    node: &str,
    envelope: &str,
) -> Result<(), Error> {
    let mut params = Params::new();
    params.push_text(envelope);
    params.push_text(channel);
    params.push_text(node);
    params.push_text(KEPT_FOR);
    let sql = "with stored as (insert into next_puff.messages (envelope) values ($1) returning id),
       removed as (delete from next_puff.messages where stored_at < now() - $4::interval)
       select pg_notify($2, json_build_array($3::text, id)::text) from stored";
    pool.query(sql, params).await.map(drop)
}

/// Reads a message; none when it was removed.
pub(super) async fn read(pool: &Pool, id: i64) -> Result<Option<String>, Error> {
    let mut params = Params::new();
    params.push_text(&id.to_string());
    let sql = "select envelope from next_puff.messages where id = $1::text::bigint";
    let rows = pool.query(sql, params).await?;
    let value = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next());
    Ok(value
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok()))
}
