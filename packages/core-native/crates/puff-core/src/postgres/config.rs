//! What a pool needs to know: where the server is and how to treat connections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// A pool's options as they come from `puff.config.ts`; everything but `url` has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolOptions {
    /// `postgres://user:password@host:port/database?sslmode=...`
    pub url: String,
    /// The most connections the pool opens (10).
    pub max_connections: Option<usize>,
    /// An idle connection is closed after this time (30,000).
    pub idle_timeout_ms: Option<u64>,
    /// A connection is replaced when it is older than this (1,800,000).
    pub max_lifetime_ms: Option<u64>,
    /// A caller waits at most this long for a connection (10,000).
    pub acquire_timeout_ms: Option<u64>,
    /// Dialing, TLS and authentication together take at most this long (5,000).
    pub connect_timeout_ms: Option<u64>,
    /// PostgreSQL's `statement_timeout` for every session (none).
    pub statement_timeout_ms: Option<u64>,
    /// Prepared statements kept per connection (256).
    pub statement_cache_size: Option<usize>,
    /// Whether statements are prepared under a name (true); false for PgBouncer in transaction mode.
    pub named_statements: Option<bool>,
    /// How `int8` reaches JavaScript (string).
    pub int8: Option<Int8Mode>,
    /// What `pg_stat_activity` shows (next-puff).
    pub application_name: Option<String>,
    /// Connections that stay open however long they are idle, once they were opened (0).
    pub min_connections: Option<usize>,
    /// Run-time parameters of every session, instead of `application_name`, `TimeZone` UTC and
    /// `DateStyle` ISO.
    pub parameters: Option<BTreeMap<String, String>>,
    /// TCP keep-alive probes begin after this time without traffic (none).
    pub keep_alive_ms: Option<u64>,
    /// TLS, instead of what the URL says.
    pub tls: Option<TlsPems>,
}

/// TLS with certificates given as PEM text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsPems {
    /// As the `sslmode` of a URL.
    pub mode: String,
    /// The authorities to trust, instead of the system's.
    pub ca: Option<String>,
    /// The client's certificate chain.
    pub cert: Option<String>,
    /// The client's private key, not encrypted.
    pub key: Option<String>,
}

/// The JavaScript type for PostgreSQL's 64-bit integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Int8Mode {
    /// Decimal digits: exact and fit for JSON.
    #[default]
    String,
    /// `bigint`: exact, refused by `JSON.stringify`.
    BigInt,
    /// `number`: exact up to 2^53.
    Number,
}

/// Checked options of a pool.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    pub(crate) endpoint: Endpoint,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) tls: TlsOptions,
    pub(crate) application_name: String,
    pub(crate) max_connections: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) statement_cache_size: usize,
    pub(crate) named_statements: bool,
    pub(crate) int8: Int8Mode,
    pub(crate) min_connections: usize,
    pub(crate) parameters: Option<BTreeMap<String, String>>,
    pub(crate) keep_alive: Option<Duration>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix { path: PathBuf },
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Tcp { host, port } if host.contains(':') => {
                write!(formatter, "[{host}]:{port}")
            }
            Endpoint::Tcp { host, port } => write!(formatter, "{host}:{port}"),
            Endpoint::Unix { path } => write!(formatter, "{}", path.display()),
        }
    }
}

/// PostgreSQL manual, section "SSL Mode Descriptions".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    pub(crate) mode: SslMode,
    /// The authorities to trust, or the system's store.
    pub(crate) root_certificate: Option<Pem>,
    /// Client certificate and key.
    pub(crate) client_identity: Option<(Pem, Pem)>,
}

/// Where certificates or a key are.
#[derive(Debug, Clone)]
pub(crate) enum Pem {
    File(PathBuf),
    Text(String),
}

/// A URL or option that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL does not begin with `postgres://` or `postgresql://`.
    #[error("a PostgreSQL URL begins with postgres:// or postgresql://, this one does not: {0}")]
    Scheme(String),
    /// A part of the URL is malformed.
    #[error("the PostgreSQL URL has {0}")]
    Url(String),
    /// A parameter of the URL has a value that is not known.
    #[error("the PostgreSQL URL sets {name}={value}; use one of: {allowed}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// An option is out of range.
    #[error("{name} must be {expected}")]
    Range {
        /// The option, as users write it.
        name: &'static str,
        /// What it can be.
        expected: &'static str,
    },
    /// A certificate or key cannot be read.
    #[error("{name}: {reason}")]
    Certificate {
        /// The parameter that names the file.
        name: &'static str,
        /// What went wrong.
        reason: String,
    },
}

