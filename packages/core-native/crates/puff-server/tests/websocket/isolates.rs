//! Sockets whose handlers are JavaScript, with an isolate that does as the test says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use puff_server::http::{Client, Exchange, RequestBody, Response, ResponseBody};
use puff_server::script::{
    Attachment, Exchanges, Isolate, IsolateLimits, Isolates, Message, ScriptRoute, Topic,
};
use puff_server::websocket::{Acceptance, Frame, IsolateSockets, SocketOptions, Sockets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::support::{RawClient, close, frame, request, within};

struct RecordingIsolate(UnboundedSender<Message>);

impl Isolate for RecordingIsolate {
    fn send(&self, message: Message) {
        // The test may be over.
        let _ = self.0.send(message);
    }
}

struct Site {
    isolates: Isolates,
    sockets: Arc<Sockets>,
}

struct TestServer {
    address: SocketAddr,
    sockets: Arc<IsolateSockets>,
    messages: UnboundedReceiver<Message>,
}

impl TestServer {
    async fn start() -> TestServer {
        let isolates = Isolates::new(IsolateLimits {
            max_requests: 10,
            max_queued: 10,
            queue_timeout: Duration::from_secs(10),
            max_event_loop_delay: None,
        });
        let (sender, messages) = mpsc::unbounded_channel();
        let sockets = Arc::new(IsolateSockets::default());
        let exchanges = Arc::new(Exchanges::default());
        isolates.attach(
            Arc::new(RecordingIsolate(sender)),
            exchanges,
            sockets.clone(),
        );
        let site = Arc::new(Site {
            isolates,
            sockets: Sockets::new(SocketOptions::default()),
        });
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        tokio::spawn(serve(tcp, site));
        TestServer {
            address,
            sockets,
            messages,
        }
    }

    async fn next(&mut self) -> Message {
        within(self.messages.recv()).await.unwrap()
    }

    /// Waits until the isolate is asked about a socket; its id.
    async fn asked(&mut self) -> u32 {
        let message = self.next().await;
        assert_eq!(message.topic, Topic::SOCKET_REQUEST);
        message.id
    }

    /// A client whose socket was accepted.
    async fn accepted(&mut self) -> (u32, RawClient) {
        let address = self.address;
        let connecting = tokio::spawn(RawClient::connect(address, ""));
        let id = self.asked().await;
        assert!(self.sockets.accept(id, Acceptance::default()).unwrap());
        (id, connecting.await.unwrap())
    }
}

async fn serve(tcp: TcpListener, site: Arc<Site>) {
    loop {
        let (stream, _) = tcp.accept().await.unwrap();
        let site = site.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let site = site.clone();
                async move { Ok::<_, Infallible>(answer(request, &site).await) }
            });
            // How the connection ends is seen by its client.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(mut request: Request<Incoming>, site: &Site) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let handshake = site.sockets.handshake(&parts).unwrap();
    let exchange = Exchange {
        parts,
        body: RequestBody::new(body),
        client: Client {
            address: "192.0.2.1".into(),
            port: 7,
            is_encrypted: false,
        },
        upgrade: Some(upgrade),
    };
    let route = ScriptRoute {
        number: 3,
        params: vec![("room".into(), "a%20b".into())],
        headers: Some(Arc::new(HeaderMap::from_iter([(
            HeaderName::from_static("x-of-config"),
            HeaderValue::from_static("yes"),
        )]))),
    };
    let opened = site.isolates.open_socket(exchange, handshake, &route).await;
    opened.unwrap_or_else(|refusal| refusal.response())
}

