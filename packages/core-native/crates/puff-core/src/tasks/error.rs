//! What can go wrong with jobs.

use crate::postgres;

use super::schema::SCHEMA_SQL;

/// A failure of the task queue.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// PostgreSQL failed or refused a statement.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The tables are not there and could not be made.
    #[error("the tables of tasks could not be made in the schema next_puff: {reason}")]
    Schema {
        /// What PostgreSQL said.
        reason: String,
    },
    /// The tables were made by a newer version of next-puff.
    #[error("the tables of tasks have version {found}, this program knows up to {known}")]
    SchemaTooNew {
        /// Of the database.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// A job or filter makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The same idempotency key was taken and freed again and again while the job was added.
    #[error("the job could not be added: its idempotency key changed hands while it was added")]
    Contended,
}

impl Error {
    /// The stable code that programs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Postgres(error) => error.code(),
            Error::Schema { .. } => "PUFF_TASKS_SCHEMA",
            Error::SchemaTooNew { .. } => "PUFF_TASKS_SCHEMA",
            Error::Invalid(_) => "PUFF_TASKS_INVALID",
            Error::Contended => "PUFF_TASKS_CONTENDED",
        }
    }

    /// Whether it is over when the server is back.
    pub(super) fn is_passing(&self) -> bool {
        use postgres::Error::{ConnectionLost, PoolTimeout, Unavailable};
        let Error::Postgres(error) = self else {
            return false;
        };
        match error {
            Unavailable { .. } | PoolTimeout { .. } | ConnectionLost { .. } => true,
            // Class 57 is what operators do: shutdown, crash, cannot connect now.
            postgres::Error::Server(error) => error.sqlstate.starts_with("57"),
            _ => false,
        }
    }

    /// What the reader can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Postgres(error) => error.hint(),
            Error::Schema { .. } => Some(format!(
                "Let a role that may create schemas run this once, and grant the program's role usage of the \
                 schema and all rights on its tables:\n{SCHEMA_SQL}"
            )),
            Error::SchemaTooNew { .. } => Some("Deploy the newer version everywhere.".into()),
            Error::Invalid(_) => None,
            Error::Contended => Some("Add it again.".into()),
        }
    }
}
