//! The six operations of the benchmark.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use serde::Deserialize;

use crate::grouping::Grouping;
use crate::json::{write_int, write_text, write_timestamp};
use crate::pool::Pool;
use crate::postgres::{Connection, Rows, Value, Values};

/// The statements, prepared on every connection under their number.
pub const STATEMENTS: [&str; 5] = [
    "select id, question_text, pub_date from question where id > $2::int order by id limit $1::int",
    "select id, question_text, pub_date from question where id = $1::int",
    "select id, question_id, choice_text, votes from choice where question_id = any($1::int[]) order by id",
    "select id, choice_id, voter_name, created_at from vote where choice_id = any($1::int[]) order by id",
    "insert into vote (choice_id, voter_name) values ($1::int, $2::text) returning id, choice_id, voter_name, created_at",
];
const QUESTIONS: usize = 0;
const QUESTION: usize = 1;
const CHOICES: usize = 2;
const VOTES: usize = 3;
const CREATE_VOTE: usize = 4;

#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq, Hash)]
enum Operation {
    Q1,
    Q2,
    Q3,
    Q4,
    Q5,
    M1,
}

/// The operations by their text.
pub struct Documents(HashMap<String, Operation>);

impl Documents {
    /// Reads `{ "Q1": "query Q1 ...", ... }`.
    pub fn parse(json: &str) -> serde_json::Result<Documents> {
        let texts: HashMap<Operation, String> = serde_json::from_str(json)?;
        Ok(Documents(
            texts.into_iter().map(|(name, text)| (text, name)).collect(),
        ))
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow, default)]
    variables: Variables<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Variables<'a> {
    limit: i32,
    after: i32,
    id: i32,
    choice_id: i32,
    #[serde(borrow)]
    voter_name: Cow<'a, str>,
}

/// Answers a request; `false` for one that is none of the six.
pub fn answer(
    body: &[u8],
    documents: &Documents,
    pool: &Pool,
    out: &mut Vec<u8>,
) -> io::Result<bool> {
    let Ok(Request { query, variables }) = serde_json::from_slice(body) else {
        return Ok(false);
    };
    let Some(&operation) = documents.0.get(query.as_ref()) else {
        return Ok(false);
    };
    let mut layers = Layers::new(pool);
    out.extend_from_slice(b"{\"data\":{");
    match operation {
        Operation::Q1 | Operation::Q2 | Operation::Q3 => {
            let values = [Value::Int(variables.limit), Value::Int(variables.after)];
            let questions = layers.run(QUESTIONS, &values)?;
            out.extend_from_slice(b"\"questions\":[");
            write_tree(out, questions, layers, operation as usize)?;
            out.push(b']');
        }
        Operation::Q4 => {
            let questions = layers.run(QUESTION, &[Value::Int(variables.id)])?;
            out.extend_from_slice(b"\"question\":");
            if questions.len() == 0 {
                out.extend_from_slice(b"null");
            }
            write_tree(out, questions, layers, 1)?;
        }
        Operation::Q5 => {
            let connection = layers.connection();
            for list in 0..8 {
                connection.bind(QUESTIONS, &[Value::Int(20), Value::Int(list * 100)])?;
            }
            let questions = connection.run()?;
            drop(layers);
            for list in 0..8 {
                out.extend_from_slice(if list == 0 { b"\"b" } else { b",\"b" });
                write_int(out, list as i32);
                out.extend_from_slice(b"\":[");
                write_list(out, questions.of(list), |out, row| {
                    write_question(out, questions.values(row));
                    out.push(b'}');
                });
                out.push(b']');
            }
        }
        Operation::M1 => {
            let values = [
                Value::Int(variables.choice_id),
                Value::Text(&variables.voter_name),
            ];
            let votes = layers.run(CREATE_VOTE, &values)?;
            drop(layers);
            let mut vote = votes.values(0);
            out.extend_from_slice(b"\"createVote\":{\"id\":");
            write_int(out, vote.int());
            out.extend_from_slice(b",\"choiceId\":");
            write_int(out, vote.int());
            write_voter(out, vote);
        }
    }
    out.extend_from_slice(b"}}");
    Ok(true)
}

