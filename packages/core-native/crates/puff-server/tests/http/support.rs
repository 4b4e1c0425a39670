//! A server with an isolate that is none of JavaScript's, and clients for it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use puff_server::http::{Server, ServerConfig};
use puff_server::script::{
    AnswerHandle, Attachment, Exchanges, Isolate, Message, OutgoingHead, Topic,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// Longer than anything takes that is expected to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as the isolate got it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: u32,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) address: String,
    pub(crate) scheme: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What came with the head.
    pub(crate) body: Bytes,
    pub(crate) has_more: bool,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.url.split('?').next().unwrap()
    }
}

/// What else the isolate was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Body(u32, Bytes),
    End(u32, bool),
    Closed(u32),
}

/// Answers in place of JavaScript.
pub(crate) type Handler = dyn Fn(&TestIsolate, Asked) + Send + Sync;

pub(crate) struct TestIsolate {
    me: Weak<TestIsolate>,
    exchanges: Arc<Exchanges>,
    handler: Box<Handler>,
    told: UnboundedSender<Told>,
    stuck_for: Mutex<Duration>,
}

impl Isolate for TestIsolate {
    fn send(&self, message: Message) {
        let me = self.me.upgrade().unwrap();
        let first = |message: &Message| match message.attachments.first() {
            Some(Attachment::Bytes(bytes)) => bytes.clone(),
            _ => Bytes::new(),
        };
        match message.topic {
            Topic::REQUEST => {
                let asked = read(&message);
                tokio::spawn(async move { (me.handler)(&me, asked) });
            }
            Topic::REQUEST_BODY => {
                let bytes = first(&message);
                if let Some(answer) = self.exchanges.get(message.id) {
                    answer.read(bytes.len());
                }
                let _ = self.told.send(Told::Body(message.id, bytes));
            }
            Topic::REQUEST_END => {
                let _ = self
                    .told
                    .send(Told::End(message.id, message.numbers[0] == 1));
            }
            Topic::CLOSED => {
                let _ = self.told.send(Told::Closed(message.id));
            }
            _ => {}
        }
    }

    fn stuck_for(&self) -> Duration {
        *self.stuck_for.lock().unwrap()
    }
}

fn read(message: &Message) -> Asked {
    let Some(Attachment::Latin1(head)) = message.attachments.first() else {
        panic!("a request without a head");
    };
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut parts = text.split('\0').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    let (method, url, version, address) = (next(), next(), next(), next());
    let (_port, scheme) = (next(), next());
    let params: usize = next().parse().unwrap();
    let added: usize = next().parse().unwrap();
    let rest: Vec<_> = parts.skip(2 * (params + added)).collect();
    let body = match message.attachments.get(1) {
        Some(Attachment::Bytes(bytes)) => bytes.clone(),
        _ => Bytes::new(),
    };
    Asked {
        id: message.id,
        method,
        url,
        version,
        address,
        scheme,
        headers: rest
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect(),
        body,
        has_more: message.numbers[1] & 1 != 0,
    }
}

impl TestIsolate {
    pub(crate) fn answer(&self, id: u32) -> Option<Arc<AnswerHandle>> {
        self.exchanges.get(id)
    }

    /// Gives a whole answer.
    pub(crate) fn respond(&self, id: u32, headers: &[(&str, &str)], body: impl Into<Bytes>) {
        self.respond_with(id, 200, headers, Some(body.into()), true);
    }

    pub(crate) fn respond_with(
        &self,
        id: u32,
        status: u16,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
        is_end: bool,
    ) {
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, value.parse::<HeaderValue>().unwrap())
        });
        let head = OutgoingHead {
            status: StatusCode::from_u16(status).unwrap(),
            reason: None,
            headers: headers.collect::<HeaderMap>(),
        };
        // Its client may be gone.
        if let Some(answer) = self.answer(id) {
            answer.respond(head, body, is_end);
        }
    }

    pub(crate) fn stick_for(&self, time: Duration) {
        *self.stuck_for.lock().unwrap() = time;
    }
}

