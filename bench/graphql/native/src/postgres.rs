//! A connection that pipelines prepared statements and leaves rows as the server sent them.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

/// A value of a parameter, sent in binary form.
pub enum Value<'a> {
    Int(i32),
    Ints(&'a [i32]),
    Text(&'a str),
}

/// The rows of the statements that were sent together.
#[derive(Default)]
pub struct Rows {
    bytes: Vec<u8>,
    /// Where the first value of each row begins.
    starts: Vec<usize>,
    /// After each statement: how many rows there are.
    ends: Vec<usize>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// The rows of the n-th statement.
    pub fn of(&self, statement: usize) -> std::ops::Range<usize> {
        let begin = statement
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        begin..self.ends[statement]
    }

    pub fn values(&self, row: usize) -> Values<'_> {
        Values(&self.bytes[self.starts[row]..])
    }

    /// The integer at the beginning of each row.
    pub fn ids(&self) -> Vec<i32> {
        (0..self.len()).map(|row| self.values(row).int()).collect()
    }
}

/// Takes the values of a row in order; none of them may be NULL.
pub struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    pub fn bytes(&mut self) -> &'a [u8] {
        let (length, rest) = self.0.split_first_chunk::<4>().expect("another value");
        let (value, rest) = rest.split_at(i32::from_be_bytes(*length) as usize);
        self.0 = rest;
        value
    }

    pub fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes().try_into().expect("an int4"))
    }

    pub fn timestamp(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes().try_into().expect("a timestamptz"))
    }
}

pub struct Connection {
    stream: TcpStream,
    output: BytesMut,
    scratch: Vec<u8>,
}

impl Connection {
    pub fn open(url: &str) -> io::Result<Connection> {
        let address = Address::parse(url).ok_or_else(|| io::Error::other("a strange URL"))?;
        let stream = TcpStream::connect((address.host, address.port))?;
        stream.set_nodelay(true)?;
        let mut connection = Connection {
            stream,
            output: BytesMut::new(),
            scratch: vec![0; 256 * 1024],
        };
        connection.log_in(&address)?;
        Ok(connection)
    }

    fn log_in(&mut self, address: &Address<'_>) -> io::Result<()> {
        let parameters = [
            ("user", address.user),
            ("database", address.database),
            ("TimeZone", "UTC"),
            ("client_encoding", "UTF8"),
        ];
        frontend::startup_message(parameters, &mut self.output)?;
        self.flush()?;
        let mut input = BytesMut::new();
        let mut scram = None;
        loop {
            match self.message(&mut input)? {
                Message::AuthenticationSasl(_) => {
                    let password = address.password.as_bytes();
                    let state = ScramSha256::new(password, ChannelBinding::unsupported());
                    frontend::sasl_initial_response(
                        SCRAM_SHA_256,
                        state.message(),
                        &mut self.output,
                    )?;
                    scram = Some(state);
                    self.flush()?;
                }
                Message::AuthenticationSaslContinue(body) => {
                    let state = scram.as_mut().expect("SASL began");
                    state.update(body.data())?;
                    frontend::sasl_response(state.message(), &mut self.output)?;
                    self.flush()?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    scram.as_mut().expect("SASL began").finish(body.data())?;
                }
                Message::AuthenticationCleartextPassword
                | Message::AuthenticationMd5Password(_) => {
                    return Err(io::Error::other("only SCRAM and trust are supported"));
                }
                Message::ErrorResponse(body) => return Err(failure(&body)),
                Message::ReadyForQuery(_) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Prepares statements under their numbers.
    pub fn prepare(&mut self, texts: &[&str]) -> io::Result<()> {
        for (number, text) in texts.iter().enumerate() {
            frontend::parse(&number.to_string(), text, [], &mut self.output)?;
        }
        frontend::sync(&mut self.output);
        self.flush()?;
        let mut input = BytesMut::new();
        loop {
            match self.message(&mut input)? {
                Message::ErrorResponse(body) => return Err(failure(&body)),
                Message::ReadyForQuery(_) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Adds a statement to those that the next `run` sends.
    pub fn bind(&mut self, statement: usize, values: &[Value<'_>]) -> io::Result<()> {
        let name = [b"0", b"1", b"2", b"3", b"4"][statement];
        let name = std::str::from_utf8(name).expect("digits");
        let write = |value: &Value<'_>, buffer: &mut BytesMut| {
            match value {
                Value::Int(value) => buffer.extend_from_slice(&value.to_be_bytes()),
                Value::Text(text) => buffer.extend_from_slice(text.as_bytes()),
                Value::Ints(values) => write_ints(values, buffer),
            }
            Ok(IsNull::No)
        };
        frontend::bind("", name, [1], values, write, [1], &mut self.output)
            .map_err(|_| io::Error::other("a value that is too long"))?;
        frontend::execute("", 0, &mut self.output)
    }

    /// Sends what was bound and reads all rows.
    pub fn run(&mut self) -> io::Result<Rows> {
        frontend::sync(&mut self.output);
        self.flush()?;
        let mut rows = Rows::default();
        let mut failure = None;
        let mut at = 0;
        loop {
            let count = self.stream.read(&mut self.scratch)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            rows.bytes.extend_from_slice(&self.scratch[..count]);
            while let Some((head, _)) = rows.bytes[at..].split_first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                let end = at + 1 + length;
                if end > rows.bytes.len() {
                    break;
                }
                match head[0] {
                    b'D' => rows.starts.push(at + 7),
                    b'C' => rows.ends.push(rows.starts.len()),
                    b'Z' => return failure.map_or(Ok(rows), Err),
                    b'E' => {
                        let text = String::from_utf8_lossy(&rows.bytes[at + 5..end]);
                        failure = Some(io::Error::other(text.replace('\0', " ")));
                    }
                    _ => {}
                }
                at = end;
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    fn message(&mut self, input: &mut BytesMut) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(input)? {
                return Ok(message);
            }
            let count = self.stream.read(&mut self.scratch)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            input.extend_from_slice(&self.scratch[..count]);
        }
    }
}

/// An `int4[]` in binary form: dimensions, whether there are NULLs, element type, length, lower bound.
fn write_ints(values: &[i32], buffer: &mut BytesMut) {
    for word in [1, 0, 23, values.len() as i32, 1] {
        buffer.extend_from_slice(&word.to_be_bytes());
    }
    for value in values {
        buffer.extend_from_slice(&4_i32.to_be_bytes());
        buffer.extend_from_slice(&value.to_be_bytes());
    }
}

fn failure(body: &ErrorResponseBody) -> io::Error {
    let message = body.fields().find(|field| Ok(field.type_() == b'M'));
    let text = match &message {
        Ok(Some(field)) => String::from_utf8_lossy(field.value_bytes()).into_owned(),
        _ => "an error without a message".to_owned(),
    };
    io::Error::other(text)
}

/// `postgres://user:password@host:port/database`
struct Address<'a> {
    user: &'a str,
    password: &'a str,
    host: &'a str,
    port: u16,
    database: &'a str,
}

impl Address<'_> {
    fn parse(url: &str) -> Option<Address<'_>> {
        let (_, rest) = url.split_once("://")?;
        let (login, rest) = rest.split_once('@')?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (server, database) = rest.split_once('/')?;
        let (host, port) = server.split_once(':').unwrap_or((server, "5432"));
        Some(Address {
            user,
            password,
            host,
            port: port.parse().ok()?,
            database: database.split('?').next()?,
        })
    }
}
