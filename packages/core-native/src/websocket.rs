//! WebSockets whose handlers are JavaScript.

use ::http::StatusCode;
use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Error, JsString, Result};
use napi_derive::napi;
use puff_server::http::{Response, ResponseBody};
use puff_server::websocket::{Acceptance, CloseCode, Frame, OnGap, Sent};

use crate::boundary::Boundary;
use crate::server::{read_bytes, read_headers};

#[napi]
impl Boundary {
    /// Accepts a socket that this isolate was asked about: `head` is names and values of further headers,
    /// divided by NUL. False when its client has gone.
    #[napi(catch_unwind)]
    pub fn socket_accept(
        &self,
        socket: u32,
        protocol: Option<String>,
        head: JsString,
    ) -> Result<bool> {
        let headers = read_headers(head.into_latin1()?.as_slice())?;
        let acceptance = Acceptance { protocol, headers };
        self.isolate
            .sockets
            .accept(socket, acceptance)
            .map_err(|error| Error::from_reason(format!("PUFF_SOCKET_PROTOCOL: {error}")))
    }

    /// Refuses a socket that this isolate was asked about, with a response; `head` as in `socketAccept`.
    #[napi(catch_unwind)]
    pub fn socket_refuse(
        &self,
        socket: u32,
        status: u32,
        head: JsString,
        body: Either<String, Uint8Array>,
    ) -> Result<()> {
        let status = u16::try_from(status)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok())
            .filter(|status| !status.is_informational())
            .ok_or_else(|| {
                Error::from_reason(format!(
                    "PUFF_SERVER_ANSWER: the status {status} refuses nothing"
                ))
            })?;
        let mut response = Response::new(ResponseBody::full(read_bytes(body)));
        *response.status_mut() = status;
        *response.headers_mut() = read_headers(head.into_latin1()?.as_slice())?;
        self.isolate.sockets.refuse(socket, response);
        Ok(())
    }

    /// Sends a message. Returns 0 when the socket is closed, 1 when more may follow, 2 when more should
    /// wait for the message that it has drained.
    #[napi(catch_unwind)]
    pub fn socket_send(&self, socket: u32, message: Either<String, Uint8Array>) -> u32 {
        let Some(socket) = self.isolate.sockets.get(socket) else {
            return 0;
        };
        code(socket.send(&encode(&message)))
    }

    /// Sends a ping; returns as `socketSend`.
    #[napi(catch_unwind)]
    pub fn socket_ping(&self, socket: u32, payload: &[u8]) -> u32 {
        code(self.isolate.sockets.ping(socket, payload))
    }

    /// Closes a socket after what was sent.
    #[napi(catch_unwind)]
    pub fn socket_close(&self, socket: u32, code: u32, reason: String) {
        if let Some(socket) = self.isolate.sockets.get(socket) {
            // What fits in no close frame is left out of it.
            let code = u16::try_from(code).map_or(CloseCode::NO_STATUS, CloseCode);
            socket.close(code, &reason);
        }
    }

    /// Drops a socket's connection.
    #[napi(catch_unwind)]
    pub fn socket_terminate(&self, socket: u32) {
        if let Some(socket) = self.isolate.sockets.get(socket) {
            socket.terminate();
        }
    }

    /// Bytes that were sent and have not gone out.
    #[napi(catch_unwind)]
    pub fn socket_buffered(&self, socket: u32) -> u32 {
        self.isolate
            .sockets
            .get(socket)
            .map_or(0, |socket| socket.buffered() as u32)
    }

    /// Tells that messages which cost so much were read.
    #[napi(catch_unwind)]
    pub fn socket_read(&self, socket: u32, cost: u32) {
        self.isolate.sockets.read(socket, cost as usize);
    }

    /// Sends a socket what is published on a channel; false when it has ended.
    #[napi(catch_unwind)]
    pub fn socket_subscribe(
        &self,
        socket: u32,
        channel: String,
        closes_on_gap: bool,
    ) -> Result<bool> {
        let on_gap = match closes_on_gap {
            true => OnGap::Close,
            false => OnGap::Ignore,
        };
        self.isolate
            .sockets
            .subscribe(socket, &channel, on_gap)
            .map_err(|error| Error::from_reason(format!("PUFF_SOCKET_CHANNELS: {error}")))
    }

    /// Ends `socketSubscribe`.
    #[napi(catch_unwind)]
    pub fn socket_unsubscribe(&self, socket: u32, channel: String) {
        self.isolate.sockets.unsubscribe(socket, &channel);
    }
}

fn encode(message: &Either<String, Uint8Array>) -> Frame {
    match message {
        Either::A(text) => Frame::text(text),
        Either::B(bytes) => Frame::binary(bytes),
    }
}

fn code(sent: Sent) -> u32 {
    match sent {
        Sent::Closed => 0,
        Sent::Taken => 1,
        Sent::Full => 2,
    }
}
