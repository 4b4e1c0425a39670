//! Where Redis is and how to behave when it is not there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use serde::Deserialize;

use super::error::Error;
use crate::postgres::{Pem, SslMode, TlsOptions, client_config};

/// What a connection is made of, as users write it: a URL, fields, or both (fields win). Times are in
/// milliseconds; 0 means without a limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// `redis://`, `rediss://` (TLS), `redis+sentinel://host:port,host:port/master/database`, or
    /// `unix:///path`.
    pub url: Option<String>,
    /// Host name or address.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<u16>,
    /// Path of a Unix socket, instead of host and port.
    pub path: Option<String>,
    /// ACL user.
    pub username: Option<String>,
    /// Its password, or the server's.
    pub password: Option<String>,
    /// Number of the database.
    pub database: Option<u32>,
    /// Turns TLS on.
    pub tls: Option<TlsFields>,
    /// Host and port of sentinels; the master that they name is connected to.
    pub sentinels: Option<Vec<String>>,
    /// The master's name among the sentinels.
    pub master_name: Option<String>,
    /// ACL user of the sentinels.
    pub sentinel_username: Option<String>,
    /// Their password.
    pub sentinel_password: Option<String>,
    /// Shown by `CLIENT LIST`.
    pub client_name: Option<String>,
    /// 2 or 3. Default 2.
    pub protocol: Option<u8>,
    /// For opening a connection. Default 5,000.
    pub connect_timeout_ms: Option<u64>,
    /// For a reply. Default 5,000.
    pub command_timeout_ms: Option<u64>,
    /// How long commands wait while there is no connection. Default 1,000.
    pub offline_wait_ms: Option<u64>,
    /// Whether commands wait for a connection at all. Default true.
    pub offline_queue: Option<bool>,
    /// Commands that may wait or be under way. Default 100,000.
    pub max_waiting: Option<usize>,
    /// Whether commands that were under way when a connection broke are sent again on the next one. Default false.
    pub resends: Option<bool>,
    /// Pauses between attempts to connect; the last one repeats. Default 50 to 2,000.
    pub retry_delays_ms: Option<Vec<u64>>,
    /// Attempts after which the connection ends. Default without a limit.
    pub max_attempts: Option<u32>,
    /// Ask the listener for each pause, instead.
    pub asks_for_retry: Option<bool>,
}

/// How a TLS server is checked. Certificates and keys are PEM text, or the path of a file with it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TlsFields {
    /// The authorities to trust, instead of the system's.
    pub ca: Option<String>,
    /// Client certificate.
    pub certificate: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Whether to check the server's certificate and name. Default true.
    pub reject_unauthorized: Option<bool>,
    /// The name to check, instead of the host.
    pub server_name: Option<String>,
}

/// When to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// After these pauses; the last one repeats, up to a number of attempts.
    Delays(Vec<Duration>, Option<u32>),
    /// After the pause that the listener answers with; see [`Connection::retry`](super::Connection::retry).
    Asks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Tcp(host, port) => write!(formatter, "{host}:{port}"),
            Endpoint::Unix(path) => write!(formatter, "{}", path.display()),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) master: String,
    pub(crate) credentials: Credentials,
}

#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: Option<String>,
}

/// A checked configuration.
#[derive(Clone)]
pub struct Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) database: u32,
    pub(crate) tls: Option<Tls>,
    pub(crate) sentinels: Option<Sentinels>,
    pub(crate) client_name: Option<String>,
    pub(crate) protocol: u8,
    pub(crate) connect_timeout: Duration,
    /// None without a limit.
    pub(crate) command_timeout: Option<Duration>,
    /// None without a limit.
    pub(crate) offline_wait: Option<Duration>,
    pub(crate) has_offline_queue: bool,
    pub(crate) max_waiting: usize,
    pub(crate) resends: bool,
    pub(crate) retry: Retry,
}

