//! One turn of a worker: what it stores and claims in one go.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::claiming::{
    Ended, FAIL, FREE_UNKNOWN, REPORT, RETURN, SETTINGS, Wish, claimed, fail_params, return_params,
    statement,
};
use super::error::Error;
use super::job::{ClaimedJob, Outcome, Report};
use super::params::{push_id, push_ids, push_texts};
use super::worker::Worker;
use crate::postgres::{Params, Session};

/// What the loop does next.
pub(super) struct Turn {
    pub(super) ended: Vec<Ended>,
    pub(super) reports: Vec<(Uuid, Report)>,
    pub(super) wish: Option<Wish>,
}

impl Turn {
    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.reports.is_empty() && self.wish.is_none()
    }
}

impl Worker {
    /// Runs the statements of a turn, in one go.
    pub(super) async fn take_turn(
        &self,
        session: &mut Option<Session>,
        turn: &Turn,
    ) -> Result<Vec<ClaimedJob>, Error> {
        if session.is_none() {
            let opened = self.open_session().await?;
            self.prepare_rates(&opened).await?;
            self.has_unknown.store(true, Ordering::SeqCst);
            *session = Some(opened);
        }
        let Some(session) = session else {
            return Ok(Vec::new());
        };
        if self.has_unknown.swap(false, Ordering::SeqCst) {
            self.free_unknown(session, turn).await?;
        }
        let (mut completed, mut failed, mut returned) = (Vec::new(), Vec::new(), Vec::new());
        for run in &turn.ended {
            match run.outcome {
                Outcome::Completed(_) => completed.push(run.clone()),
                Outcome::Failed { .. } => failed.push(run.clone()),
                Outcome::Returned { .. } => returned.push(run.clone()),
            }
        }
        if !turn.reports.is_empty() {
            session
                .query(REPORT, self.report_params(&turn.reports))
                .await?;
        }
        if !failed.is_empty() {
            session.query(FAIL, fail_params(&self.id, &failed)).await?;
        }
        if !returned.is_empty() {
            session
                .query(RETURN, return_params(&self.id, &returned))
                .await?;
        }
        if !failed.is_empty() || !returned.is_empty() {
            self.store.clock.notify_one();
            self.lock().is_wanted = true;
        }
        if completed.is_empty() && turn.wish.is_none() {
            return Ok(Vec::new());
        }
        let (sql, params) = statement(&self.id, &completed, turn.wish.as_ref());
        Ok(claimed(&session.query(&sql, params).await?))
    }

    /// A connection with the settings that statements of workers need.
    pub(super) async fn open_session(&self) -> Result<Session, Error> {
        let session = self.pool.session(None).await?;
        session.script(SETTINGS).await?;
        Ok(session)
    }

    /// Gives back what was claimed by a statement whose answer was lost.
    async fn free_unknown(&self, session: &Session, turn: &Turn) -> Result<(), Error> {
        let mut known: Vec<Uuid> = turn.ended.iter().map(|run| run.id).collect();
        {
            let state = self.lock();
            known.extend(state.counting().map(|(id, _)| id));
            known.extend(state.ended.iter().map(|run| run.id));
            known.extend(&state.storing);
        }
        let mut params = Params::new();
        push_id(&mut params, &self.id);
        push_ids(&mut params, known.iter());
        session.query(FREE_UNKNOWN, params).await?;
        Ok(())
    }

    async fn prepare_rates(&self, session: &Session) -> Result<(), Error> {
        let rated = self.options.limits.iter();
        let rated: Vec<&str> = rated
            .filter(|(_, limits)| limits.rate.is_some())
            .map(|(task, _)| &**task)
            .collect();
        if rated.is_empty() {
            return Ok(());
        }
        let mut params = Params::new();
        push_texts(&mut params, rated.into_iter());
        let sql = "insert into next_puff.task_rates (task, tokens, refilled_at)
          select task, 0, 0 from unnest($1::text[]) as rated (task) on conflict do nothing";
        session.query(sql, params).await?;
        Ok(())
    }

    fn report_params(&self, reports: &[(Uuid, Report)]) -> Params {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        // One row per job: an update changes a row once.
        let mut merged: Vec<(Uuid, String, Vec<serde_json::Value>)> = Vec::new();
        for (id, report) in reports {
            let index = merged.iter().position(|(other, ..)| other == id);
            let index = index.unwrap_or_else(|| {
                merged.push((*id, String::new(), Vec::new()));
                merged.len() - 1
            });
            let (_, progress, logs) = &mut merged[index];
            if let Some(news) = &report.progress {
                news.clone_into(progress);
            }
            let lines = report.logs.iter();
            logs.extend(lines.map(|line| serde_json::json!({ "at": at, "line": line })));
        }
        let logs: Vec<String> = merged
            .iter()
            .map(|(_, _, logs)| match logs.is_empty() {
                true => String::new(),
                false => serde_json::Value::from(logs.clone()).to_string(),
            })
            .collect();
        let mut params = Params::new();
        push_id(&mut params, &self.id);
        push_ids(&mut params, merged.iter().map(|(id, ..)| id));
        push_texts(
            &mut params,
            merged.iter().map(|(_, progress, _)| &**progress),
        );
        push_texts(&mut params, logs.iter().map(|logs| &**logs));
        params
    }
}
