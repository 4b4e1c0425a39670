//! Hubs of several processes on one PostgreSQL, named by `PUFF_TEST_DATABASE_URL`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use puff_core::postgres::{Params, Pool, PoolConfig, PoolOptions};
use puff_core::pubsub::{
    Hub, Kind, Message, Payload, PostgresTransport, Subscriber, Transport as _,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a subscriber heard: a message on a channel, or that there was a gap.
#[derive(Debug, PartialEq)]
enum Heard {
    Message(String, Payload),
    Gap,
}

struct Ear(Mutex<UnboundedSender<Heard>>);

impl Subscriber for Ear {
    fn deliver(&self, channel: &Arc<str>, message: &Message<'_>) {
        let heard = Heard::Message(channel.to_string(), Payload::clone(message.keep()));
        // The test may be over.
        let _ = self.0.lock().unwrap().send(heard);
    }

    fn gap(&self) {
        let _ = self.0.lock().unwrap().send(Heard::Gap);
    }
}

fn pool(name: &str) -> Pool {
    let url = std::env::var("PUFF_TEST_DATABASE_URL")
        .expect("PUFF_TEST_DATABASE_URL names the test server; `npm test` starts one and sets it");
    let options = PoolOptions {
        url,
        application_name: Some(name.into()),
        ..PoolOptions::default()
    };
    Pool::new(PoolConfig::new(options).unwrap()).unwrap()
}

/// A hub as another process would have it, listening.
async fn process(name: &str) -> (&'static Hub, Arc<PostgresTransport>) {
    let hub: &'static Hub = Box::leak(Box::default());
    let transport = PostgresTransport::new(hub, &pool(name)).unwrap();
    hub.connect(transport.clone());
    timeout(PATIENCE, transport.ready()).await.unwrap();
    (hub, transport)
}

fn ear() -> (Arc<Ear>, UnboundedReceiver<Heard>) {
    let (sender, heard) = unbounded_channel();
    (Arc::new(Ear(Mutex::new(sender))), heard)
}

async fn next(heard: &mut UnboundedReceiver<Heard>) -> Heard {
    timeout(PATIENCE, heard.recv()).await.unwrap().unwrap()
}

fn payload(kind: Kind, bytes: &[u8]) -> Payload {
    Payload {
        kind,
        bytes: Bytes::copy_from_slice(bytes),
        sender: Some("somebody".into()),
    }
}

#[tokio::test]
async fn messages_reach_other_processes_once_and_in_order() {
    let ((one, _), (two, _)) = (process("one").await, process("two").await);
    let ((here, mut heard_here), (there, mut heard_there)) = (ear(), ear());
    let _here = one.subscribe("pubsub test order", here);
    let _there = two.subscribe("pubsub test order", there);
    // Short ones, one that has to wait in the table, and short ones again.
    let long = "x".repeat(100_000);
    let messages: Vec<Payload> = (0..500)
        .map(|number: u32| match number {
            250 => payload(Kind::Text, long.as_bytes()),
            _ if number.is_multiple_of(2) => payload(Kind::Binary, &number.to_be_bytes()),
            _ => payload(Kind::Json, format!("[{number}]").as_bytes()),
        })
        .collect();
    for message in &messages {
        assert_eq!(one.publish("pubsub test order", message.clone()), Ok(1));
    }
    for heard in [&mut heard_here, &mut heard_there] {
        for message in &messages {
            let expected = Heard::Message("pubsub test order".into(), message.clone());
            assert_eq!(next(heard).await, expected);
        }
        assert!(heard.is_empty());
    }
}

#[tokio::test]
async fn only_subscribers_of_the_channel_hear() {
    let ((one, _), (two, _)) = (process("one").await, process("two").await);
    let (there, mut heard) = ear();
    let _there = two.subscribe("pubsub test mine", there);
    one.publish("pubsub test other", payload(Kind::Text, b"no"))
        .unwrap();
    one.publish("pubsub test mine", payload(Kind::Text, b"yes"))
        .unwrap();
    let expected = Heard::Message("pubsub test mine".into(), payload(Kind::Text, b"yes"));
    assert_eq!(next(&mut heard).await, expected);
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_the_gap_is_told() {
    let ((one, sent), (two, listening)) = (process("one").await, process("gap").await);
    let (there, mut heard) = ear();
    let _there = two.subscribe("pubsub test gap", there);
    let kill = "select pg_terminate_backend(pid)::text from pg_stat_activity
       where application_name = 'gap listener'";
    let killed = pool("killer").query(kill, Params::new()).await.unwrap();
    assert_eq!(killed.len(), 1);
    assert_eq!(next(&mut heard).await, Heard::Gap);
    timeout(PATIENCE, listening.ready()).await.unwrap();
    one.publish("pubsub test gap", payload(Kind::Text, b"after"))
        .unwrap();
    timeout(PATIENCE, sent.flushed()).await.unwrap();
    let expected = Heard::Message("pubsub test gap".into(), payload(Kind::Text, b"after"));
    assert_eq!(next(&mut heard).await, expected);
}

#[tokio::test]
async fn messages_that_cannot_be_sent_are_refused_in_the_end() {
    let hub: &'static Hub = Box::leak(Box::default());
    let options = PoolOptions {
        // Nobody listens there.
        url: "postgres://nobody@127.0.0.1:1/none".into(),
        ..PoolOptions::default()
    };
    let nowhere = Pool::new(PoolConfig::new(options).unwrap()).unwrap();
    hub.connect(PostgresTransport::new(hub, &nowhere).unwrap());
    let (here, mut heard) = ear();
    let _here = hub.subscribe("pubsub test refused", here);
    let mut taken = 0;
    let refused = loop {
        match hub.publish("pubsub test refused", payload(Kind::Text, b"?")) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 100_000);
    };
    assert!(refused.to_string().contains("wait to be sent"), "{refused}");
    // Here they were all delivered.
    for _ in 0..=taken {
        assert!(matches!(next(&mut heard).await, Heard::Message(..)));
    }
}
