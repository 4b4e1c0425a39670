//! What somebody listens to.

use std::sync::Arc;

/// A channel, or a pattern of channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// The messages of one channel.
    Channel(Arc<str>),
    /// The messages of all channels that match a [`Pattern`](super::Pattern).
    Pattern(Arc<str>),
}

impl Interest {
    /// A channel.
    pub fn channel(name: &str) -> Interest {
        Interest::Channel(name.into())
    }

    /// A pattern.
    pub fn pattern(text: &str) -> Interest {
        Interest::Pattern(text.into())
    }

    /// The channel's name, or the pattern.
    pub fn text(&self) -> &Arc<str> {
        match self {
            Interest::Channel(text) | Interest::Pattern(text) => text,
        }
    }
}