pub(crate) struct TestServer {
    pub(crate) server: Arc<Server>,
    pub(crate) isolate: Arc<TestIsolate>,
    told: tokio::sync::Mutex<UnboundedReceiver<Told>>,
}

impl TestServer {
    /// A server with an isolate; `config` is added to one address of 127.0.0.1.
    pub(crate) async fn start(
        config: Value,
        handler: impl Fn(&TestIsolate, Asked) + Send + Sync + 'static,
    ) -> TestServer {
        let mut whole = json!({ "listen": [{ "host": "127.0.0.1", "port": 0 }] });
        for (name, value) in config.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let config: ServerConfig = serde_json::from_value(whole).unwrap();
        let server = Server::start(config).await.unwrap();
        let (sender, told) = unbounded_channel();
        let exchanges = Arc::new(Exchanges::default());
        let isolate = Arc::new_cyclic(|me| TestIsolate {
            me: me.clone(),
            exchanges: exchanges.clone(),
            handler: Box::new(handler),
            told: sender,
            stuck_for: Mutex::default(),
        });
        server
            .isolates()
            .attach(isolate.clone(), exchanges, Arc::default());
        TestServer {
            server: Arc::new(server),
            isolate,
            told: tokio::sync::Mutex::new(told),
        }
    }

    /// Answers every request with its method and URL.
    pub(crate) async fn echo(config: Value) -> TestServer {
        TestServer::start(config, |isolate, asked| {
            let text = format!("{} {}", asked.method, asked.url);
            isolate.respond(asked.id, &[("content-type", "text/plain")], text);
        })
        .await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address()).await
    }

    /// Waits until the isolate has got the request with this id; they count from 1.
    pub(crate) async fn asked(&self, id: u32) {
        while self.isolate.answer(id).is_none() {
            tokio::task::yield_now().await;
        }
    }

    /// What the isolate is told next, besides requests.
    pub(crate) async fn told(&self) -> Told {
        let mut told = self.told.lock().await;
        timeout(PATIENCE, told.recv()).await.unwrap().unwrap()
    }
}

/// A client that sends bytes as they are.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Client {
        Client::of(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn of(stream: TcpStream) -> Client {
        Client {
            stream,
            read: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a GET request with further header lines.
    pub(crate) async fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ))
        .await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; none if the connection ended before it began.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answer_to("GET").await
    }

    pub(crate) async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.head().await?;
        if method == "HEAD" || answer.status == 304 || answer.status == 101 {
            return Some(answer);
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            answer.body = self.take(length).await;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                answer.body.extend(chunk);
            }
        } else {
            answer.body = self.rest().await;
        }
        Some(answer)
    }

    /// The head of the next answer; none if the connection ended before it began.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let end = loop {
            let end = self.read.windows(4).position(|end| end == b"\r\n\r\n");
            if let Some(end) = end {
                break end;
            }
            if !self.read_more().await {
                assert!(
                    self.read.is_empty(),
                    "{:?}",
                    String::from_utf8_lossy(&self.read)
                );
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let headers: HashMap<_, _> = lines
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Some(Answer {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// The next chunk of a body; none for the last.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        let chunk = self.take(size).await;
        assert_eq!(self.line().await, "");
        (size > 0).then_some(chunk)
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(2).position(|end| end == b"\r\n") {
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(self.read_more().await, "the answer was cut off");
        }
    }

    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.read.len() < length {
            assert!(self.read_more().await, "the answer was cut off");
        }
        self.read.drain(..length).collect()
    }

    /// Reads until the server closes; what came before.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.read_more().await {}
        std::mem::take(&mut self.read)
    }

    /// False at the end of the stream.
    async fn read_more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.read);
        match timeout(PATIENCE, read).await.expect("the server is silent") {
            Ok(bytes) => bytes > 0,
            Err(error) => panic!("the connection broke: {error}"),
        }
    }
}
