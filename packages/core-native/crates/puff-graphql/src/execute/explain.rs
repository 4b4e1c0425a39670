//! What an operation did, for whoever asks: the layers, their statements, times and rows.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// Takes notes while an operation runs.
pub(crate) struct Trace {
    started: Instant,
    steps: Mutex<Vec<Step>>,
}

/// One thing that was waited for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    /// Response keys from the operation to the field.
    path: String,
    /// `Type.field`.
    field: String,
    /// `statement` or `javascript`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    /// Objects that the field was resolved for.
    parents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    /// From the start of the operation, in milliseconds.
    started_ms: f64,
    /// In milliseconds.
    took_ms: f64,
}

/// A step that has begun.
pub(crate) struct Begun(Instant);

/// What a step turned out to be.
pub(crate) struct StepReport<'a> {
    pub(crate) path: &'a [Box<str>],
    pub(crate) key: &'a str,
    pub(crate) coordinate: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) sql: Option<&'a str>,
    pub(crate) parents: usize,
    pub(crate) rows: Option<usize>,
}

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace {
            started: Instant::now(),
            steps: Mutex::default(),
        }
    }

    pub(crate) fn begin(&self) -> Begun {
        Begun(Instant::now())
    }

    pub(crate) fn end(&self, begun: Begun, report: StepReport<'_>) {
        let mut path = report.path.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(report.key);
        let step = Step {
            path,
            field: report.coordinate.into(),
            kind: report.kind,
            sql: report.sql.map(String::from),
            parents: report.parents,
            rows: report.rows,
            started_ms: millis(begun.0 - self.started),
            took_ms: millis(begun.0.elapsed()),
        };
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(step);
    }

    /// The notes as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let statements = steps.iter().filter(|step| step.sql.is_some()).count();
        serde_json::json!({
            "statements": statements,
            "tookMs": millis(self.started.elapsed()),
            "layers": *steps,
        })
    }
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
