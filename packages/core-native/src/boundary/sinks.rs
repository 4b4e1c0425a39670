//! Receivers in the core that pass what they get on to an isolate, piece by piece.

use std::sync::Arc;

use puff_core::postgres::packed::{Packed, PackedLayout, Packer};
use puff_core::postgres::{Error, Event, Listener, Outcome, RowRef, Sink};

use super::completion::Answer;
use super::failure;
use super::isolate::Isolate;

/// Answers a call with a partial result per statement, then with nothing.
pub(crate) struct SimpleSink {
    end: CallEnd,
    packer: Option<Packer>,
}

impl SimpleSink {
    pub(crate) fn new(isolate: Arc<Isolate>, call: u32) -> SimpleSink {
        SimpleSink {
            end: CallEnd::new(isolate, call),
            packer: None,
        }
    }
}

impl Sink for SimpleSink {
    fn start(&mut self, layout: &Arc<PackedLayout>) {
        self.packer = Some(Packer::new(layout.clone()));
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        match &mut self.packer {
            Some(packer) => packer.push(row),
            None => Err(Error::Protocol("a row without a description".into())),
        }
    }

    fn end_statement(&mut self, outcome: Outcome) {
        let packed = match self.packer.take() {
            Some(packer) => packer.finish(outcome),
            None => Packed {
                shape: None,
                words: Vec::new(),
                texts: Vec::new(),
                outcome,
            },
        };
        self.end
            .isolate
            .push(self.end.call, Answer::Partial(Box::new(packed)));
    }

    fn finish(mut self: Box<Self>, outcome: Result<Outcome, Error>) {
        self.end.finish(outcome);
    }
}

/// Answers a call with the messages of a raw exchange, in chunks, then with nothing.
pub(crate) struct RawSink {
    end: CallEnd,
    bytes: Vec<u8>,
}

impl RawSink {
    pub(crate) fn new(isolate: Arc<Isolate>, call: u32) -> RawSink {
        RawSink {
            end: CallEnd::new(isolate, call),
            bytes: Vec::new(),
        }
    }
}

impl Sink for RawSink {
    fn start(&mut self, _layout: &Arc<PackedLayout>) {}

    fn row(&mut self, _row: RowRef<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn raw(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
    }

    fn pause(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            self.end.isolate.push(self.end.call, Answer::Chunk(bytes));
        }
    }

    fn finish(mut self: Box<Self>, outcome: Result<Outcome, Error>) {
        self.pause();
        self.end.finish(outcome);
    }
}

/// Ends a call with nothing or a failure, exactly once.
struct CallEnd {
    isolate: Arc<Isolate>,
    call: u32,
    is_finished: bool,
}

impl CallEnd {
    fn new(isolate: Arc<Isolate>, call: u32) -> CallEnd {
        CallEnd {
            isolate,
            call,
            is_finished: false,
        }
    }

    fn finish(&mut self, outcome: Result<Outcome, Error>) {
        self.is_finished = true;
        self.isolate.complete(
            self.call,
            match outcome {
                Ok(_) => Answer::Nothing,
                Err(error) => Answer::Failure(Box::new(error)),
            },
        );
    }
}

impl Drop for CallEnd {
    fn drop(&mut self) {
        if !self.is_finished {
            self.finish(Err(Error::Protocol(
                "the task of the connection panicked".into(),
            )));
        }
    }
}

/// Passes a session's events on under a call id that JavaScript chose.
pub(crate) struct EventListener {
    isolate: Arc<Isolate>,
    call: u32,
}

impl EventListener {
    pub(crate) fn new(isolate: Arc<Isolate>, call: u32) -> EventListener {
        EventListener { isolate, call }
    }
}

impl Listener for EventListener {
    fn notify(&self, event: Event) {
        self.isolate
            .push(self.call, Answer::Event(failure::event_to_json(&event)));
    }
}
