//! The connection that many tasks share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::command::encode_into;
use super::config::Config;
use super::connection::{
    Answers, Batch, Connection, Expects, Listener, Replies, State, StateChange,
};
use super::error::Error;
use super::feed::{Feed, FeedListener};
use super::reply::Reply;

/// Pauses before a command that the server could not take is sent again.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];

/// How long a server that takes no writes is kept, where no sentinel says which one does.
const SEARCH_PAUSE: Duration = Duration::from_secs(5);

/// A client of one server; cheap to clone, all clones share one connection.
///
/// It opens nothing before the first command. Commands of any number of tasks go out at once and are answered in
/// order; those that block the connection (BLPOP and the like) and subscriptions do not belong on it.
#[derive(Clone)]
pub struct Client(Arc<Owned>);

/// Closes the connection with the last clone.
struct Owned {
    connection: Connection,
    watch: Arc<Watch>,
    /// When a master was last looked for without sentinels.
    last_search: std::sync::Mutex<Option<Instant>>,
}

impl Owned {
    /// Whether a server that takes no writes is worth leaving. Without sentinels that is a guess, and not made often:
    /// what is under way fails with it.
    fn seeks_master(&self) -> bool {
        if self.connection.config().sentinels.is_some() {
            return true;
        }
        let mut last = self
            .last_search
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        let is_due = last.is_none_or(|last| last.elapsed() >= SEARCH_PAUSE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.connection.close();
    }
}

/// Nobody listens to a client: it only remembers why there is no session.
#[derive(Default)]
struct Watch {
    last_error: std::sync::Mutex<Option<Error>>,
}

impl Listener for Watch {
    fn reply(&self, _mode: u8, _frame: &[u8]) {}
    fn fail(&self, _commands: u32, _error: &Error) {}
    fn push(&self, _frame: &[u8]) {}
    fn state(&self, change: &StateChange) {
        let mut last = self
            .last_error
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        match change.state {
            State::Ready => *last = None,
            _ if change.error.is_some() => last.clone_from(&change.error),
            _ => {}
        }
    }
    fn pause(&self) {}
}

impl Client {
    /// A client that has opened nothing yet.
    pub fn new(config: Config) -> Client {
        let watch = Arc::new(Watch::default());
        Client(Arc::new(Owned {
            connection: Connection::new(config, watch.clone()),
            watch,
            last_search: std::sync::Mutex::default(),
        }))
    }

    /// Runs a command and waits for its reply, which is no [`Reply::Error`].
    ///
    /// A server that cannot take it for a moment (it loads its data, has lost its master, or was demoted among
    /// sentinels) is asked again a few times. When the future is dropped the command still runs.
    ///
    /// # Errors
    /// What the server said, or why no reply came.
    pub async fn command<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Reply, Error> {
        for pause in PAUSES {
            match self.once(args).await {
                Err(error) if error.passes() => {}
                // The sentinels know a better one, or the name means another one by now.
                Err(error @ Error::ReadOnly(_)) => {
                    if !self.0.seeks_master() {
                        return Err(error);
                    }
                    self.0.connection.reconnect();
                }
                result => return result,
            }
            tokio::time::sleep(pause).await;
        }
        self.once(args).await
    }

    async fn once<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Reply, Error> {
        let mut replies = self.send(&[args], false).await?;
        replies.pop().unwrap_or(Reply::Nil).into_result()
    }

    /// Runs commands together and waits for all replies; one that the server refused is a [`Reply::Error`].
    ///
    /// Where it is atomic they run in one MULTI and EXEC: if the server refuses one before EXEC, none runs.
    ///
    /// # Errors
    /// Why no replies came; some of the commands may have run. Of an atomic one also why none ran.
    pub async fn pipeline<C: AsRef<[A]>, A: AsRef<[u8]>>(
        &self,
        commands: &[C],
        is_atomic: bool,
    ) -> Result<Vec<Reply>, Error> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut replies = self.send(commands, is_atomic).await?;
        if !is_atomic {
            return Ok(replies);
        }
        match replies.pop() {
            Some(Reply::Array(replies)) => Ok(replies),
            Some(Reply::Error(error)) => {
                // What EXEC says does not tell which command was wrong.
                let first = replies.into_iter().find_map(|reply| match reply {
                    Reply::Error(error) => Some(error),
                    _ => None,
                });
                Err(first.unwrap_or(error))
            }
            _ => Err(Error::Protocol("EXEC without its replies".into())),
        }
    }

    async fn send<C: AsRef<[A]>, A: AsRef<[u8]>>(
        &self,
        commands: &[C],
        is_atomic: bool,
    ) -> Result<Vec<Reply>, Error> {
        let mut bytes = Vec::new();
        let mut count = commands.len() as u32;
        if is_atomic {
            encode_into(&["MULTI"], &mut bytes);
            count += 2;
        }
        for command in commands {
            encode_into(command.as_ref(), &mut bytes);
        }
        if is_atomic {
            encode_into(&["EXEC"], &mut bytes);
        }
        let (sender, receiver) = oneshot::channel();
        self.0.connection.send(Batch {
            bytes: Bytes::from(bytes),
            commands: count,
            expects: Expects::Reply,
            answers: Answers::Own(Box::new(Collect {
                replies: Vec::with_capacity(count as usize),
                missing: count,
                sender: Some(sender),
            })),
            has_timeout: true,
        })?;
        receiver.await.unwrap_or(Err(Error::Ended))
    }

    /// Opens a connection of its own that subscribes to channels.
    pub fn feed(&self, listener: Arc<dyn FeedListener>) -> Feed {
        Feed::new(self.config().clone(), listener)
    }

    /// Why there is no connection now; nothing while there is one or none was needed yet.
    pub fn last_error(&self) -> Option<Error> {
        let watch = &self.0.watch.last_error;
        watch
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .clone()
    }

    /// Whether commands go out at once.
    pub fn is_ready(&self) -> bool {
        self.0.connection.is_ready()
    }

    /// What it was made of.
    pub fn config(&self) -> &Config {
        self.0.connection.config()
    }

    /// Ends it for all clones: what is under way or waits fails with [`Error::Ended`].
    pub fn close(&self) {
        self.0.connection.close();
    }
}

/// Collects the replies to a batch.
struct Collect {
    replies: Vec<Reply>,
    missing: u32,
    sender: Option<oneshot::Sender<Result<Vec<Reply>, Error>>>,
}

impl Replies for Collect {
    fn reply(&mut self, frame: &[u8]) {
        self.replies.push(match Reply::parse(frame) {
            Ok(reply) => reply,
            Err(error) => Reply::Error(error),
        });
        self.missing -= 1;
        if self.missing == 0
            && let Some(sender) = self.sender.take()
        {
            // Its caller may have given up.
            let _ = sender.send(Ok(std::mem::take(&mut self.replies)));
        }
    }

    fn fail(&mut self, error: &Error) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Err(error.clone()));
        }
    }
}
