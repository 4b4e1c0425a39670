//! Connections for the threads, first come, first served.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use crate::postgres::Connection;

/// A connection goes straight to the thread that has waited longest.
pub struct Pool(Mutex<State>);

struct State {
    idle: Vec<Connection>,
    waiting: VecDeque<Arc<Waiter>>,
}

#[derive(Default)]
struct Waiter {
    connection: Mutex<Option<Connection>>,
    arrived: Condvar,
}

impl Pool {
    pub fn new(idle: Vec<Connection>) -> Pool {
        let waiting = VecDeque::new();
        Pool(Mutex::new(State { idle, waiting }))
    }

    pub fn take(&self) -> Connection {
        let mut state = self.0.lock().unwrap();
        if let Some(connection) = state.idle.pop() {
            return connection;
        }
        let waiter = Arc::new(Waiter::default());
        state.waiting.push_back(waiter.clone());
        drop(state);
        let mut connection = waiter.connection.lock().unwrap();
        loop {
            match connection.take() {
                Some(connection) => return connection,
                None => connection = waiter.arrived.wait(connection).unwrap(),
            }
        }
    }

    pub fn give(&self, connection: Connection) {
        let mut state = self.0.lock().unwrap();
        let Some(waiter) = state.waiting.pop_front() else {
            state.idle.push(connection);
            return;
        };
        drop(state);
        *waiter.connection.lock().unwrap() = Some(connection);
        waiter.arrived.notify_one();
    }
}