impl Options {
    /// Reads options as JSON.
    ///
    /// # Errors
    /// [`Error::Config`] names the option and what it may be; it never shows passwords.
    pub fn from_json(text: &str) -> Result<Options, Error> {
        let of_all = match serde_json::from_str(text) {
            Ok(options) => return Ok(options),
            Err(error) => wrong(error.to_string()),
        };
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else {
            return Err(wrong("the options are no object"));
        };
        // One by one, as the reader does not say which one it is about.
        for (name, value) in fields {
            let is_secret = name.to_lowercase().contains("password") || name == "url";
            let field = serde_json::Map::from_iter([(name.clone(), value)]);
            match serde_json::from_value::<Options>(field.into()) {
                Ok(_) => {}
                Err(_) if is_secret => return Err(wrong(format!("{name} must be a string"))),
                Err(error) => return Err(wrong(format!("{name}: {error}"))),
            }
        }
        Err(of_all)
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without passwords.
        write!(formatter, "Config({}/{})", self.endpoint, self.database)
    }
}

impl std::str::FromStr for Config {
    type Err = Error;

    fn from_str(url: &str) -> Result<Config, Error> {
        Config::new(Options {
            url: Some(url.into()),
            ..Options::default()
        })
    }
}

const SCHEMES: &str = "the URL of Redis must begin with redis://, rediss://, redis+sentinel://, rediss+sentinel:// or unix://";

/// Values are not shown: where a password is not escaped, they are parts of it.
const ESCAPES: &str = "In a user name or password @, :, / and ? are written %40, %3A, %2F and %3F";

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const DELAYS_MS: [u64; 6] = [50, 100, 200, 500, 1000, 2000];

impl Config {
    /// Checks options; reads the certificate files.
    ///
    /// # Errors
    /// [`Error::Config`] names the option; it never shows passwords.
    pub fn new(options: Options) -> Result<Config, Error> {
        let given = match options.url.as_deref() {
            Some(url) => parse_url(url)?,
            None => Given::default(),
        };
        let endpoint = match (options.path, options.host) {
            (Some(path), _) => Endpoint::Unix(path.into()),
            (None, Some(host)) => Endpoint::Tcp(host, options.port.unwrap_or(PORT)),
            (None, None) => match (given.endpoint, options.port) {
                (Some(Endpoint::Tcp(host, port)), other) => {
                    Endpoint::Tcp(host, other.unwrap_or(port))
                }
                (Some(unix), _) => unix,
                (None, port) => Endpoint::Tcp("127.0.0.1".into(), port.unwrap_or(PORT)),
            },
        };
        let sentinels = match options.sentinels {
            Some(list) => list
                .iter()
                .map(|text| host_and_port(text, SENTINEL_PORT))
                .collect::<Result<Vec<_>, _>>()?,
            None => given.sentinels,
        };
        let sentinels = match sentinels.is_empty() {
            true => None,
            false => Some(Sentinels {
                endpoints: sentinels,
                master: options.master_name.or(given.master).ok_or_else(|| {
                    wrong("sentinels need masterName, or /name behind their addresses in the URL")
                })?,
                credentials: Credentials {
                    username: options.sentinel_username,
                    password: options.sentinel_password,
                },
            }),
        };
        let fields = options.tls.or(given.is_tls.then(TlsFields::default));
        let protocol = options.protocol.unwrap_or(2);
        if protocol != 2 && protocol != 3 {
            return Err(wrong("protocol must be 2 or 3"));
        }
        if options.port == Some(0) {
            return Err(wrong("port must be a whole number from 1 to 65535"));
        }
        let limit = |given: Option<u64>, default: u64| match given.unwrap_or(default) {
            0 => None,
            ms => Some(Duration::from_millis(ms)),
        };
        let retry = match options.asks_for_retry {
            Some(true) => Retry::Asks,
            _ => {
                let delays = options.retry_delays_ms.unwrap_or(DELAYS_MS.to_vec());
                let delays = delays.into_iter().map(Duration::from_millis).collect();
                Retry::Delays(delays, options.max_attempts)
            }
        };
        Ok(Config {
            endpoint,
            credentials: Credentials {
                username: options.username.or(given.username),
                password: options.password.or(given.password),
            },
            database: options.database.or(given.database).unwrap_or(0),
            tls: fields.map(tls_of).transpose()?,
            sentinels,
            client_name: options.client_name,
            protocol,
            connect_timeout: limit(options.connect_timeout_ms, 5_000)
                .unwrap_or(Duration::from_secs(3600)),
            command_timeout: limit(options.command_timeout_ms, 5_000),
            offline_wait: limit(options.offline_wait_ms, 1_000),
            has_offline_queue: options.offline_queue.unwrap_or(true),
            max_waiting: match options.max_waiting {
                None => 100_000,
                Some(0) => usize::MAX,
                Some(limit) => limit,
            },
            resends: options.resends.unwrap_or(false),
            retry,
        })
    }

