//! What is added, how often, and how long it stays.

use serde_json::json;

use crate::support::{add, completed, ended, job, options, store, until, work};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_answered_in_their_order_and_kept_as_they_are() {
    let store = store();
    let jobs = (0..2_500).map(|number| job("kept", json!({ "payload": format!("[{number}]") })));
    let added = store.add(jobs.collect()).await.unwrap();
    assert_eq!(added.len(), 2_500);
    for number in [0, 999, 1_000, 2_499] {
        let record = store.get(added[number].id).await.unwrap().unwrap();
        assert_eq!(record["payload"], format!("[{number}]"));
        assert_eq!(record["state"], "waiting");
    }
    let nul = add(
        &store,
        "kept",
        json!({ "payload": r#""\u0000é""#, "trace": "t" }),
    )
    .await;
    let record = store.get(nul).await.unwrap().unwrap();
    assert_eq!(record["payload"], r#""\u0000é""#);
    let refused = store.add(vec![job("kept", json!({ "task": "\0" }))]).await;
    assert_eq!(refused.unwrap_err().code(), "PUFF_TASKS_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_once_whoever_takes_it() {
    let stores = [store(), store(), store()];
    stores[0].prepare().await.unwrap();
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let store = stores[number % 3].clone();
            let key = format!("key {}", number % 5);
            tokio::spawn(async move {
                let jobs = vec![
                    job("keys", json!({ "idempotencyKey": key })),
                    job("keys", json!({})),
                ];
                store.add(jobs).await.unwrap()
            })
        })
        .collect();
    let mut firsts = 0;
    let mut ids = std::collections::HashSet::new();
    for task in tasks {
        let added = task.await.unwrap();
        firsts += usize::from(!added[0].is_duplicate);
        assert!(!added[1].is_duplicate);
        ids.insert(added[0].id);
    }
    assert_eq!((firsts, ids.len()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_record_goes_and_frees_its_key() {
    let store = store();
    let change = json!({ "idempotencyKey": "expires", "keepResultMs": 0 });
    let first = add(&store, "expired", change.clone()).await;
    let (worker, _) = work(&store, options("expired"), |_| completed());
    until("the record goes", async || {
        store.get(first).await.unwrap().is_none()
    })
    .await;
    let second = add(&store, "expired", change).await;
    assert_ne!(first, second);
    worker.close(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_elsewhere_learns_of_every_end() {
    let (here, there) = (store(), store());
    let jobs = (0..500).map(|_| job("waits", json!({}))).collect();
    let added = there.add(jobs).await.unwrap();
    let waits: Vec<_> = added
        .into_iter()
        .map(|added| {
            let there = there.clone();
            tokio::spawn(async move { ended(&there, added.id).await })
        })
        .collect();
    let (worker, _) = work(&here, options("waits"), |_| completed());
    for wait in waits {
        assert_eq!(wait.await.unwrap()["result"], "true");
    }
    worker.close(std::time::Duration::from_secs(5)).await;
}
