//! One connection: it writes requests, reads answers and feeds sinks.
//!
//! A connection works for the pool (one request at a time, then it asks the pool for the next; of a long
//! queue it takes several quick reads together, see `pace`) or for a session (requests of one caller,
//! pipelined). A task of the runtime drives it: it waits for the
//! socket's two directions and for a running cancel request together, so that a server that stops
//! reading until we read cannot block it.
//!
//! Whoever sends a command does what it can itself: it encodes the request and writes it to the
//! socket on its own thread, without waking the task. That saves a thread switch per statement. The
//! task is woken when the socket does not take everything, or when it holds the connection right now.
//! Where one statement after the other comes from JavaScript, and nothing else, JavaScript's event loop
//! reads the answers as well (`loan`): then nobody has to be woken but JavaScript.
//! What a step produces (answers, sessions) is handed over after the connection is unlocked, so that
//! receivers may use the pool, or this very connection.

mod answers;
mod ending;
mod handle;
mod loan;
mod read_buffer;
mod shared_sync;
mod state;
mod work;

pub(crate) use handle::Connection;
pub(crate) use work::Command;
