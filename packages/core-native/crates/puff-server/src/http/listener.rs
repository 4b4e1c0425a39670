//! Sockets that are listened on, and the loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use puff_core::runtime;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::config::Address;
use super::connection::{self, Connection};
use super::exchange::Client;
use super::server::ServerError;
use super::service::Service;
use super::transport::Transport;

/// Connections that the operating system keeps until they are accepted; as Node.js.
const BACKLOG: i32 = 511;
/// How long nothing is accepted after the process has run out of files or memory: at first, and at
/// most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A socket that is listened on.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Lives as long as the socket.
        _file: SocketFile,
    },
}

impl Listener {
    /// Listens on an address.
    pub(super) async fn bind(address: &Address) -> Result<Listener, ServerError> {
        match address {
            Address::Tcp { host, port } => {
                let refuse = |source| ServerError::Listen {
                    address: format!("{}:{port}", host.as_deref().unwrap_or("*")),
                    source,
                };
                let listener =
                    match host {
                        Some(host) => bind_tcp(resolve(host, *port).await.map_err(refuse)?),
                        // Where there is no IPv6, that of IPv4; as Node.js.
                        None => bind_tcp((std::net::Ipv6Addr::UNSPECIFIED, *port).into()).or_else(
                            |error| match error.kind() {
                                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => {
                                    Err(error)
                                }
                                _ => bind_tcp((std::net::Ipv4Addr::UNSPECIFIED, *port).into()),
                            },
                        ),
                    }
                    .map_err(refuse)?;
                Ok(Listener::Tcp(listener))
            }
            Address::Unix { path, mode } => {
                let refuse = |source| ServerError::Listen {
                    address: path.display().to_string(),
                    source,
                };
                let listener = bind_unix(path, *mode).map_err(refuse)?;
                let file = SocketFile::of(path).map_err(refuse)?;
                Ok(Listener::Unix {
                    listener,
                    _file: file,
                })
            }
        }
    }

    /// Where it listens; none for a Unix socket.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix { .. } => None,
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok(over_tcp(stream, address))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(over_unix(stream))
            }
        }
    }

    /// Ends listening. What the operating system has accepted by now comes out; asked directly,
    /// because the runtime may not know of it yet, or may want others to have their turn.
    fn into_accepted(self) -> Vec<Accepted> {
        let mut accepted = Vec::new();
        match self {
            Listener::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else {
                    return accepted;
                };
                while let Ok((stream, address)) = listener.accept() {
                    let stream = stream
                        .set_nonblocking(true)
                        .and_then(|()| TcpStream::from_std(stream));
                    accepted.extend(stream.map(|stream| over_tcp(stream, address)));
                }
            }
            Listener::Unix { listener, _file } => {
                let Ok(listener) = listener.into_std() else {
                    return accepted;
                };
                while let Ok((stream, _)) = listener.accept() {
                    let stream = stream
                        .set_nonblocking(true)
                        .and_then(|()| UnixStream::from_std(stream));
                    accepted.extend(stream.map(over_unix));
                }
            }
        }
        accepted
    }
}

type Accepted = (Transport, Client);

fn over_tcp(stream: TcpStream, address: SocketAddr) -> Accepted {
    // So that small answers go out at once; a connection that is gone already is found out later.
    let _ = stream.set_nodelay(true);
    let client = Client {
        address: address.ip().to_string().into(),
        port: address.port(),
        is_encrypted: false,
    };
    (Transport::Tcp(stream), client)
}

fn over_unix(stream: UnixStream) -> Accepted {
    let client = Client {
        address: "".into(),
        port: 0,
        is_encrypted: false,
    };
    (Transport::Unix(stream), client)
}

/// What connections of a listener are for.
#[derive(Clone)]
pub(super) struct Purpose {
    pub(super) service: Arc<Service>,
    pub(super) tls: Option<TlsAcceptor>,
    /// Places for connections; none for any number.
    pub(super) places: Option<Arc<Semaphore>>,
    pub(super) is_admin: bool,
}

/// Accepts connections until it is told to stop; then those that the operating system has accepted
/// already.
pub(super) async fn accept_all(
    listener: Listener,
    purpose: Purpose,
    mut is_stopped: watch::Receiver<bool>,
) {
    let is_tcp = matches!(listener, Listener::Tcp(_));
    let mut pause = BACK_OFF.0;
    let mut stopped = pin!(async move {
        // A server that is gone stops, too.
        let _ = is_stopped.wait_for(|is_stopped| *is_stopped).await;
    });
    loop {
        let place = match &purpose.places {
            None => None,
            Some(places) => tokio::select! {
                place = places.clone().acquire_owned() => place.ok(),
                () = &mut stopped => return,
            },
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        match accepted {
            Ok((transport, client)) => {
                pause = BACK_OFF.0;
                serve(transport, client, place, is_tcp, &purpose);
            }
            // Its client went away before.
            Err(error) if is_of_the_connection(&error) => {}
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(BACK_OFF.1);
            }
        }
    }
    for (transport, client) in listener.into_accepted() {
        let place = match &purpose.places {
            None => None,
            Some(places) => places.clone().try_acquire_owned().ok(),
        };
        serve(transport, client, place, is_tcp, &purpose);
    }
}

fn serve(
    transport: Transport,
    mut client: Client,
    place: Option<tokio::sync::OwnedSemaphorePermit>,
    is_tcp: bool,
    purpose: &Purpose,
) {
    let service = &purpose.service;
    let tls = purpose.tls.clone().filter(|_| is_tcp);
    client.is_encrypted = tls.is_some();
    service.metrics.accepted.add(1);
    let connection = Connection::new(client, purpose.is_admin);
    let registration = service
        .connections
        .register(connection, service.metrics.clone(), place);
    runtime::spawn(connection::serve(
        transport,
        tls,
        service.clone(),
        registration,
    ));
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    lookup_host((host, port))
        .await?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of a server that ended shortly before do not keep the port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn bind_unix(path: &Path, mode: Option<u32>) -> io::Result<UnixListener> {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            let text = "there is a file that is no socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        // What a server has left that did not end in order; one that lives takes connections.
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    if let Some(mode) = mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(listener)
}

/// The file of a Unix socket; removed with it, unless another server has put its own there.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile {
            path: path.to_owned(),
            inode: inode(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            // Nobody can be told; the next server removes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::symlink_metadata(path)?.ino())
}