    /// Host and port, the path of the socket, or the master and the sentinels that know where it is.
    pub fn address(&self) -> String {
        match &self.sentinels {
            None => self.endpoint.to_string(),
            Some(sentinels) => {
                let addresses: Vec<_> = sentinels
                    .endpoints
                    .iter()
                    .map(|at| at.to_string())
                    .collect();
                format!(
                    "{} of the sentinels {}",
                    sentinels.master,
                    addresses.join(", ")
                )
            }
        }
    }

    /// What the server is called among numbers.
    pub(crate) fn server(&self) -> String {
        match &self.sentinels {
            None => format!("{}/{}", self.endpoint, self.database),
            Some(sentinels) => format!("{}/{}", sentinels.master, self.database),
        }
    }

    /// The same server, with a limit of its own for replies.
    #[must_use]
    pub fn with_command_timeout(mut self, timeout: Option<Duration>) -> Config {
        self.command_timeout = timeout;
        self
    }
}

fn tls_of(fields: TlsFields) -> Result<Tls, Error> {
    let is_checked = fields.reject_unauthorized.unwrap_or(true);
    let client_identity = match (fields.certificate, fields.key) {
        (Some(certificate), Some(key)) => Some((pem(certificate), pem(key))),
        (None, None) => None,
        _ => return Err(wrong("tls.certificate and tls.key belong together")),
    };
    let options = TlsOptions {
        mode: match is_checked {
            true => SslMode::VerifyFull,
            false => SslMode::Prefer,
        },
        root_certificate: fields.ca.filter(|_| is_checked).map(pem),
        client_identity,
    };
    Ok(Tls {
        config: client_config(&options).map_err(|error| Error::Config(error.to_string()))?,
        server_name: fields.server_name,
    })
}

fn pem(text: String) -> Pem {
    match text.contains("-----BEGIN") {
        true => Pem::Text(text),
        false => Pem::File(text.into()),
    }
}

/// What a URL says.
#[derive(Default)]
struct Given {
    endpoint: Option<Endpoint>,
    sentinels: Vec<Endpoint>,
    master: Option<String>,
    is_tls: bool,
    username: Option<String>,
    password: Option<String>,
    database: Option<u32>,
}

fn wrong(what: impl Into<String>) -> Error {
    Error::Config(what.into())
}

fn parse_url(url: &str) -> Result<Given, Error> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(SCHEMES))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match scheme {
        "unix" | "redis+unix" => (rest.rsplit_once('@').map_or("", |(user, _)| user), rest),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let mut given = Given {
        is_tls: matches!(scheme, "rediss" | "rediss+sentinel"),
        ..Given::default()
    };
    let (user, hosts) = match (scheme, authority.rsplit_once('@')) {
        ("unix" | "redis+unix", _) => (authority, ""),
        (_, Some((user, hosts))) => (user, hosts),
        (_, None) => ("", authority),
    };
    if !user.is_empty() {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        given.username = text_of(name)?;
        given.password = text_of(password)?;
    }
    let mut database = "";
    match scheme {
        "redis" | "rediss" => {
            given.endpoint = Some(host_and_port(hosts, PORT)?);
            database = path;
        }
        "redis+sentinel" | "rediss+sentinel" => {
            given.sentinels = hosts
                .split(',')
                .map(|host| host_and_port(host, SENTINEL_PORT))
                .collect::<Result<_, _>>()?;
            let (master, number) = path.split_once('/').unwrap_or((path, ""));
            given.master = text_of(master)?;
            database = number;
        }
        "unix" | "redis+unix" => {
            let path = path.rsplit_once('@').map_or(path, |(_, path)| path);
            given.endpoint = Some(Endpoint::Unix(text_of(path)?.unwrap_or_default().into()));
        }
        _ => return Err(wrong(SCHEMES)),
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("db", number)) => database = number,
            _ => {
                return Err(wrong(format!(
                    "the URL of Redis has an unknown option; db is the only one. {ESCAPES}"
                )));
            }
        }
    }
    if !database.is_empty() {
        given.database = Some(database.parse().map_err(|_| {
            wrong(format!(
                "the database in the URL of Redis must be a whole number. {ESCAPES}"
            ))
        })?);
    }
    Ok(given)
}

