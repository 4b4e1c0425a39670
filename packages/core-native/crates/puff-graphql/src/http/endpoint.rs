//! From an HTTP request to what is to be executed.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::csrf;
use super::media_type::{self, Offer};
use super::options::{HttpOptions, Method, Playground};
use super::parameters::Parameters;
use super::persisted::Documents;
use super::playground::Page;
use super::refusal::Refusal;
use super::response::{HttpResponse, ResponseFormat};
use crate::Request;

/// The headers of a request that [`Endpoint::accept`] reads, in lower case.
pub const REQUEST_HEADERS: [&str; 12] = [
    "accept",
    "apollo-require-preflight",
    "content-encoding",
    "content-length",
    "content-type",
    "graphql-preflight",
    "origin",
    "referer",
    "sec-fetch-site",
    "user-agent",
    "x-apollo-operation-name",
    STREAM_TOKEN,
];

/// Names the event stream that responses go to (GraphQL over SSE, "Single connection mode").
pub const STREAM_TOKEN: &str = "x-graphql-event-stream-token";

/// A request as a transport received it.
pub struct HttpRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// What comes after the `?` of the URL.
    pub query: Option<&'a str>,
    /// The value of the header with this name, which is in lower case; see [`REQUEST_HEADERS`].
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body. A transport may stop reading when it has more than
    /// [`max_body_bytes`](HttpOptions::max_body_bytes), or when `content-length` says more.
    pub body: &'a [u8],
}

/// What became of a request.
#[derive(Debug)]
pub enum Accepted {
    /// Is to be executed; then [`respond`](super::respond) makes the answer.
    Execute {
        /// What to execute; nothing is known about the document in it yet.
        request: Request,
        /// How to answer.
        format: ResponseFormat,
        /// Whether the answer may be a stream of events.
        streaming: Streaming,
        /// `extensions.operationId`: the operation's name on a stream that it shares with others.
        operation_id: Option<String>,
    },
    /// Is answered already.
    Respond(HttpResponse),
}

/// Whether a client takes a stream of events (`text/event-stream`) for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// It does not.
    Never,
    /// It does, and JSON as well: so it is for subscriptions.
    Subscriptions,
    /// It takes nothing else.
    Always,
}

/// One URL that speaks GraphQL: its options, and the documents that its clients registered.
///
/// It is meant to live as long as the server does.
pub struct Endpoint {
    options: HttpOptions,
    /// The value of the header `Allow`.
    allow: String,
    documents: Documents,
    page: Option<Page>,
}

impl Endpoint {
    /// An endpoint without registered documents.
    pub fn new(mut options: HttpOptions) -> Endpoint {
        let trusted = std::mem::take(&mut options.trusted_documents);
        let documents = Documents::new(trusted, options.only_trusted, &options.persisted);
        let page = match options.playground {
            Playground::None => None,
            Playground::Graphiql => Some(Page::graphiql(options.explain)),
            Playground::Sandbox => Some(Page::sandbox()),
        };
        let serves_get = page.is_some() || options.methods.contains(&Method::Get);
        let mut allow = String::new();
        if serves_get {
            allow.push_str("GET, HEAD, ");
        }
        if options.methods.contains(&Method::Post) {
            allow.push_str("POST, ");
        }
        allow.push_str("OPTIONS");
        Endpoint {
            options,
            allow,
            documents,
            page,
        }
    }

    /// Decides about a request: answers it, or says what is to be executed for it.
    ///
    /// Never blocks and does no input or output.
    pub fn accept(&self, request: &HttpRequest<'_>) -> Accepted {
        match self.examine(request) {
            Ok(accepted) => accepted,
            Err((refusal, format)) => Accepted::Respond(refusal.into_response(format)),
        }
    }

