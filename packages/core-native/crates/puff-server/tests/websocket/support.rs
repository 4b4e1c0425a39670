//! A server of sockets, and clients for it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use puff_server::http::Response;
use puff_server::websocket::{
    Acceptance, Closed, Listener, Message, SocketHandle, SocketOptions, Sockets, asks_for_websocket,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// What a socket's listener was told.
#[derive(Debug)]
pub(crate) enum Event {
    Opened(SocketHandle),
    Message(Message),
    Pong(Vec<u8>),
    Drained,
    Closed(Closed),
}

/// Makes a socket's listener.
type MakeListener = dyn Fn() -> Box<dyn Listener> + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Arc<Sockets>,
}

impl Server {
    /// Serves sockets with listeners of a kind; a socket speaks `chat` to clients that offer it.
    pub(crate) async fn start(
        options: SocketOptions,
        listener: impl Fn() -> Box<dyn Listener> + Send + Sync + 'static,
    ) -> Server {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let sockets = Sockets::new(options);
        let listener: Arc<MakeListener> = Arc::new(listener);
        tokio::spawn(accept(tcp, sockets.clone(), listener));
        Server { address, sockets }
    }

    /// Sends every message back.
    pub(crate) async fn echo(options: SocketOptions) -> Server {
        Server::start(options, || Box::new(Echo)).await
    }

    /// Tells what happens on its sockets.
    pub(crate) async fn recorded(options: SocketOptions) -> (Server, Events) {
        let (sender, events) = mpsc::unbounded_channel();
        let server = Server::start(options, move || Box::new(Recorder(sender.clone()))).await;
        (server, Events(events))
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/socket", self.address)
    }

    pub(crate) async fn connect(&self) -> Client {
        connect_async(self.url().into_client_request().unwrap())
            .await
            .unwrap()
            .0
    }

    /// A client that sends whatever it likes.
    pub(crate) async fn raw(&self) -> RawClient {
        RawClient::connect(self.address, "").await
    }

    /// One that offers permessage-deflate.
    pub(crate) async fn raw_deflated(&self) -> RawClient {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        RawClient::connect(self.address, offer).await
    }
}

pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn accept(tcp: TcpListener, sockets: Arc<Sockets>, listener: Arc<MakeListener>) {
    loop {
        let (stream, _) = tcp.accept().await.unwrap();
        let (sockets, listener) = (sockets.clone(), listener.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (sockets, listener) = (sockets.clone(), listener.clone());
                async move { Ok::<_, Infallible>(answer(request, &sockets, &listener)) }
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            // How the connection ends is seen by its client.
            let _ = builder
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(
    mut request: Request<Incoming>,
    sockets: &Arc<Sockets>,
    listener: &Arc<MakeListener>,
) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    assert!(asks_for_websocket(&parts), "{parts:?}");
    match sockets.handshake(&parts) {
        Err(refusal) => refusal.response(),
        Ok(handshake) => {
            let protocol = handshake.choose(&["chat"]);
            let mut acceptance = Acceptance {
                protocol,
                ..Acceptance::default()
            };
            let cookie = "session=1".parse().unwrap();
            acceptance.headers.insert("set-cookie", cookie);
            handshake.accept(upgrade, acceptance, listener()).0
        }
    }
}

struct Echo;

impl Listener for Echo {
    fn message(&mut self, socket: &SocketHandle, message: Message) {
        socket.send(&match message {
            Message::Text(text) => puff_server::websocket::Frame::text(&text),
            Message::Binary(bytes) => puff_server::websocket::Frame::binary(&bytes),
        });
    }

    fn closed(&mut self, _socket: &SocketHandle, _closed: Closed) {}
}

struct Recorder(UnboundedSender<Event>);

impl Recorder {
    fn record(&self, event: Event) {
        // The test may be over.
        let _ = self.0.send(event);
    }
}

impl Listener for Recorder {
    fn opened(&mut self, socket: &SocketHandle) {
        self.record(Event::Opened(socket.clone()));
    }

    fn message(&mut self, _socket: &SocketHandle, message: Message) {
        self.record(Event::Message(message));
    }

    fn pong(&mut self, _socket: &SocketHandle, payload: &[u8]) {
        self.record(Event::Pong(payload.to_vec()));
    }

    fn drained(&mut self, _socket: &SocketHandle) {
        self.record(Event::Drained);
    }

    fn closed(&mut self, _socket: &SocketHandle, closed: Closed) {
        self.record(Event::Closed(closed));
    }
}

/// What the listeners of a server were told.
pub(crate) struct Events(UnboundedReceiver<Event>);

impl Events {
    pub(crate) async fn next(&mut self) -> Event {
        within(self.0.recv()).await.unwrap()
    }

    pub(crate) async fn opened(&mut self) -> SocketHandle {
        match self.next().await {
            Event::Opened(socket) => socket,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Event::Message(Message::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn closed(&mut self) -> (u16, String, bool) {
        match self.next().await {
            Event::Closed(closed) => (closed.code.0, closed.reason, closed.is_clean),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Fails instead of waiting forever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("nothing happened")
}

/// A connection after the handshake.
pub(crate) struct RawClient {
    pub(crate) stream: TcpStream,
    /// The response's head.
    pub(crate) head: String,
}

impl RawClient {
    pub(crate) async fn connect(address: SocketAddr, headers: &str) -> RawClient {
        let (head, stream) = request(
            address,
            &format!(
                "GET /socket HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive, Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
            ),
        )
        .await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        RawClient { stream, head }
    }

    /// Sends a masked frame.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.write(&frame(first, payload)).await;
    }

    /// Sends bytes. The server may have closed the connection already.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = within(self.stream.write_all(bytes)).await;
    }

    /// Receives a frame: its first byte and its payload.
    pub(crate) async fn receive(&mut self) -> (u8, Vec<u8>) {
        within(self.try_receive()).await.unwrap()
    }

    async fn try_receive(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let (first, second) = (self.stream.read_u8().await?, self.stream.read_u8().await?);
        let length = match second {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            length => u64::from(length),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok((first, payload))
    }

    /// Receives a close frame, then the connection's end.
    pub(crate) async fn receive_close(&mut self) -> (u16, String) {
        let (first, payload) = self.receive().await;
        assert_eq!(first, 0x88, "{payload:?}");
        assert!(self.is_at_end().await);
        match payload[..] {
            [] => (1005, String::new()),
            [high, low, ref reason @ ..] => (
                u16::from_be_bytes([high, low]),
                String::from_utf8(reason.to_vec()).unwrap(),
            ),
            _ => panic!("{payload:?}"),
        }
    }

    /// Waits for the end of what the server sends; whether nothing came before it.
    pub(crate) async fn is_at_end(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = within(self.stream.read_to_end(&mut rest)).await;
        rest.is_empty()
    }
}

/// Sends a request and reads the head of its response.
pub(crate) async fn request(address: SocketAddr, request: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.unwrap());
    }
    (String::from_utf8(head).unwrap(), stream)
}

/// A frame as a client sends it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.into_iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// The payload of a close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}