impl PoolConfig {
    /// Checks options and fills in the defaults; opens nothing.
    pub fn new(options: PoolOptions) -> Result<PoolConfig, ConfigError> {
        let url = ConnectionUrl::parse(&options.url)?;
        let millis =
            |value: Option<u64>, default: u64| Duration::from_millis(value.unwrap_or(default));
        let max_connections = options.max_connections.unwrap_or(10);
        if !(1..=10_000).contains(&max_connections) {
            return Err(ConfigError::Range {
                name: "maxConnections",
                expected: "a whole number from 1 to 10000",
            });
        }
        let statement_cache_size = options.statement_cache_size.unwrap_or(256);
        if statement_cache_size == 0 {
            return Err(ConfigError::Range {
                name: "statementCacheSize",
                expected: "at least 1 (namedStatements: false turns named statements off)",
            });
        }
        Ok(PoolConfig {
            endpoint: url.endpoint,
            user: url.user,
            password: url.password,
            database: url.database,
            tls: match options.tls {
                Some(tls) => tls.try_into()?,
                None => url.tls,
            },
            application_name: options
                .application_name
                .or(url.application_name)
                .unwrap_or_else(|| "next-puff".into()),
            max_connections,
            idle_timeout: millis(options.idle_timeout_ms, 30_000),
            max_lifetime: millis(options.max_lifetime_ms, 1_800_000),
            acquire_timeout: millis(options.acquire_timeout_ms, 10_000),
            connect_timeout: millis(options.connect_timeout_ms, 5_000),
            statement_timeout: options
                .statement_timeout_ms
                .filter(|timeout| *timeout > 0)
                .map(Duration::from_millis),
            statement_cache_size,
            named_statements: options.named_statements.unwrap_or(!url.pgbouncer),
            int8: options.int8.unwrap_or_default(),
            min_connections: options.min_connections.unwrap_or(0),
            parameters: options.parameters,
            keep_alive: options.keep_alive_ms.map(Duration::from_millis),
        })
    }
}

impl TryFrom<TlsPems> for TlsOptions {
    type Error = ConfigError;

    fn try_from(pems: TlsPems) -> Result<TlsOptions, ConfigError> {
        Ok(TlsOptions {
            mode: parse_ssl_mode(&pems.mode)?,
            root_certificate: pems.ca.map(Pem::Text),
            client_identity: client_identity(pems.cert.map(Pem::Text), pems.key.map(Pem::Text))?,
        })
    }
}

fn client_identity(
    certificate: Option<Pem>,
    key: Option<Pem>,
) -> Result<Option<(Pem, Pem)>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        _ => Err(ConfigError::Url(
            "a client certificate without its key, or the reverse".into(),
        )),
    }
}

struct ConnectionUrl {
    endpoint: Endpoint,
    user: String,
    password: Option<String>,
    database: String,
    tls: TlsOptions,
    application_name: Option<String>,
    pgbouncer: bool,
}

impl ConnectionUrl {
    /// Reads a connection URI, PostgreSQL manual section "Connection URIs", one host only.
    fn parse(text: &str) -> Result<ConnectionUrl, ConfigError> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or_else(|| ConfigError::Scheme(without_password(text)))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        if address.contains(',') {
            return Err(ConfigError::Url("several hosts; name one".into()));
        }
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(decode(password, "the password")?)),
            None => (credentials, None),
        };
        let (mut host, mut port) = split_address(address)?;
        let user = decode(user, "the user")?;
        let mut user = if user.is_empty() { None } else { Some(user) };
        let mut password = password;
        let mut database = decode(database, "the database name")?;
        let mut tls = TlsOptions {
            mode: SslMode::Prefer,
            root_certificate: None,
            client_identity: None,
        };
        let (mut certificate, mut key) = (None, None);
        let mut application_name = None;
        let mut pgbouncer = false;

        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value, "the parameters")?;
            match name {
                "host" => host = value,
                "port" => port = Some(parse_port(&value)?),
                "user" => user = Some(value),
                "password" => password = Some(value),
                "dbname" => database = value,
                "sslmode" => tls.mode = parse_ssl_mode(&value)?,
                "sslrootcert" if value == "system" => tls.root_certificate = None,
                "sslrootcert" => tls.root_certificate = Some(Pem::File(value.into())),
                "sslcert" => certificate = Some(Pem::File(value.into())),
                "sslkey" => key = Some(Pem::File(value.into())),
                "application_name" => application_name = Some(value),
                "pgbouncer" => pgbouncer = value == "true",
                // Parameters of Prisma and of libpq that have no meaning here are allowed, so that
                // one DATABASE_URL serves every tool.
                _ => {}
            }
        }
        tls.client_identity = client_identity(certificate, key)?;
        let user =
            user.ok_or_else(|| ConfigError::Url("no user (postgres://user@host/database)".into()))?;
        if database.is_empty() {
            database.clone_from(&user);
        }
        let port = port.unwrap_or(5432);
        let endpoint = if host.starts_with('/') {
            Endpoint::Unix {
                path: Path::new(&host).join(format!(".s.PGSQL.{port}")),
            }
        } else {
            let host = if host.is_empty() {
                "localhost".into()
            } else {
                host
            };
            Endpoint::Tcp { host, port }
        };
        Ok(ConnectionUrl {
            endpoint,
            user,
            password,
            database,
            tls,
            application_name,
            pgbouncer,
        })
    }
}

