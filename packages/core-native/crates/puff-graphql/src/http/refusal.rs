//! Why a request is not executed.

use std::borrow::Cow;

use serde_json::json;
use thiserror::Error;

use super::response::{HttpResponse, ResponseFormat};
use crate::error::GraphqlError;

/// Why a request is not executed; the text is the `message` that the client gets.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("This endpoint takes {allow}, not this method.")]
    MethodNotAllowed { allow: Cow<'static, str> },
    #[error("GET requests can only execute queries. Send this mutation with POST.")]
    MutationOverGet,
    #[error(
        "None of the media types in the Accept header can be given. Accept \
         application/graphql-response+json or application/json."
    )]
    NotAcceptable,
    #[error(
        "A POST request needs the header `Content-Type: application/json`, in UTF-8; this one has {}.",
        .0.as_deref().unwrap_or("none")
    )]
    UnsupportedMediaType(Option<String>),
    #[error("Bodies with the Content-Encoding {0} are not decoded here. Send them without one.")]
    UnsupportedContentEncoding(String),
    #[error("The body is larger than the {limit} bytes that are allowed.")]
    BodyTooLarge { limit: usize },
    #[error(
        "This request could have been sent by a page of another site in the name of its visitor \
         (cross-site request forgery), so it is not executed. Send it with a non-empty header \
         x-apollo-operation-name, apollo-require-preflight or graphql-preflight, or with the header \
         `Content-Type: application/json`."
    )]
    CrossSite,
    #[error("The body is not valid UTF-8 at byte {0}.")]
    NotUtf8(usize),
    #[error("The body is empty. It must be a JSON object with at least `query`.")]
    EmptyBody,
    #[error("The body is not valid JSON: {0}.")]
    NotJson(String),
    #[error(
        "Several operations in one request (an array of requests) are not supported. Send each by itself."
    )]
    Batch,
    #[error("{place} must be {expected}, not {found}.")]
    WrongType {
        place: Cow<'static, str>,
        expected: &'static str,
        found: &'static str,
    },
    #[error("The parameter `{0}` is not valid UTF-8.")]
    ParameterNotUtf8(&'static str),
    #[error("The parameter `{name}` is not valid JSON: {reason}.")]
    ParameterNotJson { name: &'static str, reason: String },
    #[error("The parameter `{0}` is there more than once.")]
    RepeatedParameter(&'static str),
    #[error("The request has no `query`: the text of a GraphQL document.")]
    NoQuery,
    /// The message is what Apollo's clients look for.
    #[error("PersistedQueryNotFound")]
    PersistedQueryNotFound,
    /// The message is what Apollo's clients look for.
    #[error("PersistedQueryNotSupported")]
    PersistedQueryNotSupported,
    #[error("Unsupported persisted query version")]
    PersistedQueryVersion,
    #[error("provided sha does not match query")]
    PersistedQueryMismatch,
    #[error("The SHA-256 of a document must have 64 hexadecimal digits.")]
    MalformedHash,
    #[error("There is no document with this `documentId`.")]
    UnknownDocument,
    #[error("Only documents that this endpoint knows are executed; this is none of them.")]
    UntrustedDocument,
    #[error(
        "Only documents that this endpoint knows are executed. Send `documentId` instead of `query`."
    )]
    DocumentIdRequired,
    #[error("The `query` is not the text of the document that the request names.")]
    TrustedDocumentMismatch,
}

impl Refusal {
    /// The answer that says so.
    pub(super) fn into_response(self, format: ResponseFormat) -> HttpResponse {
        let mut headers = vec![("content-type", Cow::Borrowed(format.content_type()))];
        match &self {
            Refusal::MethodNotAllowed { allow } => headers.push(("allow", allow.clone())),
            Refusal::MutationOverGet => headers.push(("allow", Cow::Borrowed("POST"))),
            // RFC 9110, section 12.5.3: what the server would take.
            Refusal::UnsupportedContentEncoding(_) => {
                headers.push(("accept-encoding", Cow::Borrowed("identity")));
            }
            // RFC 9110, section 15.5.14: the rest of the body is not read.
            Refusal::BodyTooLarge { .. } => headers.push(("connection", Cow::Borrowed("close"))),
            Refusal::PersistedQueryNotFound | Refusal::PersistedQueryNotSupported => {
                headers.push((
                    "cache-control",
                    Cow::Borrowed("private, no-cache, must-revalidate"),
                ))
            }
            _ => {}
        }
        let error = GraphqlError::new(self.to_string(), self.code());
        HttpResponse {
            status: self.status(format),
            headers,
            body: json!({ "errors": [error] }).to_string().into_bytes(),
        }
    }

    fn status(&self, format: ResponseFormat) -> u16 {
        match self {
            Refusal::MethodNotAllowed { .. } | Refusal::MutationOverGet => 405,
            Refusal::NotAcceptable => 406,
            Refusal::BodyTooLarge { .. } => 413,
            Refusal::UnsupportedMediaType(_) | Refusal::UnsupportedContentEncoding(_) => 415,
            // As Apollo Server answers; the request is well-formed. The other media type does not
            // allow it without `data`.
            Refusal::PersistedQueryNotFound | Refusal::PersistedQueryNotSupported
                if format == ResponseFormat::Json =>
            {
                200
            }
            _ => 400,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Refusal::MethodNotAllowed { .. } | Refusal::MutationOverGet => "METHOD_NOT_ALLOWED",
            Refusal::NotAcceptable => "NOT_ACCEPTABLE",
            Refusal::BodyTooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Refusal::UnsupportedMediaType(_) | Refusal::UnsupportedContentEncoding(_) => {
                "UNSUPPORTED_MEDIA_TYPE"
            }
            Refusal::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Refusal::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Refusal::UnknownDocument | Refusal::UntrustedDocument => "PERSISTED_QUERY_NOT_IN_LIST",
            Refusal::DocumentIdRequired => "PERSISTED_QUERY_ID_REQUIRED",
            _ => "BAD_REQUEST",
        }
    }
}
