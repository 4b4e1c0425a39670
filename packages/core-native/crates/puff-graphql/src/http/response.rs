//! What goes back to the client.

use std::borrow::Cow;

use super::refusal::Refusal;
use crate::{Outcome, Response};

/// An answer, complete but for what the transport adds (`Content-Length`, `Date`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; empty for 204.
    pub body: Vec<u8>,
}

/// The media type that a client wants its response in, which also decides about status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseFormat {
    /// `application/json`: 200 for every answer to a well-formed request.
    Json,
    /// `application/graphql-response+json`: 400 for an answer without `data`.
    GraphqlResponse,
}

impl ResponseFormat {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            ResponseFormat::Json => "application/json; charset=utf-8",
            ResponseFormat::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// The answer to a request that was accepted, from what the engine made of it.
pub fn respond(format: ResponseFormat, response: Response) -> HttpResponse {
    let status = match (response.outcome, format) {
        (Outcome::MutationNotAllowed, _) => return Refusal::MutationOverGet.into_response(format),
        (Outcome::RequestError, ResponseFormat::GraphqlResponse) => 400,
        (Outcome::RequestError, ResponseFormat::Json) | (Outcome::Executed { .. }, _) => 200,
    };
    HttpResponse {
        status,
        headers: vec![("content-type", Cow::Borrowed(format.content_type()))],
        body: response.body,
    }
}
