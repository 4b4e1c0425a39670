//! The engine of next-puff behind a plain HTTP server: what an operation costs without Node.js.
//!
//! Usage: `bench-engine <port> <schema.json>`, with `DATABASE_URL` in the environment. The schema is the
//! `spec` of a `PuffSchema`; its fields must need no JavaScript.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use puff_core::postgres::{Pool, PoolConfig, PoolOptions};
use puff_core::runtime;
use puff_graphql::http::{HttpOptions, HttpRequest, HttpResponse};
use puff_graphql::schema::SchemaSpec;
use puff_server::graphql::{Received, Reply, Schema};
use tokio::net::TcpListener;

const POOL_SIZE: usize = 10;

type Fault = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("the port is missing")?.parse()?;
    let file = arguments.next().ok_or("the schema is missing")?;
    let spec: SchemaSpec = serde_json::from_str(&std::fs::read_to_string(file)?)?;

    let config = PoolConfig::new(PoolOptions {
        url: std::env::var("DATABASE_URL")?,
        max_connections: Some(POOL_SIZE),
        ..PoolOptions::default()
    })?;
    let pool = Pool::new(config)?;
    let schema = Arc::new(Schema::new(&spec, Some(pool), HttpOptions::default())?);

    let server = runtime::spawn(async move {
        if let Err(fault) = serve(port, schema).await {
            eprintln!("{fault}");
        }
    });
    Ok(server.await?)
}

async fn serve(port: u16, schema: Arc<Schema>) -> Result<(), Fault> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        let schema = schema.clone();
        runtime::spawn(async move {
            let service = service_fn(|request| answer(&schema, request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(client), service);
            // A client that goes away ends its connection; there is nobody to tell.
            let _ = connection.await;
        });
    }
}

async fn answer(
    schema: &Arc<Schema>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(Response::default());
    };
    let body = body.to_bytes();
    let received = schema.receive(&HttpRequest {
        method: head.method.as_str(),
        query: head.uri.query(),
        header: &|name| head.headers.get(name)?.to_str().ok(),
        body: &body,
    });
    let HttpResponse {
        status,
        headers,
        body,
    } = match received {
        Received::Reply(Reply::Whole(response)) => response,
        // Nobody subscribes here.
        Received::Reply(Reply::Stream(_)) => return Ok(Response::default()),
        Received::Execute(operation) => {
            let host = schema.host(None);
            operation.answer(&host).await
        }
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value.as_ref());
    }
    Ok(response
        .body(Full::new(body.into()))
        .unwrap_or_else(|_| Response::default()))
}
