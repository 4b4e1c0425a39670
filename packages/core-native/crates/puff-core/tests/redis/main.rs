//! The client and the feed against a real server, which each test starts on a free port.
//!
//! `REDIS_SERVER_BIN` names the program; otherwise it is `redis-server` on the `PATH`.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use puff_core::redis::{Client, Config, Error, FeedListener, Options, Reply, Script};

use support::{Server, eventually};

#[tokio::test]
async fn commands_pipelines_and_scripts() {
    let server = Server::start();
    let client = server.client();
    let value = [0, 255, 13, 10];
    client
        .command(&[b"SET".as_slice(), b"key", &value])
        .await
        .unwrap();
    let reply = client.command(&["GET", "key"]).await.unwrap();
    assert_eq!(reply.as_bytes(), Some(value.as_slice()));
    let replies = client
        .pipeline(&[["INCR", "n"], ["LLEN", "key"], ["INCR", "n"]], false)
        .await
        .unwrap();
    assert_eq!(replies[0], Reply::Integer(1));
    assert!(
        matches!(&replies[1], Reply::Error(Error::Server(text)) if text.starts_with("WRONGTYPE"))
    );
    assert_eq!(replies[2], Reply::Integer(2));
    let replies = client.pipeline(&[["INCR", "n"]], true).await.unwrap();
    assert_eq!(replies, [Reply::Integer(3)]);
    let script = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    assert_eq!(
        script.run(&client, &["n"], &["7"]).await.unwrap(),
        Reply::Integer(10)
    );
    client.command(&["SCRIPT", "FLUSH"]).await.unwrap();
    assert_eq!(
        script.run(&client, &["n"], &["1"]).await.unwrap(),
        Reply::Integer(11)
    );
}

#[tokio::test]
async fn a_server_that_goes_away_gives_errors_and_is_found_again() {
    let mut server = Server::start();
    let client = server.client();
    client.command(&["SET", "a", "1"]).await.unwrap();
    server.kill();
    let error = client.command(&["GET", "a"]).await.unwrap_err();
    assert!(
        matches!(error, Error::Connect { .. } | Error::Closed(_)),
        "{error}"
    );
    server.restart();
    eventually(async || client.command(&["PING"]).await.is_ok()).await;
}

#[tokio::test]
async fn nothing_there_is_a_bounded_error() {
    let mut server = Server::start();
    server.kill();
    let options = Options {
        url: Some(server.url()),
        offline_wait_ms: Some(100),
        ..Options::default()
    };
    let client = Client::new(Config::new(options).unwrap());
    let error = client.command(&["PING"]).await.unwrap_err();
    assert_eq!(error.code(), "PUFF_REDIS_CONNECT");
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl FeedListener for Heard {
    fn message(&self, channel: &[u8], pattern: Option<&[u8]>, payload: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pattern = pattern.map(text).unwrap_or_default();
        let said = format!("{} {pattern} {}", text(channel), text(payload));
        self.0.lock().unwrap().push(said);
    }
    fn connected(&self, is_again: bool) {
        self.0.lock().unwrap().push(format!("connected {is_again}"));
    }
    fn lost(&self, _error: &Error) {
        let mut heard = self.0.lock().unwrap();
        if heard.last().is_none_or(|last| last != "lost") {
            heard.push("lost".into());
        }
    }
    fn refused(&self, name: &[u8], is_pattern: bool, error: &Error) {
        let name = String::from_utf8_lossy(name);
        let mut heard = self.0.lock().unwrap();
        heard.push(format!("refused {name} {is_pattern} {}", error.code()));
    }
}

#[tokio::test]
async fn a_feed_subscribes_again_after_a_loss() {
    let mut server = Server::start();
    let client = server.client();
    let heard = Arc::new(Heard::default());
    let feed = client.feed(heard.clone());
    feed.subscribe(b"news");
    feed.psubscribe(b"w*");
    tokio::time::timeout(Duration::from_secs(30), feed.ready())
        .await
        .unwrap();
    client.command(&["PUBLISH", "news", "one"]).await.unwrap();
    client
        .command(&["PUBLISH", "weather", "sun"])
        .await
        .unwrap();
    let expected = ["connected false", "news  one", "weather w* sun"];
    eventually(async || *heard.0.lock().unwrap() == expected).await;
    server.kill();
    eventually(async || heard.0.lock().unwrap().contains(&"lost".to_string())).await;
    server.restart();
    let again = "connected true".to_string();
    eventually(async || heard.0.lock().unwrap().contains(&again)).await;
    feed.unsubscribe(b"news");
    tokio::time::timeout(Duration::from_secs(30), feed.ready())
        .await
        .unwrap();
    let count = |reply: Result<Reply, Error>| reply.ok().and_then(|reply| reply.as_integer());
    eventually(async || count(client.command(&["PUBLISH", "wind", "two"]).await) == Some(1)).await;
    assert_eq!(
        count(client.command(&["PUBLISH", "news", "nobody"]).await),
        Some(0)
    );
}

#[tokio::test]
async fn a_refused_subscription_is_known_and_spoils_no_other() {
    let mut server = Server::start();
    let admin = server.client();
    let rules = ["on", ">secret", "+@all", "resetchannels", "&open*"];
    let user = [["ACL", "SETUSER", "ann"].as_slice(), &rules].concat();
    admin.command(&user).await.unwrap();
    let client = server.client_of("ann", "secret");
    let heard = Arc::new(Heard::default());
    let feed = client.feed(heard.clone());
    // These go together: the server refuses all of a command for one channel.
    for name in ["open1", "closed", "open2"] {
        feed.subscribe(name.as_bytes());
    }
    feed.psubscribe(b"*");
    let ready = || tokio::time::timeout(Duration::from_secs(30), feed.ready());
    ready().await.unwrap();
    let refusal = |name: &str, is_pattern| feed.refusal(name.as_bytes(), is_pattern);
    assert!(matches!(refusal("closed", false), Some(Error::Auth(text)) if text.contains("NOPERM")));
    assert!(refusal("*", true).is_some());
    assert!(refusal("open1", false).is_none() && refusal("open2", false).is_none());
    admin.command(&["PUBLISH", "open2", "two"]).await.unwrap();
    eventually(async || heard.0.lock().unwrap().contains(&"open2  two".into())).await;
    // One by one, on the connection that there is.
    feed.subscribe(b"closed2");
    ready().await.unwrap();
    assert!(refusal("closed2", false).is_some());
    feed.unsubscribe(b"closed2");
    ready().await.unwrap();
    assert!(refusal("closed2", false).is_none());
    let mut refused = heard.0.lock().unwrap().clone();
    refused.retain(|said| said.starts_with("refused"));
    refused.sort();
    let expected = [
        "refused * true PUFF_REDIS_AUTH",
        "refused closed false PUFF_REDIS_AUTH",
        "refused closed2 false PUFF_REDIS_AUTH",
    ];
    assert_eq!(refused, expected);
    // The next connection asks again: by then the user may.
    server.kill();
    server.restart();
    let may = [
        ["ACL", "SETUSER", "ann"].as_slice(),
        &rules,
        &["allchannels"],
    ]
    .concat();
    eventually(async || admin.command(&may).await.is_ok()).await;
    eventually(async || ready().await.is_ok() && refusal("closed", false).is_none()).await;
    let count = async || admin.command(&["PUBLISH", "closed", "come"]).await;
    eventually(async || {
        count()
            .await
            .is_ok_and(|reply| reply.as_integer() == Some(2))
    })
    .await;
}
