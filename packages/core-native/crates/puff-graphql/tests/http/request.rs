//! Requests as tests write them.

use puff_graphql::Request;
use puff_graphql::http::{
    Accepted, Endpoint, HttpOptions, HttpRequest, HttpResponse, ResponseFormat,
};
use serde_json::Value as Json;

/// A request in the making.
pub(crate) struct TestRequest<'a> {
    method: &'a str,
    query: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> TestRequest<'a> {
    pub(crate) fn new(method: &'a str) -> TestRequest<'a> {
        TestRequest {
            method,
            query: None,
            headers: Vec::new(),
            body: b"",
        }
    }

    pub(crate) fn get(query: &'a str) -> TestRequest<'a> {
        TestRequest {
            query: Some(query),
            ..TestRequest::new("GET")
        }
    }

    pub(crate) fn head(query: &'a str) -> TestRequest<'a> {
        TestRequest {
            method: "HEAD",
            ..TestRequest::get(query)
        }
    }

    /// A POST with JSON.
    pub(crate) fn post(body: &'a (impl AsRef<[u8]> + ?Sized)) -> TestRequest<'a> {
        TestRequest {
            body: body.as_ref(),
            ..TestRequest::new("POST")
        }
        .header("content-type", "application/json")
    }

    /// Sets a header, instead of the one with the same name if there is one.
    pub(crate) fn header(mut self, name: &'a str, value: &'a str) -> TestRequest<'a> {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> TestRequest<'a> {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    pub(crate) fn to(&self, endpoint: &Endpoint) -> Accepted {
        let header = |name: &str| {
            let found = self.headers.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| *value)
        };
        endpoint.accept(&HttpRequest {
            method: self.method,
            query: self.query,
            header: &header,
            body: self.body,
        })
    }

    /// What is executed for it; it must be accepted.
    pub(crate) fn executed(&self, endpoint: &Endpoint) -> (Request, ResponseFormat) {
        match self.to(endpoint) {
            Accepted::Execute {
                request, format, ..
            } => (request, format),
            Accepted::Respond(response) => panic!("answered: {}", text(&response)),
        }
    }

    /// How it is answered; it must not be executed.
    pub(crate) fn answered(&self, endpoint: &Endpoint) -> HttpResponse {
        match self.to(endpoint) {
            Accepted::Respond(response) => response,
            Accepted::Execute { request, .. } => panic!("executed: {request:?}"),
        }
    }

    /// The status, the code and the message of the answer.
    pub(crate) fn refused(&self, endpoint: &Endpoint) -> (u16, String, String) {
        let response = self.answered(endpoint);
        let body: Json = serde_json::from_slice(&response.body).expect("a body in JSON");
        assert!(body.get("data").is_none(), "{body}");
        let error = &body["errors"][0];
        let member = |value: &Json| value.as_str().expect("a text").to_owned();
        (
            response.status,
            member(&error["extensions"]["code"]),
            member(&error["message"]),
        )
    }
}

/// An endpoint with options in the form that TypeScript writes.
pub(crate) fn endpoint(options: Json) -> Endpoint {
    let options: HttpOptions = serde_json::from_value(options).expect("valid options");
    Endpoint::new(options)
}

/// An endpoint without options.
pub(crate) fn default_endpoint() -> Endpoint {
    Endpoint::new(HttpOptions::default())
}

pub(crate) fn header<'r>(response: &'r HttpResponse, name: &str) -> Option<&'r str> {
    let found = response.headers.iter().find(|(other, _)| *other == name);
    found.map(|(_, value)| value.as_ref())
}

pub(crate) fn text(response: &HttpResponse) -> &str {
    std::str::from_utf8(&response.body).expect("UTF-8")
}
