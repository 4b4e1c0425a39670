//! A question that JavaScript has not answered yet, or not wholly.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use puff_graphql::host::{Failure, FieldAnswer};
use serde_json::Value as Json;

use super::answers::Answer;
use super::failure::bad_answer;
use super::script::Script;

/// Collects the answers to one question and wakes who waits for them.
///
/// Answers are read where they are waited for, so that the isolate that gives them goes on at once.
pub struct PendingAsk {
    id: u32,
    parents: usize,
    script: Arc<dyn Script>,
    state: Mutex<State>,
}

struct State {
    /// Answers that nobody has read yet.
    unread: Vec<String>,
    places: Vec<Place>,
    failure: Option<Failure>,
}

/// One thing that was asked for.
struct Place {
    /// The field's index.
    index: u32,
    answer: Option<Result<Answered, Failure>>,
    waker: Option<Waker>,
}

/// What was answered.
pub(super) enum Answered {
    Field(FieldAnswer),
    /// To a question that is not about fields.
    Json(Json),
}

impl PendingAsk {
    /// A question about these fields of so many parents; `[0]` stands for one that is not about fields.
    pub(super) fn new(
        id: u32,
        fields: impl Iterator<Item = u32>,
        parents: usize,
        script: Arc<dyn Script>,
    ) -> Arc<PendingAsk> {
        let places = fields.map(|index| Place {
            index,
            answer: None,
            waker: None,
        });
        let state = State {
            unread: Vec::new(),
            places: places.collect(),
            failure: None,
        };
        Arc::new(PendingAsk {
            id,
            parents,
            script,
            state: Mutex::new(state),
        })
    }

    /// Takes an answer as JSON, to some or all of what was asked.
    pub fn answer(&self, json: String) {
        let mut state = self.lock();
        state.unread.push(json);
        Self::wake(state);
    }

    /// Ends the question: what was not answered yet has failed.
    pub fn fail(&self, failure: Failure) {
        let mut state = self.lock();
        state.failure.get_or_insert(failure);
        Self::wake(state);
    }

    /// A future for each field, in the order of the question.
    pub(super) fn waits(self: &Arc<Self>) -> Vec<Wait> {
        let count = self.lock().places.len();
        let waits = (0..count).map(|place| Wait {
            ask: self.clone(),
            place,
        });
        waits.collect()
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        let waiting = state
            .places
            .iter_mut()
            .filter_map(|place| place.waker.take());
        let wakers: Vec<Waker> = waiting.collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn read(&self, json: &str, places: &mut [Place]) -> Result<(), Failure> {
        let mut answer: Answer = serde_json::from_str(json).map_err(bad_answer)?;
        let json = answer.take_json();
        for field in answer.fields {
            let place = places.iter_mut().find(|place| place.index == field.index);
            let Some(place) = place else {
                let index = field.index;
                return Err(bad_answer(format!("field {index} was not asked for")));
            };
            let answer = field.into_answer(self.parents);
            place.answer.get_or_insert(answer.map(Answered::Field));
        }
        if let (Some(json), Some(place)) = (json, places.first_mut()) {
            place.answer.get_or_insert(Ok(Answered::Json(json)));
        }
        match answer.failure {
            Some(failure) => Err(failure.into_failure()),
            None => Ok(()),
        }
    }
}

impl Drop for PendingAsk {
    fn drop(&mut self) {
        self.script.forget(self.id);
    }
}

/// Waits for one answer.
pub(super) struct Wait {
    ask: Arc<PendingAsk>,
    place: usize,
}

impl Future for Wait {
    type Output = Result<Answered, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.ask.lock();
        let state = &mut *state;
        for json in std::mem::take(&mut state.unread) {
            if let Err(failure) = self.ask.read(&json, &mut state.places) {
                state.failure.get_or_insert(failure);
            }
        }
        let place = &mut state.places[self.place];
        if let Some(answer) = place.answer.take() {
            return Poll::Ready(answer);
        }
        if let Some(failure) = &state.failure {
            return Poll::Ready(Err(failure.clone()));
        }
        place.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
