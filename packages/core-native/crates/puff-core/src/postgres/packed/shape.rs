//! What readers are told of a result's columns.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use crate::postgres::statement::Column;
use crate::postgres::types::{Decoding, Kind};

/// The columns of a result and what they become, shared by all results that have the same.
#[derive(Debug)]
pub struct Shape {
    /// Unique in the process, so that readers compile a decoder once; 0 for one not worth keeping.
    pub id: u32,
    /// Each column, its kind and whether it is an array of that kind.
    pub columns: ShapeColumns,
}

type ShapeColumns = Box<[(Column, Kind, bool)]>;

static SHAPES: LazyLock<Mutex<HashMap<ShapeColumns, Arc<Shape>>>> = LazyLock::new(Mutex::default);
static NEXT_SHAPE: AtomicU32 = AtomicU32::new(1);

/// Programs that invent columns without end (pivots) get unshared shapes after this many.
const MAX_SHAPES: usize = 10_000;

impl Shape {
    pub(super) fn of(columns: &[Column], decodings: &[Decoding]) -> Arc<Shape> {
        let key: ShapeColumns = columns
            .iter()
            .zip(decodings)
            .map(|(column, decoding)| (column.clone(), decoding.kind, decoding.is_array))
            .collect();
        let mut shapes = SHAPES.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some(shape) = shapes.get(&key) {
            return shape.clone();
        }
        if shapes.len() >= MAX_SHAPES {
            return Arc::new(Shape {
                id: 0,
                columns: key,
            });
        }
        let id = NEXT_SHAPE.fetch_add(1, Ordering::Relaxed);
        let shape = Arc::new(Shape {
            id,
            columns: key.clone(),
        });
        shapes.insert(key, shape.clone());
        shape
    }
}
