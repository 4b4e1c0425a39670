//! The sink that keeps rows as they came, for the engine.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use puff_core::postgres::packed::PackedLayout;
use puff_core::postgres::{Call, Error, Outcome, RowRef, Sink};
use puff_graphql::host::Failure;
use puff_graphql::rows::{Column, Columns, Rows};
use tokio::sync::oneshot;

use super::bounds::Bounds;
use super::failure::{failure_of, lost};

/// How a statement ended.
pub(super) type Ending = Result<Rows, Ended>;

/// Why a statement gave nothing.
#[derive(Debug)]
pub(super) enum Ended {
    Error(Error),
    Failure(Failure),
}

impl Ended {
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Ended::Error(error) => failure_of(&error),
            Ended::Failure(failure) => failure,
        }
    }
}

/// Copies rows into a buffer of their own; reports the result exactly once, also when it is dropped.
pub(super) struct RowsSink {
    bounds: Arc<Bounds>,
    call: Option<Arc<Call>>,
    rows: Option<Rows>,
    described: Option<Arc<Described>>,
    bytes: usize,
    /// Rows that `bounds` has not been told of.
    uncounted: u64,
    refusal: Option<Failure>,
    reply: oneshot::Sender<Ending>,
}

/// Rows are counted by so many, because the counter is shared by statements on several threads.
const COUNTED_TOGETHER: u64 = 64;

impl RowsSink {
    pub(super) fn new(
        bounds: Arc<Bounds>,
        call: Option<Arc<Call>>,
    ) -> (RowsSink, oneshot::Receiver<Ending>) {
        let (reply, ending) = oneshot::channel();
        let sink = RowsSink {
            bounds,
            call,
            rows: None,
            described: None,
            bytes: 0,
            uncounted: 0,
            refusal: None,
            reply,
        };
        (sink, ending)
    }

    fn count(&mut self) -> Result<(), Error> {
        let count = std::mem::take(&mut self.uncounted);
        let Err(refusal) = self.bounds.add_rows(count) else {
            return Ok(());
        };
        self.refusal.get_or_insert(refusal);
        // The rest would be sent for nothing.
        if let Some(call) = &self.call {
            call.cancel();
        }
        Err(Error::Cancelled)
    }
}

impl Sink for RowsSink {
    fn start(&mut self, layout: &Arc<PackedLayout>) {
        let described = described(layout);
        let mut rows = Rows::new(described.columns.clone());
        let (count, bytes) = &described.last;
        let bytes = bytes.load(Ordering::Relaxed).min(MAX_RESERVED);
        rows.reserve(count.load(Ordering::Relaxed).min(bytes), bytes);
        self.described = Some(described);
        rows.origin = Some(layout.clone());
        self.rows = Some(rows);
        self.bytes = 0;
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        let Some(rows) = &mut self.rows else {
            return Err(Error::Protocol("a row without a description".into()));
        };
        let values = row.as_values();
        self.bytes += values.len();
        // Rows knows where they begin in 32 bits.
        if u32::try_from(self.bytes).is_err() {
            return Err(Error::Unsupported("the rows take more than 4 GB"));
        }
        rows.push(values);
        self.uncounted += 1;
        match self.uncounted >= COUNTED_TOGETHER {
            true => self.count(),
            false => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, outcome: Result<Outcome, Error>) {
        let counted = self.count();
        let rows = self.rows.take();
        let ending = match (
            self.refusal.take(),
            outcome.and_then(|o| counted.map(|()| o)),
        ) {
            (Some(refusal), _) => Err(Ended::Failure(refusal)),
            (None, Err(error)) => Err(Ended::Error(error)),
            (None, Ok(outcome)) => {
                let mut rows = rows.unwrap_or_else(|| Rows::new(Arc::from([])));
                rows.row_count = outcome.row_count;
                if let Some(described) = &self.described {
                    described.last.0.store(rows.len(), Ordering::Relaxed);
                    described.last.1.store(rows.byte_len(), Ordering::Relaxed);
                }
                Ok(rows)
            }
        };
        // Whoever waited may have given up.
        let _ = self.reply.send(ending);
    }
}

/// Waits for the end of a statement.
pub(super) async fn ending_of(receiver: oneshot::Receiver<Ending>) -> Ending {
    receiver
        .await
        .unwrap_or_else(|_| Err(Ended::Failure(lost())))
}

/// What is kept for a layout.
struct Described {
    /// The same pointer for the same columns, whichever connection they came on.
    columns: Columns,
    /// Rows and bytes of the last result: the next one will be much the same.
    last: (AtomicUsize, AtomicUsize),
}

/// One huge result should not make those after it reserve as much.
const MAX_RESERVED: usize = 1024 * 1024;

fn described(layout: &PackedLayout) -> Arc<Described> {
    layout.memo(|layout| {
        let columns = layout.columns().map(|(column, is_binary)| Column {
            name: column.name.clone(),
            type_oid: column.type_oid,
            is_binary,
        });
        Described {
            columns: intern(columns.collect()),
            last: Default::default(),
        }
    })
}

/// Programs that invent columns without end get unshared ones after this many.
const MAX_SHARED: usize = 10_000;

static SHARED: LazyLock<Mutex<HashSet<Columns>>> = LazyLock::new(Mutex::default);

fn intern(columns: Columns) -> Columns {
    let mut shared = SHARED.lock().unwrap_or_else(|poison| poison.into_inner());
    if let Some(known) = shared.get(&columns) {
        return known.clone();
    }
    if shared.len() < MAX_SHARED {
        shared.insert(columns.clone());
    }
    columns
}
