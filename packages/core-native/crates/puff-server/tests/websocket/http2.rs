//! WebSockets over HTTP/2 (RFC 8441).

use http_body_util::Empty;
use hyper::ext::Protocol;
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use puff_server::websocket::SocketOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Server, close, frame, within};

#[tokio::test]
async fn a_socket_is_a_stream_of_the_connection() {
    let server = Server::echo(SocketOptions::default()).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut connection, driver) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let uri = format!("http://{}/socket", server.address);
    let origin = format!("http://{}", server.address);
    let request = || {
        Request::builder()
            .method(Method::CONNECT)
            .version(Version::HTTP_2)
            .uri(&uri)
            .header("sec-websocket-version", "13")
            .extension(Protocol::from_static("websocket"))
    };
    // The server's settings say that it is allowed; they come with the first answer at the latest.
    let foreign = request().header("origin", "https://evil.example");
    within(connection.ready()).await.unwrap();
    let refused = connection.send_request(foreign.body(Empty::<&[u8]>::new()).unwrap());
    assert_eq!(within(refused).await.unwrap().status(), 403);

    let own = request()
        .header("origin", origin)
        .header("sec-websocket-protocol", "chat");
    let accepted = connection.send_request(own.body(Empty::new()).unwrap());
    let response = within(accepted).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    assert!(!response.headers().contains_key("upgrade"));
    let upgraded = within(hyper::upgrade::on(response)).await.unwrap();
    let mut socket = TokioIo::new(upgraded);
    socket
        .write_all(&frame(0x81, b"over HTTP/2"))
        .await
        .unwrap();
    let mut answer = [0; 13];
    within(socket.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"\x81\x0bover HTTP/2");
    socket
        .write_all(&frame(0x88, &close(1000, b"")))
        .await
        .unwrap();
    let mut rest = Vec::new();
    within(socket.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, [0x88, 2, 0x03, 0xe8]);
}
