//! The sink that packs the rows of one statement.

use std::sync::Arc;

use super::packer::{PackedLayout, Packer};
use super::rows::Text;
use super::shape::Shape;
use crate::postgres::error::Error;
use crate::postgres::message::RowRef;
use crate::postgres::request::{Outcome, Sink};

/// A whole result.
#[derive(Debug)]
pub struct Packed {
    /// The columns; `None` for a script, whose rows are dropped.
    pub shape: Option<Arc<Shape>>,
    /// The chunks, one after the other.
    pub words: Vec<i32>,
    /// The text of each chunk.
    pub texts: Vec<Text>,
    /// How the statement ended.
    pub outcome: Outcome,
}

/// Packs the rows of one statement and hands the result to a function, exactly once.
pub struct PackedSink<F: FnOnce(Result<Packed, Error>) + Send> {
    finish: Option<F>,
    packer: Option<Packer>,
}

impl<F: FnOnce(Result<Packed, Error>) + Send> PackedSink<F> {
    /// A sink for one request.
    pub fn new(finish: F) -> PackedSink<F> {
        PackedSink {
            finish: Some(finish),
            packer: None,
        }
    }
}

impl<F: FnOnce(Result<Packed, Error>) + Send> Sink for PackedSink<F> {
    fn start(&mut self, layout: &Arc<PackedLayout>) {
        // Also where there are no columns: a `select` of nothing has rows all the same.
        self.packer = Some(Packer::new(layout.clone()));
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        match &mut self.packer {
            Some(packer) => packer.push(row),
            None => Err(Error::Protocol("a row without a description".into())),
        }
    }

    fn finish(mut self: Box<Self>, outcome: Result<Outcome, Error>) {
        let packer = self.packer.take();
        let result = outcome.map(|outcome| match packer {
            Some(packer) => packer.finish(outcome),
            None => Packed {
                shape: None,
                words: Vec::new(),
                texts: Vec::new(),
                outcome,
            },
        });
        if let Some(finish) = self.finish.take() {
            finish(result);
        }
    }
}

impl<F: FnOnce(Result<Packed, Error>) + Send> Drop for PackedSink<F> {
    fn drop(&mut self) {
        if let Some(finish) = self.finish.take() {
            finish(Err(Error::Protocol(
                "the task of the connection panicked".into(),
            )));
        }
    }
}
