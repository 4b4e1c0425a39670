//! Compressed answers.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use puff_server::script::Written;
use serde_json::json;

use crate::support::{Answer, TestServer};

fn long_text() -> String {
    (0..500).map(|number| format!("line {number}\n")).collect()
}

/// Answers with a long text, and the headers that the query asks for: `?name=value&name=value`.
async fn server(config: serde_json::Value) -> TestServer {
    TestServer::start(config, |isolate, asked| {
        let query = asked.url.split_once('?').map_or("", |(_, query)| query);
        let query = query.replace('+', " ").replace("%22", "\"");
        let mut status = 200;
        let mut headers = Vec::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "status" => status = value.parse().unwrap(),
                _ => headers.push((name, value)),
            }
        }
        let body = if asked.path() == "/short" {
            "short".to_owned()
        } else {
            long_text()
        };
        isolate.respond_with(asked.id, status, &headers, Some(body.into()), true);
    })
    .await
}

fn decode(answer: &Answer) -> String {
    let body = &answer.body[..];
    let mut text = String::new();
    match answer.header("content-encoding") {
        None => text = answer.text(),
        Some("gzip") => drop(GzDecoder::new(body).read_to_string(&mut text).unwrap()),
        Some("deflate") => drop(ZlibDecoder::new(body).read_to_string(&mut text).unwrap()),
        Some("br") => drop(
            brotli::Decompressor::new(body, 4096)
                .read_to_string(&mut text)
                .unwrap(),
        ),
        Some("zstd") => text = String::from_utf8(zstd::decode_all(body).unwrap()).unwrap(),
        Some(other) => panic!("{other}"),
    }
    text
}

const TEXT: &str = "content-type=text/html;+charset=utf-8";

#[tokio::test]
async fn clients_get_the_encoding_that_they_like() {
    let server = server(json!({})).await;
    let mut client = server.connect().await;
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, deflate, br", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("deflate", Some("deflate")),
        ("identity", None),
        ("br;q=0.1, gzip", Some("gzip")),
    ] {
        let headers = format!("Accept-Encoding: {accepted}\r\n");
        let answer = client
            .get(&format!("/?{TEXT}&etag=%22a%22&vary=rsc"), &headers)
            .await;
        assert_eq!(answer.header("content-encoding"), expected, "{accepted}");
        assert_eq!(decode(&answer), long_text());
        assert_eq!(answer.header("vary"), Some("rsc, Accept-Encoding"));
        let etag = if expected.is_some() {
            "W/\"a\""
        } else {
            "\"a\""
        };
        assert_eq!(answer.header("etag"), Some(etag));
        assert_eq!(expected.is_some(), answer.body.len() < 3000);
    }
}

#[tokio::test]
async fn what_must_stay_as_it_is_does() {
    let server = server(json!({})).await;
    let mut client = server.connect().await;
    let accept = "Accept-Encoding: gzip, br, zstd\r\n";
    let long = long_text();
    for (path, vary, expected) in [
        (format!("/short?{TEXT}"), Some("Accept-Encoding"), "short"),
        ("/?content-type=image/png".to_owned(), None, &long),
        ("/?x=y".to_owned(), None, &long),
        (
            format!("/?{TEXT}&cache-control=public,+no-transform"),
            None,
            &long,
        ),
        (
            "/?content-type=text/event-stream".to_owned(),
            Some("Accept-Encoding"),
            &long,
        ),
        (
            format!("/?{TEXT}&status=206&content-range=bytes+0-1/9999"),
            Some("Accept-Encoding"),
            &long,
        ),
        (format!("/?{TEXT}&vary=*"), Some("*"), &long),
    ] {
        let answer = client.get(&path, accept).await;
        let is_any = answer.header("vary") == Some("*");
        assert_eq!(answer.header("vary"), vary, "{path}");
        assert_eq!(
            answer.header("content-encoding").is_some(),
            is_any,
            "{path}"
        );
        assert_eq!(decode(&answer), expected, "{path}");
    }
    // Compressed by the handler itself.
    let answer = client
        .get(&format!("/?{TEXT}&content-encoding=gzip"), accept)
        .await;
    assert_eq!(answer.text(), long);
    client
        .send(format!("HEAD /?{TEXT} HTTP/1.1\r\nHost: a\r\n{accept}\r\n"))
        .await;
    let head = client.answer_to("HEAD").await.unwrap();
    assert_eq!(head.header("content-encoding"), None);
    assert_eq!(head.header("vary"), Some("Accept-Encoding"));
    assert_eq!(
        head.header("content-length"),
        Some(&*long.len().to_string())
    );
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let server = server(json!({ "compression": { "enabled": false } })).await;
    let mut client = server.connect().await;
    let answer = client
        .get(&format!("/?{TEXT}"), "Accept-Encoding: gzip\r\n")
        .await;
    assert_eq!(answer.header("vary"), None);
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.text(), long_text());
}

#[tokio::test]
async fn a_stream_is_not_held_up() {
    let server = TestServer::start(json!({}), |isolate, asked| {
        let id = asked.id.to_string();
        let headers = [("content-type", "text/html"), ("id", &id)];
        isolate.respond_with(asked.id, 200, &headers, Some("first ".into()), false);
    })
    .await;
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let mut client = server.connect().await;
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {encoding}\r\n\r\n"
            ))
            .await;
        let mut answer = client.head().await.unwrap();
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        let handle = server
            .isolate
            .answer(answer.header("id").unwrap().parse().unwrap())
            .unwrap();
        // What can be read of the answer so far, though its end is not there.
        answer.body = client.chunk().await.unwrap();
        assert_eq!(begun(&answer), "first ", "{encoding}");
        assert_eq!(handle.write(Bytes::from("second")), Written::Taken);
        while begun(&answer) != "first second" {
            answer.body.extend(client.chunk().await.unwrap());
        }
        handle.end(None);
        while let Some(chunk) = client.chunk().await {
            answer.body.extend(chunk);
        }
        assert_eq!(decode(&answer), "first second");
    }
}

/// What of an answer can be decoded that has not ended.
fn begun(answer: &Answer) -> String {
    let body = &answer.body[..];
    let mut decoder: Box<dyn Read> = match answer.header("content-encoding").unwrap() {
        "gzip" => Box::new(GzDecoder::new(body)),
        "deflate" => Box::new(ZlibDecoder::new(body)),
        "br" => Box::new(brotli::Decompressor::new(body, 4096)),
        _ => Box::new(zstd::Decoder::new(body).unwrap()),
    };
    let mut text = Vec::new();
    let mut byte = [0];
    while let Ok(1) = decoder.read(&mut byte) {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}
