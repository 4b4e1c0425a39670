//! The host of one operation on a pool.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use puff_core::postgres::packed::{Packed, PackedLayout, Packer};
use puff_core::postgres::{Error, Operation, Outcome, Pool, Profile, Request, RowRef, Session};
use puff_graphql::host::{Ask, Failure, FieldAnswer, Host, OperationKind, Parents, StreamAnswer};
use puff_graphql::rows::Rows;
use serde_json::{Map, Value as Json};

use super::bounds::Bounds;
use super::failure::{bad_answer, failure_of, no_database, no_script, over};
use super::params::StatementParams;
use super::pending_ask::{Answered, PendingAsk, Wait};
use super::rows_sink::{Ended, RowsSink, ending_of};
use super::script::{Header, LayerHeader, Script, ScriptAsk, count_of};
use super::transaction::Transaction;

/// What the operations of a schema have in common.
#[derive(Clone, Default)]
pub struct HostOptions {
    /// Where statements run; without it they fail.
    pub pool: Option<Pool>,
    /// Whether a mutation runs in one transaction.
    pub mutation_transaction: bool,
    /// Whether run-time parameters are asked for and set before the first statement; the operation
    /// then has a transaction, a read-only one if it is no mutation.
    pub has_settings: bool,
    /// Rows that one operation may fetch; 0 for any number.
    pub max_rows: u64,
    /// How long an operation may take.
    pub timeout: Option<Duration>,
}

/// Runs the statements of one operation and asks its questions.
///
/// Clones are handles to the same. When the last one goes, its transaction is rolled back unless it
/// was committed, and what runs is cancelled.
#[derive(Clone)]
pub struct PoolHost(Arc<Inner>);

struct Inner {
    options: HostOptions,
    script: Option<Arc<dyn Script>>,
    kind: OnceLock<OperationKind>,
    bounds: Arc<Bounds>,
    transaction: Transaction,
    is_one_statement: AtomicBool,
    has_asked: AtomicBool,
    has_rolled_back: AtomicBool,
    gathered: Mutex<Gathered>,
}

/// Statements that are kept back to be sent together.
#[derive(Default)]
struct Gathered {
    /// How many times it was asked for, less the times that it was ended.
    depth: usize,
    requests: Vec<Request>,
}

/// After its time is up, an operation has this long to say so itself.
const GRACE: Duration = Duration::from_secs(1);

impl PoolHost {
    /// A host for one operation; without a script nobody can be asked.
    pub fn new(options: HostOptions, script: Option<Arc<dyn Script>>) -> PoolHost {
        let bounds = Arc::new(Bounds::new(options.max_rows, options.timeout));
        PoolHost(Arc::new(Inner {
            options,
            script,
            kind: OnceLock::new(),
            bounds,
            transaction: Transaction::default(),
            is_one_statement: AtomicBool::new(false),
            has_asked: AtomicBool::new(false),
            has_rolled_back: AtomicBool::new(false),
            gathered: Mutex::default(),
        }))
    }

    /// Statements that the engine has run.
    pub fn statements(&self) -> u64 {
        self.0.bounds.statements()
    }

    /// The session of the operation's transaction, which is begun if that has not happened: for the
    /// statements that resolvers make themselves.
    ///
    /// # Errors
    /// The operation has no transaction, or is over.
    pub async fn session(&self) -> Result<Arc<Session>, Failure> {
        match self.0.has_transaction() {
            true => self.0.session().await,
            false => Err(over()),
        }
    }

    /// Waits for the next event of a subscription whose events JavaScript has; false when there is none
    /// any more.
    ///
    /// # Errors
    /// What the source of the events throws.
    pub async fn next_event(&self) -> Result<bool, Failure> {
        match self
            .0
            .ask_about("next", "The next event of a subscription")?
            .await?
        {
            Answered::Json(Json::Bool(is_there)) => Ok(is_there),
            _ => Err(bad_answer("no event")),
        }
    }

    /// Asks whether the client may connect.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn connect(&self) -> Result<(), Failure> {
        match self
            .0
            .ask_about("connect", "Whether a client may connect")?
            .await?
        {
            Answered::Json(Json::Bool(true)) => Ok(()),
            _ => Err(bad_answer("no connection")),
        }
    }

    /// Ends the operation for those who still hold it: what runs is cancelled, nothing new begins.
    pub fn close(&self) {
        self.0.bounds.stop(over());
    }

    /// Runs the operation's work within its time: when that is up, what runs is cancelled and fails, so
    /// that the work can end by itself; `None` if it does not.
    pub async fn within_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let Some(timeout) = self.0.bounds.timeout() else {
            return Some(work.await);
        };
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(timeout, &mut work).await {
            return Some(done);
        }
        self.0.bounds.expire();
        tokio::time::timeout(GRACE, work).await.ok()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.bounds.stop(over());
    }
}