    fn examine(&self, request: &HttpRequest<'_>) -> Result<Accepted, (Refusal, ResponseFormat)> {
        let before_format = |refusal| (refusal, ResponseFormat::Json);
        let is_post = match request.method {
            "POST" => true,
            "GET" | "HEAD" => false,
            "OPTIONS" => return Ok(Accepted::Respond(self.describe())),
            _ => return Err(before_format(self.method_not_allowed())),
        };

        let offers: &[Offer] = match (&self.page, is_post) {
            (Some(_), false) => &[Offer::Json, Offer::GraphqlResponse, Offer::Html],
            _ => &[Offer::Json, Offer::GraphqlResponse],
        };
        let accept = (request.header)("accept");
        let takes_events = media_type::accepts_event_stream(accept);
        let mut streaming = match takes_events {
            true => Streaming::Subscriptions,
            false => Streaming::Never,
        };
        let format = match media_type::negotiate(accept, offers) {
            Some(Offer::Json) => ResponseFormat::Json,
            Some(Offer::GraphqlResponse) => ResponseFormat::GraphqlResponse,
            // It is never offered.
            Some(Offer::EventStream) => return Err(before_format(Refusal::NotAcceptable)),
            Some(Offer::Html) => {
                let page = self.page.as_ref().map(Page::response);
                return page
                    .map(Accepted::Respond)
                    .ok_or_else(|| before_format(Refusal::NotAcceptable));
            }
            None if takes_events => {
                streaming = Streaming::Always;
                ResponseFormat::Json
            }
            None => return Err(before_format(Refusal::NotAcceptable)),
        };

        let method = if is_post { Method::Post } else { Method::Get };
        if !self.options.methods.contains(&method) {
            return Err((self.method_not_allowed(), format));
        }
        let parameters = self.parameters(request, is_post);
        let read = parameters.and_then(|parameters| self.read(parameters, is_post));
        read.map(|(request, operation_id)| Accepted::Execute {
            request,
            format,
            streaming,
            operation_id,
        })
        .map_err(|refusal| (refusal, format))
    }

    /// Reads the request of an operation that came by another way than HTTP: an object as the body of a
    /// request over HTTP would be.
    ///
    /// # Errors
    /// The response that says why it is not executed.
    pub fn read_message(&self, parameters: Map<String, Json>) -> Result<Request, Vec<u8>> {
        let read = Parameters::from_object(parameters);
        let read = read.and_then(|parameters| self.read(parameters, true));
        read.map(|(request, _)| request)
            .map_err(|refusal| refusal.into_response(ResponseFormat::Json).body)
    }

    /// What the endpoint allows.
    pub fn options(&self) -> &HttpOptions {
        &self.options
    }

    fn parameters(&self, request: &HttpRequest<'_>, is_post: bool) -> Result<Parameters, Refusal> {
        if is_post {
            self.check_body(request)?;
        }
        if self.options.csrf_prevention && csrf::may_be_cross_site(request.header) {
            return Err(Refusal::CrossSite);
        }
        if is_post {
            Parameters::from_json(request.body)
        } else {
            Parameters::from_url(request.query.unwrap_or_default())
        }
    }

    /// The request, and its `extensions.operationId`.
    fn read(
        &self,
        parameters: Parameters,
        allows_mutation: bool,
    ) -> Result<(Request, Option<String>), Refusal> {
        let mut extensions = parameters.extensions.unwrap_or_default();
        let query = self
            .documents
            .find(parameters.query, parameters.document_id, &extensions)?;
        let operation_id = match extensions.get_mut("operationId") {
            Some(Json::String(id)) => Some(std::mem::take(id)),
            _ => None,
        };
        let request = Request {
            query,
            operation_name: parameters.operation_name,
            variables: parameters.variables.unwrap_or_default(),
            is_explained: self.options.explain
                && extensions.get("explain") == Some(&Json::Bool(true)),
            allows_mutation,
        };
        Ok((request, operation_id))
    }

    /// Checks what can be known of a body without reading it.
    fn check_body(&self, request: &HttpRequest<'_>) -> Result<(), Refusal> {
        let content_type = (request.header)("content-type");
        if !content_type.is_some_and(media_type::is_json_in_utf8) {
            let shown = content_type.map(|value| format!("`{value}`"));
            return Err(Refusal::UnsupportedMediaType(shown));
        }
        let encoding = (request.header)("content-encoding").map_or("identity", str::trim);
        if !encoding.eq_ignore_ascii_case("identity") && !encoding.is_empty() {
            return Err(Refusal::UnsupportedContentEncoding(encoding.to_owned()));
        }
        let declared = (request.header)("content-length").and_then(|value| value.parse().ok());
        let limit = self.options.max_body_bytes;
        if request.body.len().max(declared.unwrap_or(0)) > limit {
            return Err(Refusal::BodyTooLarge { limit });
        }
        Ok(())
    }

    /// The answer to OPTIONS. Headers for cross-origin requests are the application's to add.
    fn describe(&self) -> HttpResponse {
        HttpResponse {
            status: 204,
            headers: vec![("allow", Cow::Owned(self.allow.clone()))],
            body: Vec::new(),
        }
    }

    fn method_not_allowed(&self) -> Refusal {
        Refusal::MethodNotAllowed {
            allow: Cow::Owned(self.allow.clone()),
        }
    }
}
