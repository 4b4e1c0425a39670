//! As much of HTTP/1.1 as a load generator needs.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use memchr::memmem;

use crate::operations::{Documents, answer};
use crate::pool::Pool;

/// Room for the head in front of the body, whose length is known last.
const HEAD_ROOM: usize = 160;

/// Answers the requests of one client until it goes away.
pub fn serve(mut client: TcpStream, documents: &Documents, pool: &Pool) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut input = Vec::with_capacity(16 * 1024);
    let mut output = Vec::with_capacity(256 * 1024);
    let mut chunk = [0; 16 * 1024];
    loop {
        let head_end = loop {
            match memmem::find(&input, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => receive(&mut client, &mut chunk, &mut input)?,
            }
        };
        let end = head_end + content_length(&input[..head_end]);
        while input.len() < end {
            receive(&mut client, &mut chunk, &mut input)?;
        }

        output.clear();
        output.resize(HEAD_ROOM, 0);
        let status = match answer(&input[head_end..end], documents, pool, &mut output) {
            Ok(true) => "200 OK",
            Ok(false) => "400 Bad Request",
            Err(error) => {
                eprintln!("{error}");
                "500 Internal Server Error"
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/graphql-response+json; charset=utf-8\r\ncontent-length: {}\r\n\r\n",
            output.len() - HEAD_ROOM
        );
        let begin = HEAD_ROOM - head.len();
        output[begin..HEAD_ROOM].copy_from_slice(head.as_bytes());
        client.write_all(&output[begin..])?;
        input.drain(..end);
    }
}

fn receive(client: &mut TcpStream, chunk: &mut [u8], input: &mut Vec<u8>) -> io::Result<()> {
    match client.read(chunk)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            input.extend_from_slice(&chunk[..count]);
            Ok(())
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    head.split(|byte| *byte == b'\n')
        .find_map(|line| {
            let (name, value) = line.split_at_checked(15)?;
            let value = std::str::from_utf8(value).ok()?.trim();
            name.eq_ignore_ascii_case(b"content-length:")
                .then(|| value.parse().ok())?
        })
        .unwrap_or(0)
}
