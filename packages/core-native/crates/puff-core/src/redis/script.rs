//! Lua scripts that the server keeps.

use std::sync::{Arc, OnceLock};

use super::client::Client;
use super::error::Error;
use super::reply::Reply;

/// A script; the server is sent its text only where it does not know it.
#[derive(Clone)]
pub struct Script {
    text: Arc<str>,
    digest: Arc<OnceLock<String>>,
}

impl Script {
    /// A script with this text.
    pub fn new(text: &str) -> Script {
        Script {
            text: text.into(),
            digest: Arc::default(),
        }
    }

    /// Runs it with EVALSHA; loads it first where the server does not know it (any more).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn run<A: AsRef<[u8]>>(
        &self,
        client: &Client,
        keys: &[A],
        args: &[A],
    ) -> Result<Reply, Error> {
        let digest = match self.digest.get() {
            Some(digest) => digest.clone(),
            None => self.load(client).await?,
        };
        match self.call(client, &digest, keys, args).await {
            Err(Error::Server(text)) if text.starts_with("NOSCRIPT") => {
                let digest = self.load(client).await?;
                self.call(client, &digest, keys, args).await
            }
            result => result,
        }
    }

    async fn load(&self, client: &Client) -> Result<String, Error> {
        let reply = client.command(&["SCRIPT", "LOAD", &self.text]).await?;
        let digest = reply
            .as_text()
            .ok_or_else(|| Error::Protocol("SCRIPT LOAD without a digest".into()))?;
        Ok(self.digest.get_or_init(|| digest.into()).clone())
    }

    async fn call<A: AsRef<[u8]>>(
        &self,
        client: &Client,
        digest: &str,
        keys: &[A],
        args: &[A],
    ) -> Result<Reply, Error> {
        let count = keys.len().to_string();
        let mut command: Vec<&[u8]> = vec![b"EVALSHA", digest.as_bytes(), count.as_bytes()];
        command.extend(keys.iter().map(AsRef::as_ref));
        command.extend(args.iter().map(AsRef::as_ref));
        client.command(&command).await
    }
}
