//! How the tables come to be.

use puff_core::tasks::Store;
use serde_json::json;

use crate::support::{add, execute, pool_of, url};

/// The URL of another database on the server.
fn url_of(database: &str) -> String {
    let url = url();
    let (server, rest) = url.rsplit_once('/').unwrap();
    let options = rest.find('?').map_or("", |at| &rest[at..]);
    format!("{server}/{database}{options}")
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_make_the_tables_once() {
    execute("drop database if exists puff_tasks_together").await;
    execute("create database puff_tasks_together").await;
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let store = Store::new(&pool_of(url_of("puff_tasks_together"))).unwrap();
            tokio::spawn(async move {
                add(&store, "first", json!({})).await;
                store.close().await;
            })
        })
        .collect();
    for start in starts {
        start.await.unwrap();
    }
    execute("drop database puff_tasks_together with (force)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_what_to_run() {
    execute("drop database if exists puff_tasks_poor").await;
    execute("drop role if exists puff_tasks_poor").await;
    execute("create role puff_tasks_poor").await;
    execute("create database puff_tasks_poor").await;
    let url = url_of("puff_tasks_poor");
    let options = serde_json::from_value(json!({
        "url": url,
        "parameters": { "role": "puff_tasks_poor" },
    }))
    .unwrap();
    let config = puff_core::postgres::PoolConfig::new(options).unwrap();
    let pool = puff_core::postgres::Pool::new(config).unwrap();
    let store = Store::new(&pool).unwrap();
    let error = store.prepare().await.unwrap_err();
    assert_eq!(error.code(), "PUFF_TASKS_SCHEMA");
    assert!(error.hint().unwrap().contains("create table"), "{error}");
    store.close().await;
    pool.close().await;
    execute("drop database puff_tasks_poor with (force)").await;
    execute("drop role puff_tasks_poor").await;
}
