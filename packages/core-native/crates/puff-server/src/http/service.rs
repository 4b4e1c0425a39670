//! What happens to a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ::http::request::Parts;
use ::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::Response;
use super::access_log::AccessLog;
use super::body::RequestBody;
use super::body_bounds::BodyBounds;
use super::compression::Compression;
use super::config::{HealthPaths, Limits, ServerConfig, Timeouts, TracingConfig};
use super::connection::Connection;
use super::connections::Connections;
use super::exchange::Exchange;
use super::forwarded::TrustProxy;
use super::health;
use super::internal_headers;
use super::metrics::{Metrics, Tier};
use super::refusal;
use super::request_check::{self, asks_to_close};
use super::sent_body::{Journey, SentBody};
use super::tracing;
use crate::graphql::routes::GraphqlRoutes;
use crate::script::{Isolates, ScriptRoute, Unanswered};
use crate::site::{Decision, Prerenders, Site};
use crate::websocket::{Sockets, asks_for_websocket};

/// Answers requests; shared by all connections.
pub(super) struct Service {
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) health: HealthPaths,
    pub(super) metrics_path: Option<String>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) connections: Arc<Connections>,
    pub(super) access_log: Option<AccessLog>,
    pub(super) isolates: Isolates,
    pub(super) sockets: Arc<Sockets>,
    pub(super) graphql: GraphqlRoutes,
    /// What was built; none before it is known, and in development.
    pub(super) site: OnceLock<OpenSite>,
    trust_proxy: TrustProxy,
    tracing: TracingConfig,
    compression: Compression,
    /// The app says `compress: false`, in development; a build says it by its site.
    is_uncompressed: AtomicBool,
    /// What is sent in `Keep-Alive`.
    keep_alive: Option<HeaderValue>,
    /// Load balancers are told to look elsewhere.
    is_draining: AtomicBool,
    /// No connection is wanted any more.
    is_closing: AtomicBool,
}

/// What Next.js has built, and what of its answers can be sent again.
pub(super) struct OpenSite {
    pub(super) site: Site,
    pub(super) prerenders: Prerenders,
}

