//! Reading JavaScript's answers.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use puff_graphql::host::{Failure, FieldAnswer, FieldError, ObjectSet, Slot};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::failure::bad_answer;

/// The JSON of an answer; one of the entries is there.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) fields: Vec<Field>,
    /// The operation's context.
    pub(super) context: Option<Json>,
    /// Values of run-time parameters, by name.
    pub(super) settings: Option<Map<String, Json>>,
    /// Where the events of a subscription come from: `{"channel": name}`, or `{}` for JavaScript.
    pub(super) stream: Option<Map<String, Json>>,
    /// Whether there was another event.
    pub(super) event: Option<bool>,
    /// Whether a client may connect.
    pub(super) connection: Option<bool>,
    pub(super) failure: Option<FailureText>,
}

impl Answer {
    /// The answer to a question that is not about fields.
    pub(super) fn take_json(&mut self) -> Option<Json> {
        let object = self.settings.take().or(self.stream.take());
        let boolean = self.event.or(self.connection);
        self.context
            .take()
            .or(object.map(Json::Object))
            .or(boolean.map(Json::Bool))
    }
}

/// A field in it.
#[derive(Deserialize)]
pub(super) struct Field {
    pub(super) index: u32,
    values: Option<Vec<Box<RawValue>>>,
    slots: Option<Vec<SlotText>>,
    #[serde(default)]
    sets: Vec<Set>,
    #[serde(default)]
    errors: Vec<ErrorText>,
    statement: Option<Statement>,
    failure: Option<FailureText>,
}

#[derive(Deserialize)]
struct Set {
    r#type: Box<str>,
    id: u32,
    count: usize,
}

#[derive(Deserialize)]
struct ErrorText {
    parent: u32,
    #[serde(default)]
    path: Vec<usize>,
    message: String,
    #[serde(default)]
    extensions: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    sql: String,
    param_count: usize,
    params: String,
    #[serde(default)]
    columns: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailureText {
    message: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    extensions: Map<String, Json>,
    #[serde(default)]
    is_public: bool,
}

impl FailureText {
    pub(super) fn into_failure(self) -> Failure {
        Failure {
            message: self.message,
            code: self.code,
            extensions: self.extensions,
            is_public: self.is_public,
        }
    }
}

impl Field {
    /// The answer that the engine takes, for so many parents.
    pub(super) fn into_answer(self, parents: usize) -> Result<FieldAnswer, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure.into_failure());
        }
        let check = |count: usize| match count == parents {
            true => Ok(()),
            false => Err(bad_answer(format!("{count} values for {parents} parents"))),
        };
        let errors = self.errors.into_iter().map(|error| FieldError {
            parent: error.parent,
            path: error.path,
            message: error.message,
            extensions: error.extensions,
        });
        if let Some(values) = self.values {
            check(values.len())?;
            let errors = errors.collect();
            return Ok(FieldAnswer::Values { values, errors });
        }
        if let Some(slots) = self.slots {
            check(slots.len())?;
            let sets = self.sets.into_iter().map(|set| ObjectSet {
                type_name: set.r#type,
                id: set.id,
                count: set.count,
            });
            return Ok(FieldAnswer::Objects {
                slots: slots.into_iter().map(|slot| slot.0).collect(),
                sets: sets.collect(),
                errors: errors.collect(),
            });
        }
        if let Some(statement) = self.statement {
            return Ok(FieldAnswer::Statement {
                sql: statement.sql.into(),
                param_count: statement.param_count,
                params: STANDARD.decode(statement.params).map_err(bad_answer)?,
                columns: statement.columns.into_iter().collect(),
            });
        }
        Err(bad_answer("a field without values, slots or a statement"))
    }
}

/// `null`, a number or an array of these.
struct SlotText(Slot);

impl<'de> Deserialize<'de> for SlotText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SlotText, D::Error> {
        deserializer.deserialize_any(SlotVisitor)
    }
}

struct SlotVisitor;

impl<'de> Visitor<'de> for SlotVisitor {
    type Value = SlotText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("null, the index of a set or an array of these")
    }

    fn visit_unit<E>(self) -> Result<SlotText, E> {
        Ok(SlotText(Slot::Null))
    }

    fn visit_u64<E: serde::de::Error>(self, index: u64) -> Result<SlotText, E> {
        let index = u32::try_from(index).map_err(E::custom)?;
        Ok(SlotText(Slot::Object(index)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut slots: A) -> Result<SlotText, A::Error> {
        let mut list = Vec::with_capacity(slots.size_hint().unwrap_or(0));
        while let Some(SlotText(slot)) = slots.next_element()? {
            list.push(slot);
        }
        Ok(SlotText(Slot::List(list)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, parents: usize) -> Result<FieldAnswer, Failure> {
        let mut answer: Answer = serde_json::from_str(json).unwrap();
        answer.fields.remove(0).into_answer(parents)
    }

    #[test]
    fn values_stay_as_they_were_written() {
        let json = r#"{"fields":[{"index":2,"values":[1.50,"a",[null]],"errors":[
            {"parent":2,"path":[0],"message":"no","extensions":{"code":"X"}}]}]}"#;
        let FieldAnswer::Values { values, errors } = read(json, 3).unwrap() else {
            panic!("not values")
        };
        let texts: Vec<_> = values.iter().map(|value| value.get()).collect();
        assert_eq!(texts, ["1.50", "\"a\"", "[null]"]);
        assert_eq!((errors[0].parent, &errors[0].path[..]), (2, &[0][..]));
    }

    #[test]
    fn slots_nest() {
        let json = r#"{"fields":[{"index":0,"slots":[0,null,[1,[0]]],"sets":[
            {"type":"Dog","id":7,"count":2},{"type":"Cat","id":8,"count":1}]}]}"#;
        let FieldAnswer::Objects { slots, sets, .. } = read(json, 3).unwrap() else {
            panic!("not objects")
        };
        let nested = vec![Slot::Object(1), Slot::List(vec![Slot::Object(0)])];
        assert_eq!(slots, [Slot::Object(0), Slot::Null, Slot::List(nested)]);
        assert_eq!(
            (&*sets[1].type_name, sets[1].id, sets[1].count),
            ("Cat", 8, 1)
        );
    }

    #[test]
    fn what_makes_no_sense_is_a_failure() {
        for json in [
            r#"{"fields":[{"index":0,"values":[1]}]}"#,
            r#"{"fields":[{"index":0}]}"#,
            r#"{"fields":[{"index":0,"statement":{"sql":"x","paramCount":1,"params":"%"}}]}"#,
        ] {
            assert_eq!(read(json, 2).unwrap_err().code, "PUFF_INTERNAL", "{json}");
        }
    }
}
