//! The load: many WebSockets of graphql-transport-ws that subscribe to the same thing.
//!
//! `bench-websockets-client <host:port> <path> <query> <sockets>` opens the sockets, one subscription
//! each, and prints `READY`. For each line on its standard input it waits until every socket has one
//! more `next` message and prints the milliseconds since the line came. It ends with its input.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Sockets that are opened at a time.
const OPENING: usize = 100;

#[derive(Default)]
struct Received {
    count: AtomicUsize,
    /// Told at each multiple of the number of sockets.
    all: Notify,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, query, sockets] = &arguments[..] else {
        return Err("usage: <host:port> <path> <query> <sockets>".into());
    };
    let sockets: usize = sockets.parse()?;
    let received = Arc::new(Received::default());
    let mut opened = 0;
    while opened < sockets {
        let batch = OPENING.min(sockets - opened);
        let openings = (0..batch).map(|_| {
            let (address, path, query) = (address.clone(), path.clone(), query.clone());
            tokio::spawn(async move { open(&address, &path, &query).await })
        });
        for opening in openings.collect::<Vec<_>>() {
            let stream = opening.await??;
            tokio::spawn(read(stream, received.clone(), sockets));
        }
        opened += batch;
    }
    // What was subscribed is registered on the other side by then.
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("READY");

    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut expected = 0;
    while lines.recv().await.is_some() {
        let begin = Instant::now();
        expected += sockets;
        while received.count.load(Ordering::Relaxed) < expected {
            if tokio::time::timeout(Duration::from_secs(30), received.all.notified())
                .await
                .is_err()
            {
                let count = received.count.load(Ordering::Relaxed);
                return Err(format!("{count} of {expected} messages came").into());
            }
        }
        println!("{:.3}", begin.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(())
}

/// Opens a socket, does the protocol's handshake and subscribes.
async fn open(address: &str, path: &str, query: &str) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&head).into());
    }
    stream
        .write_all(&frame(r#"{"type":"connection_init"}"#))
        .await?;
    let (acknowledgement, size) = (message(&mut stream).await?, 512);
    if !acknowledgement.contains("connection_ack") || acknowledgement.len() > size {
        return Err(acknowledgement.into());
    }
    let subscribe = format!(r#"{{"id":"1","type":"subscribe","payload":{{"query":{query:?}}}}}"#);
    stream.write_all(&frame(&subscribe)).await?;
    Ok(stream)
}

/// One text message, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((text.len() as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

async fn message(stream: &mut TcpStream) -> Result<String, Failure> {
    let _first = stream.read_u8().await?;
    let length = match stream.read_u8().await? {
        126 => stream.read_u16().await?.into(),
        length => usize::from(length),
    };
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8(bytes)?)
}

/// Counts `next` messages until the socket ends.
async fn read(mut stream: TcpStream, received: Arc<Received>, sockets: usize) {
    let mut buffer = Vec::with_capacity(512);
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        let mut at = 0;
        while let Some((payload, end)) = next_frame(&buffer[at..]) {
            let is_next = payload.windows(6).any(|part| part == b"\"next\"");
            at += end;
            if is_next
                && (received.count.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(sockets)
            {
                received.all.notify_one();
            }
        }
        buffer.drain(..at);
    }
}

/// The first frame's payload and where it ends.
fn next_frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (header, length) = match *bytes.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        ),
        127 => return None,
        length => (2, usize::from(length & 0x7f)),
    };
    Some((bytes.get(header..header + length)?, header + length))
}