/// Runs statements on one connection, which goes back when this is dropped.
struct Layers<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl<'a> Layers<'a> {
    fn new(pool: &'a Pool) -> Layers<'a> {
        let connection = Some(pool.take());
        Layers { pool, connection }
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("a connection until the end")
    }

    fn run(&mut self, statement: usize, values: &[Value<'_>]) -> io::Result<Rows> {
        let connection = self.connection();
        connection.bind(statement, values)?;
        connection.run()
    }
}

impl Drop for Layers<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give(connection);
        }
    }
}

/// A layer below another.
struct Children {
    rows: Rows,
    grouping: Grouping,
}

impl Children {
    fn fetch(layers: &mut Layers<'_>, statement: usize, parents: &Rows) -> io::Result<Children> {
        let ids = parents.ids();
        let rows = layers.run(statement, &[Value::Ints(&ids)])?;
        let grouping = Grouping::new(&ids, &rows);
        Ok(Children { rows, grouping })
    }
}

/// Fetches up to two layers below questions and writes all of them.
fn write_tree(
    out: &mut Vec<u8>,
    questions: Rows,
    mut layers: Layers<'_>,
    layers_below: usize,
) -> io::Result<()> {
    let choices = match layers_below {
        0 => None,
        _ => Some(Children::fetch(&mut layers, CHOICES, &questions)?),
    };
    let votes = match &choices {
        Some(choices) if layers_below == 2 => {
            Some(Children::fetch(&mut layers, VOTES, &choices.rows)?)
        }
        _ => None,
    };
    // The next request can have the connection while this one writes.
    drop(layers);
    write_list(out, 0..questions.len(), |out, question| {
        write_question(out, questions.values(question));
        if let Some(choices) = &choices {
            out.extend_from_slice(b",\"choices\":[");
            write_list(out, choices.grouping.rows_of(question), |out, choice| {
                write_choice(out, choices.rows.values(choice));
                if let Some(votes) = &votes {
                    out.extend_from_slice(b",\"ballots\":[");
                    write_list(out, votes.grouping.rows_of(choice), |out, vote| {
                        write_ballot(out, votes.rows.values(vote));
                    });
                    out.push(b']');
                }
                out.push(b'}');
            });
            out.push(b']');
        }
        out.push(b'}');
    });
    Ok(())
}

fn write_list(
    out: &mut Vec<u8>,
    rows: impl Iterator<Item = usize>,
    mut write: impl FnMut(&mut Vec<u8>, usize),
) {
    for (at, row) in rows.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, row);
    }
}

/// Leaves the object open.
fn write_question(out: &mut Vec<u8>, mut row: Values<'_>) {
    out.extend_from_slice(b"{\"id\":");
    write_int(out, row.int());
    out.extend_from_slice(b",\"questionText\":");
    write_text(out, row.bytes());
    out.extend_from_slice(b",\"pubDate\":");
    write_timestamp(out, row.timestamp());
}

/// Leaves the object open.
fn write_choice(out: &mut Vec<u8>, mut row: Values<'_>) {
    out.extend_from_slice(b"{\"id\":");
    write_int(out, row.int());
    let _question_id = row.int();
    out.extend_from_slice(b",\"choiceText\":");
    write_text(out, row.bytes());
    out.extend_from_slice(b",\"votes\":");
    write_int(out, row.int());
}

fn write_ballot(out: &mut Vec<u8>, mut row: Values<'_>) {
    out.extend_from_slice(b"{\"id\":");
    write_int(out, row.int());
    let _choice_id = row.int();
    write_voter(out, row);
}

/// Writes the last two fields of a vote.
fn write_voter(out: &mut Vec<u8>, mut row: Values<'_>) {
    out.extend_from_slice(b",\"voterName\":");
    write_text(out, row.bytes());
    out.extend_from_slice(b",\"createdAt\":");
    write_timestamp(out, row.timestamp());
    out.push(b'}');
}
