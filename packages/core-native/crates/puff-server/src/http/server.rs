//! The server: its listeners, and what its connections share.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use puff_core::cache::Store;
use puff_core::runtime;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::config::ServerConfig;
use super::listener::{Listener, Purpose, accept_all};
use super::metrics::MetricsSource;
use super::service::{OpenSite, Service};
use super::tls;
use crate::graphql::routes::GraphqlRoutes;
use crate::script::Isolates;
use crate::site::{Prerenders, Site, SiteConfig, SiteError};
use crate::websocket::Sockets;

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As it was configured.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot speak TLS: {reason}")]
    Certificate {
        /// Which file, and what is wrong with it.
        reason: String,
    },
    /// There is no address to listen on.
    #[error("there is no address to listen on; give at least one in `listen`")]
    NoAddress,
}

impl ServerError {
    /// What users match on.
    pub fn code(&self) -> &'static str {
        match self {
            ServerError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "PUFF_PORT_IN_USE"
            }
            ServerError::Listen { .. } => "PUFF_SERVER_LISTEN",
            ServerError::Certificate { .. } => "PUFF_SERVER_CERTIFICATE",
            ServerError::NoAddress => "PUFF_SERVER_CONFIG",
        }
    }
}

/// A running server; it ends when it is dropped.
pub struct Server {
    service: Arc<Service>,
    addresses: Vec<SocketAddr>,
    admin_addresses: Vec<SocketAddr>,
    /// Those of the site.
    listeners: Mutex<Vec<JoinHandle<()>>>,
    is_stopped: watch::Sender<bool>,
    is_aborted: watch::Sender<bool>,
    /// Stops the administrators' listeners.
    is_closed: watch::Sender<bool>,
}

impl Server {
    /// Listens; requests wait until an isolate is attached.
    ///
    /// # Errors
    /// An address that cannot be listened on, or a certificate that cannot be used.
    pub async fn start(config: ServerConfig) -> Result<Server, ServerError> {
        if config.listen.is_empty() {
            return Err(ServerError::NoAddress);
        }
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let mut listeners = Vec::new();
        for address in &config.listen {
            listeners.push(Listener::bind(address).await?);
        }
        let mut admin_listeners = Vec::new();
        for address in &config.metrics.listen {
            admin_listeners.push(Listener::bind(address).await?);
        }
        let places = config.limits.connections;
        let site = Purpose {
            service: Arc::new(Service::new(config)),
            tls,
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            is_admin: false,
        };
        let admin = Purpose {
            tls: None,
            places: None,
            is_admin: true,
            ..site.clone()
        };
        let addresses = |listeners: &[Listener]| {
            let addresses = listeners.iter().filter_map(Listener::address);
            addresses.collect()
        };
        let server = Server {
            service: site.service.clone(),
            addresses: addresses(&listeners),
            admin_addresses: addresses(&admin_listeners),
            listeners: Mutex::default(),
            is_stopped: watch::Sender::new(false),
            is_aborted: watch::Sender::new(false),
            is_closed: watch::Sender::new(false),
        };
        for listener in admin_listeners {
            let is_closed = server.is_closed.subscribe();
            runtime::spawn(accept_all(listener, admin.clone(), is_closed));
        }
        let tasks = listeners
            .into_iter()
            .map(|listener| {
                let is_stopped = server.is_stopped.subscribe();
                runtime::spawn(accept_all(listener, site.clone(), is_stopped))
            })
            .collect();
        *server.lock() = tasks;
        Ok(server)
    }

    /// Where it listens on TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where it gives its numbers, on TCP.
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        &self.admin_addresses
    }

    /// The isolates that answer its requests.
    pub fn isolates(&self) -> &Isolates {
        &self.service.isolates
    }

    /// The GraphQL routes that it answers itself.
    pub fn graphql(&self) -> &GraphqlRoutes {
        &self.service.graphql
    }

    /// Its WebSockets.
    pub fn sockets(&self) -> &Arc<Sockets> {
        &self.service.sockets
    }

    /// Serves what Next.js has built from now on; `store` is the cache of the app's pages.
    ///
    /// # Errors
    /// The app was not built with `withPuff`'s adapter, or by another version of it; then
    /// JavaScript answers as before.
    pub fn open_site(&self, config: &SiteConfig, store: &'static Store) -> Result<(), SiteError> {
        let site = Site::open(config)?;
        let prerenders = Prerenders::new(store, site.base_path());
        // A site that is open stays: it is what the isolates run, too.
        let _ = self.service.site.set(OpenSite { site, prerenders });
        Ok(())
    }

    /// Compresses no answers from now on, as the app wants it.
    pub fn disable_compression(&self) {
        self.service.disable_compression();
    }

    /// Writes the numbers of somebody else among its own.
    pub fn add_metrics(&self, source: Arc<dyn MetricsSource>) {
        self.service.metrics.add_source(source);
    }

    /// Requests that are being answered.
    pub fn requests(&self) -> usize {
        usize::try_from(self.service.metrics.in_flight.get()).unwrap_or(0)
    }

    /// Stops listening; connections that the operating system has accepted are served.
    pub fn stop_listening(&self) {
        self.is_stopped.send_replace(true);
    }

    /// Ends all connections now; [`Server::drain`] waits no longer.
    pub fn abort(&self) {
        self.stop_listening();
        self.is_aborted.send_replace(true);
        for connection in self.service.connections.all() {
            connection.abort();
        }
    }

    /// Ends everything that is left.
    pub fn close(&self) {
        self.abort();
        self.is_closed.send_replace(true);
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// Resolves when it is aborted.
    pub(super) async fn aborted(&self) {
        let mut is_aborted = self.is_aborted.subscribe();
        // The sender lives as long as the server.
        let _ = is_aborted.wait_for(|is_aborted| *is_aborted).await;
    }

    /// Resolves when nothing is accepted any more.
    pub(super) async fn listeners_ended(&self) {
        let listeners = std::mem::take(&mut *self.lock());
        for listener in listeners {
            // One that panicked accepts nothing either.
            let _ = listener.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.listeners
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}
