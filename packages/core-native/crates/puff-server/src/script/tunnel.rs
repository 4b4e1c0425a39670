//! Connections that an isolate takes over, as the event `upgrade` of Node's server gives them away.
//!
//! A tunnel is an exchange whose bodies are the two directions of the connection: once the isolate
//! has answered 101, what the client sends is the request's body, and what the isolate writes is the
//! answer's. Any other status is a usual answer.

use ::http::StatusCode;
use http_body_util::BodyExt;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use puff_core::runtime;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::oneshot;

use super::answer::{AnswerHandle, ClientEnd};
use super::isolates::{Isolates, Unanswered};
use super::request_head::{self, Following, ScriptRoute};
use crate::http::{Exchange, Response, ResponseBody};

/// Bytes that are read from the client at a time.
const READ_SIZE: usize = 16 * 1024;

type Connection = TokioIo<Upgraded>;

impl Isolates {
    /// Offers an isolate the connection of a request for another protocol, and answers as it does.
    ///
    /// # Errors
    /// No isolate had room in time, or the one that had the request gave it up.
    pub async fn tunnel(
        &self,
        exchange: Exchange,
        route: &ScriptRoute,
    ) -> Result<Response, Unanswered> {
        let permit = self.admit().await?;
        let member = self.pick().ok_or(Unanswered::Busy)?;
        let Exchange {
            parts,
            client,
            upgrade,
            ..
        } = exchange;
        let (sender, head) = oneshot::channel();
        let answer = member.begin(sender, permit);
        let waiting = ClientEnd::of(answer.clone());
        let following = Following::Tunnel;
        let message = request_head::message(answer.id(), &parts, &client, route, None, following);
        member.send(message);
        let mut response = head.await.map_err(|_| Unanswered::Lost)?;
        waiting.hand_over();
        if let (StatusCode::SWITCHING_PROTOCOLS, Some(upgrade)) = (response.status(), upgrade) {
            // It may live for days, and costs the isolate nothing while nothing is said.
            answer.release_permit();
            let body = std::mem::replace(response.body_mut(), ResponseBody::empty());
            runtime::spawn(carry(upgrade, body, answer));
        }
        Ok(response)
    }
}

/// Carries bytes in both directions until the isolate has ended or the connection broke.
async fn carry(upgrade: OnUpgrade, body: ResponseBody, answer: Arc<AnswerHandle>) {
    // Dropping the body tells the isolate that the client is gone.
    let Ok(connection) = upgrade.await else {
        return;
    };
    let (reader, writer) = tokio::io::split(TokioIo::new(connection));
    let outgoing = write_answer(body, writer);
    tokio::pin!(outgoing);
    tokio::select! {
        () = &mut outgoing => return,
        is_whole = read_client(reader, &answer) => if !is_whole { return },
    }
    // The client has said everything and may still listen.
    outgoing.await;
}

/// Gives the isolate what the client sends; false when the connection broke, or nobody listens.
async fn read_client(mut reader: ReadHalf<Connection>, answer: &AnswerHandle) -> bool {
    let mut bytes = bytes::BytesMut::new();
    loop {
        bytes.reserve(READ_SIZE);
        match reader.read_buf(&mut bytes).await {
            Ok(0) => {
                answer.end_body(false);
                return true;
            }
            Ok(_) if answer.give_body(bytes.split().freeze()).await => {}
            Ok(_) | Err(_) => return false,
        }
    }
}

/// Sends the client what the isolate writes, then closes this direction.
async fn write_answer(mut body: ResponseBody, mut writer: WriteHalf<Connection>) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}
