//! Where the responses of an operation go.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

/// Takes the responses of one operation, in their order. Whoever stops the operation ignores what may
/// still come.
pub trait Responses: Send + Sync {
    /// The source of a subscription's events is there: none is missed from now on.
    fn subscribed(&self) {}

    /// Takes a response: JSON. Must not wait.
    fn next(&self, response: &Bytes);

    /// The operation ends with this response, which has `errors` and no `data`: it could not be executed,
    /// or the source of its events failed.
    fn fail(&self, response: &Bytes);

    /// The operation has ended.
    fn complete(&self);

    /// Resolves when the client has room for more.
    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
