//! What a GraphQL server over PostgreSQL could reach at most: each layer of an operation is one
//! prepared statement for all parents, siblings go in one pipeline, and JSON is written from the binary
//! rows. It knows its six operations by their text, as a plan cache would; there is no engine.
//!
//! One blocking thread per client, ten connections to the database.
//!
//! Usage: `bench-native-layers <port> <operations.json>`, with `DATABASE_URL` in the environment.

mod grouping;
mod http;
mod json;
mod operations;
mod pool;
mod postgres;

use std::net::TcpListener;
use std::sync::Arc;

use operations::Documents;
use pool::Pool;
use postgres::Connection;

const POOL_SIZE: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("the port is missing")?.parse()?;
    let file = arguments
        .next()
        .ok_or("the file of operations is missing")?;
    let documents = Arc::new(Documents::parse(&std::fs::read_to_string(file)?)?);

    let url = std::env::var("DATABASE_URL")?;
    let connections = (0..POOL_SIZE)
        .map(|_| {
            let mut connection = Connection::open(&url)?;
            connection.prepare(&operations::STATEMENTS)?;
            Ok(connection)
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    let pool = Arc::new(Pool::new(connections));

    for client in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let (client, documents, pool) = (client?, documents.clone(), pool.clone());
        std::thread::spawn(move || {
            // A client that goes away ends its thread; there is nobody to tell.
            let _ = http::serve(client, &documents, &pool);
        });
    }
    Ok(())
}