fn handshake(headers: &str) -> String {
    format!(
        "GET /rooms/a%20b?c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

#[tokio::test]
async fn the_isolate_is_told_of_the_request_and_refuses() {
    let mut server = TestServer::start().await;
    let refused = tokio::spawn({
        let address = server.address;
        async move { request(address, &handshake("Cookie: a=1\r\n")).await.0 }
    });
    let message = server.next().await;
    assert_eq!(message.topic, Topic::SOCKET_REQUEST);
    assert_eq!(message.numbers[0], 3);
    let Some(Attachment::Latin1(head)) = message.attachments.first() else {
        panic!("no head");
    };
    let head = String::from_utf8(head.clone()).unwrap();
    let parts: Vec<_> = head.split('\0').collect();
    assert_eq!(
        parts[..12],
        [
            "GET",
            "/rooms/a%20b?c",
            "1.1",
            "192.0.2.1",
            "7",
            "http",
            "1",
            "1",
            "room",
            "a%20b",
            "x-of-config",
            "yes"
        ]
    );
    assert!(parts.contains(&"a=1"));
    let mut response = Response::new(ResponseBody::full("no"));
    *response.status_mut() = hyper::StatusCode::UNAUTHORIZED;
    server.sockets.refuse(message.id, response);
    assert!(within(refused).await.unwrap().starts_with("HTTP/1.1 401 "));
    assert!(server.sockets.is_empty());
    // Answering again changes nothing.
    let again = server.sockets.accept(message.id, Acceptance::default());
    assert!(!again.unwrap());
}

#[tokio::test]
async fn messages_and_the_end_go_to_the_isolate() {
    let mut server = TestServer::start().await;
    let (id, mut client) = server.accepted().await;
    client.send(0x81, "grüße".as_bytes()).await;
    let message = server.next().await;
    assert_eq!((message.topic, message.id), (Topic::SOCKET_TEXT, id));
    assert!(matches!(&message.attachments[..], [Attachment::Text(text)] if text == "grüße"));
    client.send(0x82, &[1, 2]).await;
    let message = server.next().await;
    assert_eq!(message.topic, Topic::SOCKET_BINARY);
    let bytes = Bytes::from_static(&[1, 2]);
    assert!(matches!(&message.attachments[..], [Attachment::Bytes(got)] if *got == bytes));
    server.sockets.get(id).unwrap().send(&Frame::text("hello"));
    assert_eq!(client.receive().await, (0x81, b"hello".to_vec()));
    client.send(0x88, &close(4321, b"bye")).await;
    let message = server.next().await;
    assert_eq!(message.topic, Topic::SOCKET_CLOSED);
    assert_eq!(message.numbers, [4321, 1]);
    assert!(matches!(&message.attachments[..], [Attachment::Text(text)] if text == "bye"));
    assert!(server.sockets.get(id).is_none());
    assert!(server.sockets.is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_reported() {
    let mut server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(handshake("").as_bytes()).await.unwrap();
    let id = server.asked().await;
    drop(stream);
    let message = server.next().await;
    assert_eq!((message.topic, message.id), (Topic::SOCKET_CLOSED, id));
    assert_eq!(message.numbers, [1006, 0]);
    let accepted = server.sockets.accept(id, Acceptance::default());
    assert!(!accepted.unwrap());
}

#[tokio::test]
async fn only_an_offered_subprotocol_can_be_accepted() {
    let mut server = TestServer::start().await;
    let answered = tokio::spawn({
        let address = server.address;
        let offer = handshake("Sec-WebSocket-Protocol: v1, v2\r\n");
        async move { request(address, &offer).await.0 }
    });
    let id = server.asked().await;
    let speaking = |protocol: &str| Acceptance {
        protocol: Some(protocol.into()),
        ..Acceptance::default()
    };
    let error = server.sockets.accept(id, speaking("v3")).unwrap_err();
    assert!(error.to_string().contains("\"v3\""), "{error}");
    assert!(server.sockets.accept(id, speaking("v2")).unwrap());
    let head = within(answered).await.unwrap();
    assert!(head.contains("sec-websocket-protocol: v2\r\n"), "{head}");
}

#[tokio::test]
async fn a_client_waits_for_an_isolate_that_does_not_read() {
    const MESSAGES: usize = 200;
    let mut server = TestServer::start().await;
    let (id, client) = server.accepted().await;
    let (mut reader, mut writer) = client.stream.into_split();
    let message = frame(0x82, &[7; 64 * 1024]);
    let sender = tokio::spawn(async move { writer.write_all(&message.repeat(MESSAGES)).await });
    let (mut received, mut unread) = (0, 0);
    while unread < 256 * 1024 {
        let message = server.next().await;
        assert_eq!(message.topic, Topic::SOCKET_BINARY);
        unread += message.numbers[0] as usize;
        received += 1;
    }
    // What is sent now shows that the socket's task has run, and has read nothing more.
    server.sockets.get(id).unwrap().send(&Frame::text("hello"));
    let mut hello = [0; 7];
    within(reader.read_exact(&mut hello)).await.unwrap();
    assert_eq!(&hello, b"\x81\x05hello");
    assert!(server.messages.is_empty());
    assert!(!sender.is_finished());
    server.sockets.read(id, unread);
    while received < MESSAGES {
        let message = server.next().await;
        server.sockets.read(id, message.numbers[0] as usize);
        received += 1;
    }
    within(sender).await.unwrap().unwrap();
}

#[tokio::test]
async fn pongs_go_to_an_isolate_that_has_asked_for_them() {
    let mut server = TestServer::start().await;
    let (id, mut client) = server.accepted().await;
    client.send(0x8a, b"not asked for").await;
    client.send(0x81, b"after it").await;
    assert_eq!(server.next().await.topic, Topic::SOCKET_TEXT);
    server.sockets.ping(id, b"there?");
    assert_eq!(client.receive().await, (0x89, b"there?".to_vec()));
    client.send(0x8a, b"there?").await;
    let message = server.next().await;
    assert_eq!(message.topic, Topic::SOCKET_PONG);
    let bytes = Bytes::from_static(b"there?");
    assert!(matches!(&message.attachments[..], [Attachment::Bytes(got)] if *got == bytes));
}

#[tokio::test]
async fn clients_of_an_isolate_that_ends_are_told_to_connect_again() {
    let mut server = TestServer::start().await;
    let (_, mut client) = server.accepted().await;
    let waiting = tokio::spawn({
        let address = server.address;
        async move { request(address, &handshake("")).await.0 }
    });
    server.asked().await;
    server.sockets.abandon();
    assert_eq!(
        client.receive().await,
        (0x88, close(1012, b"The server restarts"))
    );
    assert!(within(waiting).await.unwrap().starts_with("HTTP/1.1 500 "));
}
