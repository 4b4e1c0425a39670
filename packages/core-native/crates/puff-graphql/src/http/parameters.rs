//! The parameters of a request: from JSON in a body, or from a URL.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value as Json};

use super::refusal::Refusal;

/// The parameters as they were sent; `null` is the same as none.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) query: Option<String>,
    pub(super) document_id: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Option<Map<String, Json>>,
    pub(super) extensions: Option<Map<String, Json>>,
}

impl Parameters {
    /// From a body of the type `application/json`.
    pub(super) fn from_json(body: &[u8]) -> Result<Parameters, Refusal> {
        let text =
            std::str::from_utf8(body).map_err(|error| Refusal::NotUtf8(error.valid_up_to()))?;
        if text.trim_ascii().is_empty() {
            return Err(Refusal::EmptyBody);
        }
        let body: Json =
            serde_json::from_str(text).map_err(|error| Refusal::NotJson(error.to_string()))?;
        match body {
            Json::Object(members) => Parameters::from_object(members),
            Json::Array(_) => Err(Refusal::Batch),
            other => Err(wrong_type("The body".into(), "a JSON object", &other)),
        }
    }

    /// From the members of an object.
    pub(super) fn from_object(mut members: Map<String, Json>) -> Result<Parameters, Refusal> {
        let mut take = |name| (name, members.swap_remove(name).unwrap_or(Json::Null));
        Ok(Parameters {
            query: string(take("query"))?,
            document_id: string(take("documentId"))?,
            operation_name: string(take("operationName"))?,
            variables: object(take("variables"))?,
            extensions: object(take("extensions"))?,
        })
    }

    /// From the query component of a URL in the format `application/x-www-form-urlencoded` (URL
    /// standard, section 5). An empty parameter is the same as none.
    pub(super) fn from_url(component: &str) -> Result<Parameters, Refusal> {
        let mut parameters = Parameters::default();
        let component = component.strip_prefix('?').unwrap_or(component);
        for pair in component.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // What is not text cannot be a name that is known.
            let Some(name) = form_decode(name) else {
                continue;
            };
            match name.as_str() {
                "query" => parameters.set_text("query", value, |p| &mut p.query)?,
                "documentId" => parameters.set_text("documentId", value, |p| &mut p.document_id)?,
                "operationName" => {
                    parameters.set_text("operationName", value, |p| &mut p.operation_name)?;
                }
                "variables" => parameters.set_map("variables", value, |p| &mut p.variables)?,
                "extensions" => parameters.set_map("extensions", value, |p| &mut p.extensions)?,
                _ => {}
            }
        }
        Ok(parameters)
    }

    fn set_text(
        &mut self,
        name: &'static str,
        value: &str,
        place: impl FnOnce(&mut Parameters) -> &mut Option<String>,
    ) -> Result<(), Refusal> {
        let text = form_decode(value).ok_or(Refusal::ParameterNotUtf8(name))?;
        if text.is_empty() {
            return Ok(());
        }
        match place(self).replace(text) {
            None => Ok(()),
            Some(_) => Err(Refusal::RepeatedParameter(name)),
        }
    }

    fn set_map(
        &mut self,
        name: &'static str,
        value: &str,
        place: impl FnOnce(&mut Parameters) -> &mut Option<Map<String, Json>>,
    ) -> Result<(), Refusal> {
        let text = form_decode(value).ok_or(Refusal::ParameterNotUtf8(name))?;
        if text.is_empty() {
            return Ok(());
        }
        let json = serde_json::from_str(&text).map_err(|error| Refusal::ParameterNotJson {
            name,
            reason: error.to_string(),
        })?;
        let Some(members) = object((name, json))? else {
            return Ok(());
        };
        match place(self).replace(members) {
            None => Ok(()),
            Some(_) => Err(Refusal::RepeatedParameter(name)),
        }
    }
}

fn string((name, value): (&str, Json)) -> Result<Option<String>, Refusal> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text)),
        other => Err(wrong_type(format!("`{name}`").into(), "a string", &other)),
    }
}

fn object((name, value): (&str, Json)) -> Result<Option<Map<String, Json>>, Refusal> {
    match value {
        Json::Null => Ok(None),
        Json::Object(members) => Ok(Some(members)),
        other => Err(wrong_type(
            format!("`{name}`").into(),
            "a JSON object",
            &other,
        )),
    }
}

fn wrong_type(place: Cow<'static, str>, expected: &'static str, found: &Json) -> Refusal {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    };
    Refusal::WrongType {
        place,
        expected,
        found,
    }
}

/// Nothing for bytes that are not UTF-8.
fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    String::from_utf8(bytes).ok()
}
