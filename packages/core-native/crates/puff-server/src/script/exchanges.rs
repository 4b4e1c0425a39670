//! The requests that an isolate is answering.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::answer::AnswerHandle;

/// The requests of one isolate, by the ids that it knows them by.
#[derive(Default)]
pub struct Exchanges(Mutex<Open>);

#[derive(Default)]
struct Open {
    answers: HashMap<u32, Arc<AnswerHandle>>,
    last_id: u32,
}

impl Exchanges {
    /// The answer with this id, unless it is over.
    pub fn get(&self, id: u32) -> Option<Arc<AnswerHandle>> {
        self.lock().answers.get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().answers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives up all: the isolate has ended.
    pub fn abort_all(&self) {
        let answers: Vec<_> = self.lock().answers.values().cloned().collect();
        for answer in answers {
            answer.abort();
        }
    }

    pub(super) fn insert(&self, make: impl FnOnce(u32) -> Arc<AnswerHandle>) -> Arc<AnswerHandle> {
        let mut open = self.lock();
        loop {
            open.last_id = open.last_id.wrapping_add(1).max(1);
            if !open.answers.contains_key(&open.last_id) {
                break;
            }
        }
        let answer = make(open.last_id);
        let id = open.last_id;
        open.answers.insert(id, answer.clone());
        answer
    }

    pub(super) fn remove(&self, id: u32) {
        // Dropped after the lock.
        let answer = self.lock().answers.remove(&id);
        drop(answer);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}