impl Inner {
    fn is_mutation(&self) -> bool {
        self.kind.get() == Some(&OperationKind::Mutation)
    }

    fn has_transaction(&self) -> bool {
        let is_wanted = self.options.has_settings
            || (self.options.mutation_transaction
                && self.is_mutation()
                && !self.is_one_statement.load(Ordering::Relaxed));
        is_wanted && self.options.pool.is_some()
    }

    fn pool(&self) -> Result<&Pool, Failure> {
        self.options.pool.as_ref().ok_or_else(no_database)
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        let settings = async {
            match self.options.has_settings {
                true => self.settings().await,
                false => Ok(Map::new()),
            }
        };
        self.transaction
            .session(self.pool()?, !self.is_mutation(), &self.bounds, settings)
            .await
    }

    async fn settings(&self) -> Result<Map<String, Json>, Failure> {
        match self
            .ask_about("settings", "What to set for an operation")?
            .await?
        {
            Answered::Json(Json::Object(settings)) => Ok(settings),
            _ => Err(bad_answer("settings that are no object")),
        }
    }

    /// Runs a statement on the pool, or keeps it back to run with others.
    fn run(&self, request: Request) -> Result<(), Failure> {
        let pool = self.pool()?;
        let mut gathered = self.gathered();
        if gathered.depth > 0 {
            gathered.requests.push(request);
            return Ok(());
        }
        drop(gathered);
        pool.run(request);
        Ok(())
    }

    fn flush(&self) {
        let mut gathered = self.gathered();
        gathered.depth = gathered.depth.saturating_sub(1);
        if gathered.depth > 0 || gathered.requests.is_empty() {
            return;
        }
        let requests = std::mem::take(&mut gathered.requests);
        drop(gathered);
        if let Some(pool) = &self.options.pool {
            pool.run_all(requests);
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn query(&self, sql: Arc<str>, params: StatementParams) -> Result<Rows, Failure> {
        self.bounds.count_statement();
        let session = match self.has_transaction() {
            true => Some(self.session().await?),
            false => None,
        };
        let guard = self.bounds.start_call()?;
        let (sink, ending) = RowsSink::new(self.bounds.clone(), guard.call());
        let operation = Operation::Query {
            sql,
            params: params.0,
            profile: Profile::Typed,
        };
        let request = Request::new(operation, Box::new(sink), guard.call());
        match &session {
            Some(session) => session.run(request),
            None => self.run(request)?,
        }
        let ending = ending_of(ending).await;
        guard.end();
        if let Some(refusal) = self.transaction.refusal() {
            return Err(failure_of(refusal));
        }
        ending.map_err(|ended| match (ended, self.bounds.end()) {
            (Ended::Error(Error::Cancelled), Some(end)) => end,
            (ended, _) => ended.into_failure(),
        })
    }

    /// Asks something that is not about fields.
    fn ask_about(&self, kind: &'static str, what: &str) -> Result<Wait, Failure> {
        let Some(script) = &self.script else {
            return Err(no_script(what));
        };
        let id = next_id();
        let pending = PendingAsk::new(id, std::iter::once(0), 1, script.clone());
        let mut waits = pending.waits();
        self.send(script, id, pending, kind, None, None);
        Ok(waits.remove(0))
    }

    fn ask(&self, ask: &Ask<'_>) -> Result<Vec<Wait>, Failure> {
        let Some(script) = &self.script else {
            let field = ask.fields.first().map_or("", |field| field.name);
            return Err(no_script(&format!("{}.{field}", ask.type_name)));
        };
        let rows = match ask.parents {
            Parents::Rows(rows, numbers) => Some(Box::new(pack(rows, numbers)?)),
            _ => None,
        };
        let id = next_id();
        let indexes = ask.fields.iter().map(|field| field.index);
        let pending = PendingAsk::new(id, indexes, count_of(ask.parents), script.clone());
        let waits = pending.waits();
        let layer = LayerHeader::of(ask);
        self.send(script, id, pending, "fields", Some(layer), rows);
        Ok(waits)
    }

    /// Asks for the source of a subscription's events. No statement of its function belongs to a
    /// transaction: it may wait for days.
    fn ask_for_stream(&self, ask: &Ask<'_>) -> Result<Wait, Failure> {
        let Some(script) = &self.script else {
            return Err(no_script("The source of a subscription's events"));
        };
        let id = next_id();
        let pending = PendingAsk::new(id, std::iter::once(0), 1, script.clone());
        let mut waits = pending.waits();
        let layer = LayerHeader::of(ask);
        self.send(script, id, pending, "subscribe", Some(layer), None);
        Ok(waits.remove(0))
    }

    fn send(
        &self,
        script: &Arc<dyn Script>,
        id: u32,
        pending: Arc<PendingAsk>,
        kind: &'static str,
        layer: Option<LayerHeader<'_>>,
        rows: Option<Box<Packed>>,
    ) {
        self.bounds.start_ask(&pending);
        let header = Header {
            ask: id,
            kind,
            has_transaction: self.has_transaction()
                && !matches!(kind, "subscribe" | "next" | "connect"),
            layer,
        };
        match serde_json::to_string(&header) {
            Ok(header) => script.ask(ScriptAsk {
                id,
                pending,
                header,
                is_first: !self.has_asked.swap(true, Ordering::Relaxed),
                rows,
            }),
            Err(error) => pending.fail(bad_answer(error)),
        }
    }
}

/// The numbers of questions are unique in the process, whichever isolate they go to.
fn next_id() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}

/// Lays rows out for JavaScript.
fn pack(rows: &Rows, numbers: Option<&[u32]>) -> Result<Packed, Failure> {
    let layout = rows.origin.clone();
    let layout = layout.and_then(|origin| origin.downcast::<PackedLayout>().ok());
    let Some(layout) = layout else {
        return Err(bad_answer("rows that came from nowhere"));
    };
    let mut packer = Packer::new(layout);
    let mut push = |number: usize| {
        let row = RowRef::from_values(rows.row(number));
        packer.push(row).map_err(|error| failure_of(&error))
    };
    match numbers {
        Some(numbers) => numbers
            .iter()
            .try_for_each(|number| push(*number as usize))?,
        None => (0..rows.len()).try_for_each(push)?,
    }
    Ok(packer.finish(Outcome {
        command: "SELECT".into(),
        row_count: rows.row_count,
        is_suspended: false,
    }))
}

impl Host for PoolHost {
    type Params = StatementParams;
    type Answer = Pin<Box<dyn Future<Output = Result<FieldAnswer, Failure>> + Send>>;