impl Service {
    pub(super) fn new(config: ServerConfig) -> Service {
        let keep_alive = config.timeouts.keep_alive.and_then(|timeout| {
            HeaderValue::try_from(format!("timeout={}", timeout.as_secs())).ok()
        });
        Service {
            limits: config.limits,
            timeouts: config.timeouts,
            health: config.health,
            metrics_path: config.metrics.path,
            metrics: Arc::default(),
            connections: Arc::default(),
            access_log: config.access_log.map(AccessLog::new),
            isolates: Isolates::new(config.isolates.into()),
            sockets: Sockets::new(config.websockets),
            graphql: GraphqlRoutes::default(),
            site: OnceLock::new(),
            trust_proxy: config.trust_proxy,
            tracing: config.tracing,
            compression: Compression::new(config.compression),
            is_uncompressed: AtomicBool::new(false),
            keep_alive,
            is_draining: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    /// Whether requests are answered, and will be for a while.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_draining.load(Ordering::Relaxed) && !self.isolates.is_empty()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Compresses nothing from now on.
    pub(super) fn disable_compression(&self) {
        self.is_uncompressed.store(true, Ordering::Relaxed);
    }

    fn compresses(&self) -> bool {
        let site = self.site.get();
        !self.is_uncompressed.load(Ordering::Relaxed)
            && site.is_none_or(|open| open.site.is_compressed())
    }

    /// Lets load balancers look elsewhere.
    pub(super) fn begin_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Lets connections end with their next answer.
    pub(super) fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        connection: Arc<Connection>,
    ) -> ::http::Response<SentBody> {
        let mut journey = Journey::begin(self.clone(), connection);
        let version = request.version();
        let is_last = asks_to_close(request.headers()) || asks_for_websocket_by_http1(&request);
        let mut response = self.respond(request, &mut journey).await;
        journey.status = Some(response.status());
        if version <= Version::HTTP_11 {
            self.head_for_http1(&mut response, version, is_last, journey.connection());
        }
        response.map(|body| SentBody::new(body, journey))
    }

    async fn respond(&self, mut request: Request<Incoming>, journey: &mut Journey) -> Response {
        let upgrade = hyper::upgrade::on(&mut request);
        let (mut parts, incoming) = request.into_parts();
        if let Some(refusal) = request_check::refuse(&self.limits, &parts, &incoming) {
            return refusal;
        }
        request_check::as_http1(&mut parts);
        internal_headers::remove(&mut parts.headers);
        let peer = &journey.connection().client;
        let is_believed = self.trust_proxy.believes(peer);
        let client = self.trust_proxy.client(peer, &mut parts.headers);
        let request_id = tracing::name(self.tracing, is_believed, &mut parts.headers);
        if let Some(log) = &self.access_log {
            let request_id = request_id.as_ref().and_then(|id| id.to_str().ok());
            journey.entry = Some(Box::new(log.begin(&parts, &client, request_id)));
        }
        let is_admin = journey.connection().is_admin;
        if let Some(response) = health::answer(self, &parts, is_admin) {
            return response;
        }
        let acceptance = self
            .compresses()
            .then(|| self.compression.acceptance(&parts.method, &parts.headers))
            .flatten();
        let (body, fate) = if incoming.is_end_stream() {
            (RequestBody::new(incoming), None)
        } else {
            let bounds = BodyBounds::new(&self.limits, &self.timeouts);
            let fate = bounds.fate.clone();
            (RequestBody::bounded(incoming, bounds), Some(fate))
        };
        let exchange = Exchange {
            upgrade: asks_for_websocket(&parts).then_some(upgrade),
            parts,
            body,
            client,
        };
        let answering = self.route(exchange, &mut journey.tier);
        let mut response = match &fate {
            None => answering.await,
            Some(fate) => tokio::select! {
                biased;
                fault = fate.failed() => refusal::body_fault(fault),
                // Whoever reads a body to no end has an answer of its own, which knows less.
                response = answering => fate.fault().map_or(response, refusal::body_fault),
            },
        };
        if fate.is_some_and(|fate| !fate.is_read()) {
            // What is left of the body stands before the next request, and may be long.
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(acceptance) = acceptance {
            response = self.compression.apply(&acceptance, response).await;
        }
        if let Some(id) = request_id.filter(|_| self.tracing.return_request_ids) {
            response.headers_mut().insert(tracing::REQUEST_ID, id);
        }
        response
    }

    /// Gives a request to whoever answers it.
    async fn route(&self, mut exchange: Exchange, tier: &mut Tier) -> Response {
        if let Some(route) = self.graphql.find(&exchange.parts) {
            *tier = Tier::Graphql;
            let answered = match exchange.upgrade {
                Some(_) => route.upgrade(exchange, &self.sockets),
                None if self.goes_to_handler(&exchange.parts) => route.answer(exchange).await,
                None => Err(exchange),
            };
            exchange = match answered {
                Ok(response) => return response,
                Err(exchange) => exchange,
            };
        }
        if exchange.upgrade.is_some() {
            *tier = Tier::Websocket;
            return self.upgrade(exchange).await;
        }
        *tier = Tier::Site;
        let Some(OpenSite { site, prerenders }) = self.site.get() else {
            *tier = Tier::Script;
            return self.ask_script(exchange, &ScriptRoute::default()).await;
        };
        let (route, recorder) = match site.decide(&exchange.parts) {
            Decision::Answer(response) => return response,
            Decision::Script(route) => (route, None),
            Decision::Prerender { key, route } => {
                if let Some(response) = prerenders.find(&exchange.parts, &key) {
                    return response;
                }
                (route, prerenders.recorder(&exchange.parts, &key))
            }
        };
        *tier = Tier::Script;
        let response = self.ask_script(exchange, &route).await;
        match recorder {
            Some(recorder) => recorder.record(response),
            None => response,
        }
    }

    /// Whether nothing but the handler of its route sees a request, or adds to its answer: neither
    /// the proxy of the app nor its config.
    fn goes_to_handler(&self, parts: &Parts) -> bool {
        let decided = self.site.get().map(|open| open.site.decide(parts));
        matches!(decided, Some(Decision::Script(route)) if route.number != 0)
    }

    async fn ask_script(&self, exchange: Exchange, route: &ScriptRoute) -> Response {
        let answering = self.isolates.answer(exchange, route);
        let answered = match self.timeouts.answer {
            None => answering.await,
            Some(patience) => match timeout(patience, answering).await {
                Ok(answered) => answered,
                Err(_) => {
                    let text = "The handler did not answer in time.\n";
                    return refusal::plain(StatusCode::GATEWAY_TIMEOUT, text);
                }
            },
        };
        answered.unwrap_or_else(|reason| self.unanswered(reason))
    }

    /// Gives a connection to whoever speaks another protocol on it.
    async fn upgrade(&self, exchange: Exchange) -> Response {
        let route = ScriptRoute::default();
        // What the development server itself talks to.
        if exchange.parts.uri.path().contains("/_next/") {
            let answered = self.isolates.tunnel(exchange, &route).await;
            return answered.unwrap_or_else(|reason| self.unanswered(reason));
        }
        match self.sockets.handshake(&exchange.parts) {
            Ok(handshake) => {
                let opened = self.isolates.open_socket(exchange, handshake, &route).await;
                opened.unwrap_or_else(|refusal| refusal.response())
            }
            Err(refusal) => refusal.response(),
        }
    }

    fn unanswered(&self, reason: Unanswered) -> Response {
        if reason == Unanswered::Busy {
            self.metrics.busy.add(1);
        }
        refusal::unanswered(reason)
    }

    /// Says what becomes of the connection.
    fn head_for_http1(
        &self,
        response: &mut Response,
        version: Version,
        is_last: bool,
        connection: &Connection,
    ) {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            connection.note_upgrade();
            return;
        }
        let headers = response.headers_mut();
        if is_last || self.is_closing() || connection.is_unwanted() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        } else if version == Version::HTTP_11
            && let Some(keep_alive) = &self.keep_alive
            && !headers.contains_key(header::CONNECTION)
        {
            // As Node.js: clients that know when the server closes do not send a request at that
            // moment.
            headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
            headers.insert("keep-alive", keep_alive.clone());
        }
    }
}

/// Whether the guard of the connection lets everything pass that follows the request; then it must
/// be the last one.
fn asks_for_websocket_by_http1(request: &Request<Incoming>) -> bool {
    request_check::asks_for_websocket(request.headers()) || request.method() == Method::CONNECT
}