fn split_address(address: &str) -> Result<(String, Option<u16>), ConfigError> {
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| {
            ConfigError::Url("an IPv6 address without its closing bracket".into())
        })?;
        (host, rest.strip_prefix(':'))
    } else {
        match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    let port = port
        .filter(|port| !port.is_empty())
        .map(parse_port)
        .transpose()?;
    Ok((decode(host, "the host")?, port))
}

fn parse_port(text: &str) -> Result<u16, ConfigError> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        ConfigError::Url(format!(
            "a port that is not a number from 1 to 65535: {text}"
        ))
    })
}

fn parse_ssl_mode(value: &str) -> Result<SslMode, ConfigError> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "allow" | "prefer" => Ok(SslMode::Prefer),
        "require" => Ok(SslMode::Require),
        "verify-ca" => Ok(SslMode::VerifyCa),
        "verify-full" => Ok(SslMode::VerifyFull),
        _ => Err(ConfigError::Parameter {
            name: "sslmode",
            value: value.into(),
            allowed: "disable, prefer, require, verify-ca, verify-full",
        }),
    }
}

fn decode(text: &str, part: &'static str) -> Result<String, ConfigError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| ConfigError::Url(format!("bytes in {part} that are not UTF-8")))
}

/// The text up to the `@`, replaced: what is printed must not show a password.
fn without_password(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("...@{rest}"),
        None => text.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<PoolConfig, ConfigError> {
        PoolConfig::new(PoolOptions {
            url: url.into(),
            ..PoolOptions::default()
        })
    }

    #[test]
    fn reads_every_part_of_a_url() {
        let config =
            parse("postgres://us%40er:p%3Ass@db.example:6432/my%20db?sslmode=require").unwrap();
        assert_eq!(
            config.endpoint,
            Endpoint::Tcp {
                host: "db.example".into(),
                port: 6432
            }
        );
        assert_eq!(config.user, "us@er");
        assert_eq!(config.password.as_deref(), Some("p:ss"));
        assert_eq!(config.database, "my db");
        assert_eq!(config.tls.mode, SslMode::Require);
    }

    #[test]
    fn fills_in_what_libpq_fills_in() {
        let config = parse("postgresql://me@").unwrap();
        assert_eq!(
            config.endpoint,
            Endpoint::Tcp {
                host: "localhost".into(),
                port: 5432
            }
        );
        assert_eq!(config.database, "me");
        assert_eq!(config.tls.mode, SslMode::Prefer);
    }

    #[test]
    fn finds_unix_sockets_and_ipv6() {
        let socket = Endpoint::Unix {
            path: "/run/pg/.s.PGSQL.5433".into(),
        };
        assert_eq!(
            parse("postgres://me@/db?host=/run/pg&port=5433")
                .unwrap()
                .endpoint,
            socket
        );
        assert_eq!(
            parse("postgres://me@%2Frun%2Fpg:5433/db").unwrap().endpoint,
            socket
        );
        let ipv6 = Endpoint::Tcp {
            host: "::1".into(),
            port: 5432,
        };
        assert_eq!(parse("postgres://me@[::1]/db").unwrap().endpoint, ipv6);
    }

    #[test]
    fn refuses_what_it_cannot_use_without_showing_the_password() {
        let error = parse("mysql://me:secret@host/db").unwrap_err();
        assert!(matches!(&error, ConfigError::Scheme(text) if !text.contains("secret")));
        for url in [
            "postgres://me@host:99999/db",
            "postgres://me@a,b/db",
            "postgres://host/db",
            "postgres://me@host/db?sslmode=sometimes",
            "postgres://me@[::1/db",
            "postgres://me@host/db?sslcert=only",
        ] {
            assert!(parse(url).is_err(), "{url} must be refused");
        }
    }

    #[test]
    fn refuses_options_out_of_range() {
        let options = PoolOptions {
            url: "postgres://me@host/db".into(),
            max_connections: Some(0),
            ..PoolOptions::default()
        };
        assert!(matches!(
            PoolConfig::new(options),
            Err(ConfigError::Range {
                name: "maxConnections",
                ..
            })
        ));
    }
}