fn text_of(encoded: &str) -> Result<Option<String>, Error> {
    let text = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| wrong("the URL of Redis is not UTF-8"))?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

fn host_and_port(text: &str, default: u16) -> Result<Endpoint, Error> {
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address without a port ends in its bracket.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None | Some("") => default,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            wrong(format!(
                "the port of a Redis server must be a whole number from 1 to 65535. {ESCAPES}"
            ))
        })?,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host {
        "" => "127.0.0.1",
        host => host,
    };
    Ok(Endpoint::Tcp(text_of(host)?.unwrap_or_default(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        url.parse().unwrap()
    }

    #[test]
    fn urls_name_everything() {
        let full = config("redis://ann:p%40ss@db.example:7000/3");
        assert_eq!(full.endpoint, Endpoint::Tcp("db.example".into(), 7000));
        assert_eq!(full.credentials.username.as_deref(), Some("ann"));
        assert_eq!(full.credentials.password.as_deref(), Some("p@ss"));
        assert_eq!(full.database, 3);
        let plain = config("redis://:secret@[::1]");
        assert_eq!(plain.endpoint, Endpoint::Tcp("::1".into(), 6379));
        assert_eq!(plain.credentials.username, None);
        assert_eq!(plain.credentials.password.as_deref(), Some("secret"));
        assert!(config("rediss://host").tls.is_some());
        let unix = config("unix:///run/redis.sock?db=2");
        assert_eq!(unix.endpoint, Endpoint::Unix("/run/redis.sock".into()));
        assert_eq!(unix.database, 2);
        let sentinels = config("redis+sentinel://a:1,b/main/1").sentinels.unwrap();
        assert_eq!(sentinels.endpoints.len(), 2);
        assert_eq!(sentinels.endpoints[1], Endpoint::Tcp("b".into(), 26379));
        assert_eq!(sentinels.master, "main");
    }

    #[test]
    fn options_that_are_wrong_are_named_without_passwords() {
        for (json, name, allowed) in [
            (r#"{"port":"high"}"#, "port", "u16"),
            (r#"{"port":70000}"#, "port", "u16"),
            (r#"{"database":-1}"#, "database", "u32"),
            (r#"{"database":1.5}"#, "database", "u32"),
            (r#"{"password":1234567}"#, "password", "a string"),
            (
                r#"{"sentinelPassword":1234567}"#,
                "sentinelPassword",
                "a string",
            ),
            (r#"{"sentinels":"a:1"}"#, "sentinels", "a sequence"),
            (r#"{"commandTimeoutMs":-5}"#, "commandTimeoutMs", "u64"),
            (r#"{"tls":{"caa":""}}"#, "tls", "`ca`"),
            (r#"{"colour":"red"}"#, "colour", "`host`"),
        ] {
            let text = Options::from_json(json).unwrap_err().to_string();
            assert!(text.contains(name) && text.contains(allowed), "{text}");
            assert!(!text.contains("1234567"), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_passwords() {
        for url in [
            "localhost:6379",
            "http://u:geheim@x",
            "redis://u:geheim@x:99999",
            "redis://u:geheim@x/zero",
            "redis://u:geheim@x?colour=red",
            "redis+sentinel://u:geheim@a:1",
            "redis://:12/geheim@x",
            "redis://:geheim/7@x",
            "redis://:12?geheim@x",
            "redis://u:geheim@x:0",
        ] {
            let error = url.parse::<Config>().unwrap_err();
            assert_eq!(error.code(), "PUFF_REDIS_CONFIG");
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }
}
