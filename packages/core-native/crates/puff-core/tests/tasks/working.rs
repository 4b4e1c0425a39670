//! What workers take, in which order, and what becomes of it.

use std::time::{Duration, Instant};

use puff_core::postgres::Params;
use puff_core::tasks::{Abort, Limits, Outcome, Store};
use serde_json::json;

use crate::support::{
    add, completed, ended, job, options, pool, pool_named, store, until, url, work,
};

const CLOSE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_by_priority_then_time_then_as_they_were_added() {
    let store = store();
    let changes = [
        json!({ "payload": "3", "runAt": 2 }),
        json!({ "payload": "2", "runAt": 1 }),
        json!({ "payload": "4", "runAt": 2 }),
        json!({ "payload": "5", "priority": 1, "runAt": 1 }),
        json!({ "payload": "1", "priority": -0.5, "runAt": 9 }),
    ];
    let jobs = changes.map(|change| job("ordered", change)).to_vec();
    let added = store.add(jobs).await.unwrap();
    let mut alone = options("ordered");
    alone.concurrency = 1;
    let (worker, script) = work(&store, alone, |_| completed());
    for one in added {
        ended(&store, one.id).await;
    }
    let order: Vec<_> = script
        .begun()
        .iter()
        .map(|job| job.payload.clone())
        .collect();
    assert_eq!(order, ["1", "2", "3", "4", "5"]);
    worker.close(CLOSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_jobs_and_none_runs_twice() {
    let stores = [store(), store()];
    let jobs = (0..1_500).map(|_| job("shared", json!({}))).collect();
    let added = stores[0].add(jobs).await.unwrap();
    let workers: Vec<_> = (0..4)
        .map(|number| work(&stores[number % 2], options("shared"), |_| completed()))
        .collect();
    for one in added {
        assert_eq!(ended(&stores[1], one.id).await["starts"], 1);
    }
    let begun: usize = workers.iter().map(|(_, script)| script.begun().len()).sum();
    assert_eq!(begun, 1_500);
    for (worker, _) in workers {
        worker.close(CLOSE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_worker_completes_on_a_second_connection() {
    let name = format!("busy {}", std::process::id());
    let store = Store::new(&pool_named(url(), &name)).unwrap();
    let jobs = || (0..1_000).map(|_| job("busy", json!({}))).collect();
    let mut added = Vec::new();
    for _ in 0..8 {
        added.extend(store.add(jobs()).await.unwrap());
    }
    let (worker, script) = work(&store, options("busy"), |_| completed());
    let others = pool();
    let connections = async || {
        let sql = "select count(*)::text from pg_stat_activity where application_name = $1";
        let mut params = Params::new();
        params.push_text(&format!("{name} task worker"));
        let rows = others.query(sql, params).await.unwrap();
        String::from_utf8(rows[0][0].clone().unwrap()).unwrap()
    };
    let mut most = String::new();
    while script.begun().len() < added.len() {
        most = most.max(connections().await);
    }
    for one in added {
        let record = ended(&store, one.id).await;
        assert_eq!(
            (&record["state"], &record["starts"]),
            (&json!("completed"), &json!(1))
        );
    }
    assert_eq!(most.max(connections().await), "2");
    worker.close(CLOSE).await;
    // PostgreSQL ends its processes in its own time.
    until("both connections' end", async || connections().await == "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_another_process_adds_wakes_a_worker_that_rests() {
    let (here, there) = (store(), store());
    let (worker, _) = work(&here, options("resting"), |_| completed());
    // Longer than it looks often after its begin.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for _ in 0..3 {
        let begin = Instant::now();
        let id = add(&there, "resting", json!({})).await;
        until("the run", async || {
            here.get(id).await.unwrap().unwrap()["state"] == "completed"
        })
        .await;
        assert!(begin.elapsed() < Duration::from_secs(3), "it slept on");
    }
    worker.close(CLOSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_as_often_as_it_may() {
    let store = store();
    let (worker, _) = work(&store, options("failing"), |job| {
        Some(match job.failures {
            2 if job.task == "third" => Outcome::Completed("3".into()),
            _ => Outcome::Failed {
                failure: json!({ "name": "Error", "message": job.task }).to_string(),
                is_final: job.task == "final",
            },
        })
    });
    let third = add(&store, "failing", json!({ "task": "third" })).await;
    let never = add(
        &store,
        "failing",
        json!({ "task": "never", "maxAttempts": 2 }),
    )
    .await;
    let last = add(&store, "failing", json!({ "task": "final" })).await;
    let third = ended(&store, third).await;
    assert_eq!(
        (&third["state"], &third["failures"]),
        (&json!("completed"), &json!(2))
    );
    let failed = ended(&store, never).await;
    assert_eq!(
        (&failed["state"], &failed["starts"]),
        (&json!("failed"), &json!(2))
    );
    assert_eq!(failed["failure"]["message"], "never");
    assert_eq!(ended(&store, last).await["failures"], 1);
    assert!(store.retry(never).await.unwrap());
    until("it has failed again", async || {
        let record = store.get(never).await.unwrap().unwrap();
        record["state"] == "failed" && record["starts"] == 4
    })
    .await;
    worker.close(CLOSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_ends_at_once_and_its_worker_is_told() {
    let (store, other) = (store(), store());
    let (worker, script) = work(&store, options("cancelled"), |_| None);
    let later = json!({ "runAt": 4e15 });
    let waiting = add(&store, "cancelled", later).await;
    assert!(other.cancel(waiting).await.unwrap());
    assert!(!other.cancel(waiting).await.unwrap());
    assert_eq!(ended(&store, waiting).await["state"], "cancelled");
    let running = add(&store, "cancelled", json!({})).await;
    until("it runs", async || !script.begun().is_empty()).await;
    assert!(other.cancel(running).await.unwrap());
    until("the run is aborted", async || {
        script.aborted() == [(running, Abort::Cancelled)]
    })
    .await;
    worker.settle(vec![(running, 1, Outcome::Completed("late".into()))]);
    worker.close(CLOSE).await;
    assert_eq!(ended(&store, running).await["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_keeps_within_its_bounds() {
    let store = store();
    let mut bounded = options("bounded");
    let two = Limits {
        concurrency: Some(2),
        rate: None,
    };
    let rate = Some((2.0, Duration::from_millis(400)));
    bounded.limits.insert("two".into(), two);
    bounded.limits.insert(
        "rated".into(),
        Limits {
            concurrency: None,
            rate,
        },
    );
    let (worker, script) = work(&store, bounded, |job| match &*job.task {
        "two" => None,
        _ => completed(),
    });
    let began = Instant::now();
    let jobs = (0..6).map(|_| job("bounded", json!({ "task": "two" })));
    let rated = (0..6).map(|_| job("bounded", json!({ "task": "rated" })));
    let added = store.add(jobs.chain(rated).collect()).await.unwrap();
    for one in &added[6..] {
        ended(&store, one.id).await;
    }
    // Two at once, two after one time and two after another.
    assert!(
        began.elapsed() >= Duration::from_millis(750),
        "{:?}",
        began.elapsed()
    );
    let two: Vec<_> = script
        .begun()
        .into_iter()
        .filter(|job| job.task == "two")
        .collect();
    assert_eq!(two.len(), 2);
    for job in two {
        worker.settle(vec![(job.id, job.start, Outcome::Completed("1".into()))]);
    }
    until("the next two run", async || {
        script
            .begun()
            .iter()
            .filter(|job| job.task == "two")
            .count()
            == 4
    })
    .await;
    worker.close(Duration::ZERO).await;
    // Given back without counting.
    let record = store.get(added[5].id).await.unwrap().unwrap();
    assert_eq!(
        (&record["state"], &record["failures"]),
        (&json!("waiting"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_tells_of_itself() {
    let store = store();
    let (worker, script) = work(&store, options("telling"), |_| None);
    let id = add(&store, "telling", json!({})).await;
    until("it runs", async || !script.begun().is_empty()).await;
    for line in 0..120 {
        let report = json!({ "progress": line.to_string(), "logs": [format!("line {line} \0")] });
        worker.report(id, serde_json::from_value(report).unwrap());
    }
    worker.settle(vec![(id, 1, Outcome::Completed("1".into()))]);
    let record = ended(&store, id).await;
    assert_eq!(record["progress"], "119");
    let logs = record["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 100);
    assert_eq!(logs[99]["line"], "line 119 \0");
    assert_eq!(logs[0]["line"], "line 20 \0");
    worker.close(CLOSE).await;
}