    fn begin(&self, kind: OperationKind, is_one_statement: bool) {
        // An operation begins once; a second call would be the same.
        let _ = self.0.kind.set(kind);
        self.0
            .is_one_statement
            .store(is_one_statement, Ordering::Relaxed);
    }

    fn query(
        &self,
        sql: &Arc<str>,
        params: StatementParams,
    ) -> impl Future<Output = Result<Rows, Failure>> + Send {
        self.0.query(sql.clone(), params)
    }

    fn gather(&self) {
        self.0.gathered().depth += 1;
    }

    fn flush(&self) {
        self.0.flush();
    }

    fn ask(&self, ask: Ask<'_>) -> Vec<Self::Answer> {
        let count = ask.fields.len();
        let waits: Vec<Result<Wait, Failure>> = match self.0.ask(&ask) {
            Ok(waits) => waits.into_iter().map(Ok).collect(),
            Err(failure) => (0..count).map(|_| Err(failure.clone())).collect(),
        };
        let answer = |wait: Result<Wait, Failure>| async {
            match wait?.await? {
                Answered::Field(answer) => Ok(answer),
                Answered::Json(_) => Err(bad_answer("no fields")),
            }
        };
        let answers = waits.into_iter();
        answers
            .map(|wait| Box::pin(answer(wait)) as Self::Answer)
            .collect()
    }

    async fn subscribe(&self, ask: Ask<'_>) -> Result<StreamAnswer, Failure> {
        match self.0.ask_for_stream(&ask)?.await? {
            Answered::Json(Json::Object(mut stream)) => match stream.remove("channel") {
                Some(Json::String(name)) => Ok(StreamAnswer::Channel(name)),
                None => Ok(StreamAnswer::Script),
                Some(other) => Err(bad_answer(format!("{other} is no channel"))),
            },
            _ => Err(bad_answer("no stream")),
        }
    }

    async fn context(&self) -> Result<Json, Failure> {
        match self
            .0
            .ask_about("context", "The context of an operation")?
            .await?
        {
            Answered::Json(context) => Ok(context),
            Answered::Field(_) => Err(bad_answer("a field instead of the context")),
        }
    }

    fn report(&self, failure: &Failure, coordinate: &str) {
        match &self.0.script {
            Some(script) => script.report(failure, coordinate),
            None => eprintln!(
                "next-puff: GraphQL: {coordinate} failed ({}): {}",
                failure.code, failure.message
            ),
        }
    }

    fn has_rolled_back(&self) -> bool {
        self.0.has_rolled_back.load(Ordering::Relaxed)
    }

    async fn finish(&self, is_success: bool) -> Result<(), Failure> {
        let inner = &self.0;
        let end = inner.bounds.end();
        let commits = is_success && end.is_none();
        let ended = inner.transaction.end(commits).await;
        // What was only read cannot be undone.
        let was_open = ended.as_ref().map_or(true, |was_open| *was_open);
        let is_undone = was_open && (!commits || ended.is_err()) && inner.is_mutation();
        inner.has_rolled_back.store(is_undone, Ordering::Relaxed);
        ended?;
        match end {
            Some(end) if is_success && is_undone => Err(end),
            _ => Ok(()),
        }
    }
}
