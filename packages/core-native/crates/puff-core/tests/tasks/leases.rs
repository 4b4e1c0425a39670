//! Workers that die, and workers that only seem to.

use std::time::Duration;

use puff_core::tasks::{Abort, Outcome};
use serde_json::json;

use crate::support::{add, completed, ended, execute, options, store, until, work};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_dead_worker_is_taken_over_without_counting() {
    let store = store();
    let id = add(&store, "dead", json!({})).await;
    let dead = "0190a000-0000-7000-8000-000000000001";
    execute(&format!(
        "update next_puff.jobs set state = 'r', starts = 1, worker = '{dead}' where id = '{id}'"
    ))
    .await;
    let (worker, _) = work(&store, options("dead"), |_| completed());
    let record = ended(&store, id).await;
    assert_eq!(
        (&record["starts"], &record["failures"]),
        (&json!(2), &json!(0))
    );
    worker.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_is_blocked_stays_its_own() {
    let store = store();
    let mut short = options("blocked");
    short.lease = Duration::from_secs(2);
    let (blocked, script) = work(&store, short.clone(), |_| None);
    let id = add(&store, "blocked", json!({})).await;
    until("it runs", async || !script.begun().is_empty()).await;
    let (other, others) = work(&store, short, |_| completed());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(others.begun().is_empty());
    blocked.settle(vec![(id, 1, Outcome::Completed("\"own\"".into()))]);
    assert_eq!(ended(&store, id).await["result"], "\"own\"");
    for worker in [blocked, other] {
        worker.close(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_a_job_that_was_taken_over_does_not_count() {
    let store = store();
    let mut short = options("lost");
    short.lease = Duration::from_millis(900);
    let (loser, script) = work(&store, short, |_| None);
    let id = add(&store, "lost", json!({})).await;
    until("it runs", async || !script.begun().is_empty()).await;
    // As if another had taken it over and completed it.
    execute(&format!(
        "update next_puff.jobs set state = 'c', starts = 2, result = '2', ended_at = 1, expires_at = 4e15
         where id = '{id}'"
    ))
    .await;
    until("the run is aborted", async || {
        script.aborted() == [(id, Abort::LeaseLost)]
    })
    .await;
    loser.settle(vec![(id, 1, Outcome::Completed("1".into()))]);
    loser.close(Duration::from_secs(5)).await;
    assert_eq!(ended(&store, id).await["result"], "2");
}
