//! Who a request is from, when proxies stand before the server.
//!
//! What is missing of `X-Forwarded-*` is set for handlers where Next.js sets it, in JavaScript.

use std::net::IpAddr;
use std::str::FromStr;

use ::http::{HeaderMap, HeaderName, header};
use serde::Deserialize;

use super::exchange::Client;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whose `X-Forwarded-*` headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TrustSetting")]
pub enum TrustProxy {
    /// Handlers see what is sent, whoever sends it, and the server itself believes nothing: as
    /// `next start`.
    #[default]
    AsSent,
    /// So many proxies stand before the server; 0 for none.
    Hops(usize),
    /// Proxies have these addresses; Unix sockets are always theirs.
    Networks(Vec<Network>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a number of proxies, or a list of their addresses"
)]
enum TrustSetting {
    Hops(usize),
    Networks(Vec<String>),
}

impl TryFrom<TrustSetting> for TrustProxy {
    type Error = String;

    fn try_from(setting: TrustSetting) -> Result<TrustProxy, String> {
        match setting {
            TrustSetting::Hops(hops) => Ok(TrustProxy::Hops(hops)),
            TrustSetting::Networks(networks) => {
                let networks = networks.iter().map(|network| network.parse());
                Ok(TrustProxy::Networks(networks.collect::<Result<_, _>>()?))
            }
        }
    }
}

impl TrustProxy {
    /// Says who a request is from, and removes the headers that its sender may not set.
    pub(super) fn client(&self, peer: &Client, headers: &mut HeaderMap) -> Client {
        let is_trusted = match self {
            TrustProxy::AsSent => return peer.clone(),
            TrustProxy::Hops(hops) => *hops > 0,
            TrustProxy::Networks(networks) => is_within(&peer.address, networks),
        };
        if !is_trusted {
            for name in [
                FORWARDED_FOR,
                FORWARDED_HOST,
                FORWARDED_PORT,
                FORWARDED_PROTO,
                header::FORWARDED,
            ] {
                headers.remove(name);
            }
            return peer.clone();
        }
        let mut client = peer.clone();
        if let Some(address) = self.address(headers) {
            client.address = address.into();
            client.port = 0;
        }
        if let Some(protocol) = headers.get(FORWARDED_PROTO) {
            client.is_encrypted = protocol == "https";
        }
        client
    }

    /// Whether the peer's word about a request counts.
    pub(super) fn believes(&self, peer: &Client) -> bool {
        match self {
            TrustProxy::AsSent => false,
            TrustProxy::Hops(hops) => *hops > 0,
            TrustProxy::Networks(networks) => is_within(&peer.address, networks),
        }
    }

    /// The address that the last of the trusted proxies has seen.
    fn address<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let mut addresses: Vec<&str> = Vec::new();
        for value in headers.get_all(FORWARDED_FOR) {
            addresses.extend(value.to_str().ok()?.split(',').map(str::trim));
        }
        match self {
            TrustProxy::AsSent => None,
            TrustProxy::Hops(hops) => {
                let first = addresses.len().saturating_sub(*hops);
                addresses.get(first).copied()
            }
            TrustProxy::Networks(networks) => addresses
                .iter()
                .rev()
                .find(|address| !is_within(address, networks))
                .or(addresses.first())
                .copied(),
        }
        .filter(|address| IpAddr::from_str(address).is_ok())
    }
}

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let refuse = || format!("{text:?} is no address or network, such as 10.0.0.0/8 or ::1");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                (address, Some(prefix.parse::<u32>().map_err(|_| refuse())?))
            }
            None => (text, None),
        };
        let address = IpAddr::from_str(address).map_err(|_| refuse())?;
        // Addresses of IPv4 are those of IPv6 that begin with ::ffff:0:0/96 (RFC 4291, 2.5.5.2).
        let (bits, offset) = if address.is_ipv4() {
            (32, 96)
        } else {
            (128, 0)
        };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(refuse());
        }
        Ok(Network {
            address: number(address),
            prefix: prefix + offset,
        })
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let differing = self.address ^ number(address);
        differing.leading_zeros() >= self.prefix
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn is_within(address: &str, networks: &[Network]) -> bool {
    if address.is_empty() {
        return true;
    }
    let Ok(address) = IpAddr::from_str(address) else {
        return false;
    };
    networks.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn peer(address: &str) -> Client {
        Client {
            address: address.into(),
            port: 50_000,
            is_encrypted: false,
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn networks(texts: &[&str]) -> TrustProxy {
        TrustProxy::Networks(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn what_is_sent_stays_unless_told_otherwise() {
        let mut headers = headers(&[("x-forwarded-for", "1.2.3.4")]);
        let client = TrustProxy::AsSent.client(&peer("9.9.9.9"), &mut headers);
        assert_eq!(&*client.address, "9.9.9.9");
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4");
    }

    #[test]
    fn strangers_cannot_say_who_they_are() {
        for trust in [
            TrustProxy::Hops(0),
            networks(&[]),
            networks(&["10.0.0.0/8"]),
        ] {
            let mut headers = headers(&[
                ("x-forwarded-for", "1.2.3.4"),
                ("x-forwarded-proto", "https"),
                ("forwarded", "for=1.2.3.4"),
                ("accept", "*/*"),
            ]);
            let client = trust.client(&peer("::ffff:9.9.9.9"), &mut headers);
            assert_eq!(&*client.address, "::ffff:9.9.9.9");
            assert!(!client.is_encrypted);
            assert_eq!(headers.len(), 1, "{trust:?}");
        }
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        let mut sent = headers(&[
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ]);
        let trust = networks(&["10.0.0.0/8", "::1"]);
        let client = trust.client(&peer("::ffff:10.0.0.1"), &mut sent);
        assert_eq!(&*client.address, "1.2.3.4");
        assert!(client.is_encrypted);
        assert_eq!(sent.len(), 2);
        let client = TrustProxy::Hops(2).client(&peer("10.0.0.1"), &mut sent);
        assert_eq!(&*client.address, "1.2.3.4");
        let client = TrustProxy::Hops(9).client(&peer("10.0.0.1"), &mut sent);
        assert_eq!(&*client.address, "6.6.6.6");
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        let mut sent = headers(&[("x-forwarded-for", "<script>")]);
        let client = TrustProxy::Hops(1).client(&peer("10.0.0.1"), &mut sent);
        assert_eq!(&*client.address, "10.0.0.1");
    }

    #[test]
    fn networks_are_checked_when_they_are_configured() {
        for text in ["10.0.0.0/33", "::/129", "example.com", "10.0.0.0/", ""] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!(!all.contains("2001:db8::1".parse().unwrap()));
        let trust = serde_json::from_str::<TrustProxy>(r#"["10.0.0.0/8"]"#).unwrap();
        assert_eq!(trust, networks(&["10.0.0.0/8"]));
        let error = serde_json::from_str::<TrustProxy>(r#"["10.0.0.0/80"]"#).unwrap_err();
        assert!(error.to_string().contains("10.0.0.0/80"), "{error}");
    }
}
