//! How an entry is written in Redis.

use std::sync::Arc;

use bytes::Bytes;

use crate::cache::entry::NewEntry;
use crate::cache::now_ms;
use crate::redis::Reply;

/// The version of what is written; entries of others are not read.
const FORMAT: u32 = 1;

/// How long an entry without an end of its own is kept, in milliseconds.
const LONGEST_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// What came of reading an answer of `fetch.lua`.
#[derive(Debug)]
pub(super) enum Read {
    Entry(NewEntry),
    /// There is none that may be used.
    Absent,
    /// There is something else.
    Damaged,
}

/// The arguments of `put.lua` that an entry gives; none when it is over.
pub(super) fn arguments(entry: &NewEntry) -> Option<[Bytes; 7]> {
    let ttl_ms = entry
        .expires_ms
        .map_or(LONGEST_MS, |expires| (expires - now_ms()).min(LONGEST_MS));
    if ttl_ms < 1.0 {
        return None;
    }
    let tags: Vec<&str> = entry.tags.iter().map(|tag| &**tag).collect();
    let tags = serde_json::json!(tags).to_string();
    let created = entry.created_ms.to_string();
    let expires = entry
        .expires_ms
        .map(|at| at.to_string())
        .unwrap_or_default();
    let path = entry.path.as_deref().unwrap_or_default();
    let check = check([&tags, &created, &expires, path], &entry.value);
    Some([
        tags.into(),
        created.into(),
        expires.into(),
        String::from(path).into(),
        check.into(),
        entry.value.clone(),
        (ttl_ms as u64).to_string().into(),
    ])
}

/// The entry in an answer of `fetch.lua`.
pub(super) fn read(key: &str, tags_seen: u64, answer: &[Reply]) -> Read {
    match answer {
        [_, _] => Read::Absent,
        [
            _,
            _,
            tags,
            created,
            expires,
            path,
            given,
            Reply::Bytes(value),
        ] => entry([tags, created, expires, path, given], value)
            .map(|entry| NewEntry {
                key: key.into(),
                tags_seen: Some(tags_seen),
                ..entry
            })
            .map_or(Read::Damaged, Read::Entry),
        _ => Read::Damaged,
    }
}

fn entry(fields: [&Reply; 5], value: &Bytes) -> Option<NewEntry> {
    let [tags, created, expires, path, given] = fields.map(Reply::as_text);
    let (tags, created, expires, path) = (tags?, created?, expires?, path?);
    if given? != check([tags, created, expires, path], value) {
        return None;
    }
    let tags: Vec<String> = serde_json::from_str(tags).ok()?;
    Some(NewEntry {
        key: Arc::default(),
        path: (!path.is_empty()).then(|| path.into()),
        value: value.clone(),
        tags: tags.into_iter().map(Arc::from).collect(),
        created_ms: created.parse().ok()?,
        expires_ms: match expires {
            "" => None,
            expires => Some(expires.parse().ok()?),
        },
        tags_seen: None,
        is_seed: false,
    })
}

/// The format, and a checksum of everything.
fn check(fields: [&str; 4], value: &[u8]) -> String {
    let mut sum = crc32fast::Hasher::new();
    for field in fields {
        sum.update(field.as_bytes());
        sum.update(&[0]);
    }
    sum.update(value);
    format!("{FORMAT}-{:08x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<Reply> {
        let entry = NewEntry {
            key: "k".into(),
            path: Some("/p".into()),
            value: Bytes::from_static(b"value"),
            tags: Box::new(["a".into(), "b".into()]),
            created_ms: 5.5,
            expires_ms: Some(now_ms() + 60_000.0),
            tags_seen: None,
            is_seed: false,
        };
        let arguments = arguments(&entry).expect("it is not over");
        let mut answer = vec![Reply::Nil, Reply::Nil];
        answer.extend(arguments[..6].iter().cloned().map(Reply::Bytes));
        answer
    }

    #[test]
    fn what_was_written_is_read() {
        let Read::Entry(entry) = read("k", 7, &written()) else {
            panic!("it is an entry");
        };
        assert_eq!(&*entry.key, "k");
        assert_eq!(entry.path.as_deref(), Some("/p"));
        assert_eq!(entry.value, Bytes::from_static(b"value"));
        assert_eq!(entry.tags.len(), 2);
        assert_eq!(entry.created_ms, 5.5);
        assert!(entry.expires_ms.is_some());
        assert_eq!(entry.tags_seen, Some(7));
    }

    #[test]
    fn what_was_changed_is_damaged() {
        for index in 2..8 {
            let mut answer = written();
            let Reply::Bytes(bytes) = &answer[index] else {
                panic!("all are bytes");
            };
            for other in [&bytes[..bytes.len() - 1], b"7-00000000", b"\xff\xfe"] {
                let mut changed = answer.clone();
                changed[index] = Reply::Bytes(Bytes::copy_from_slice(other));
                assert!(matches!(read("k", 7, &changed), Read::Damaged));
            }
            answer.truncate(index);
            let is_damaged = matches!(read("k", 7, &answer), Read::Damaged);
            assert_eq!(is_damaged, index > 2);
        }
    }

    #[test]
    fn what_is_over_is_not_written() {
        let entry = NewEntry {
            key: "k".into(),
            path: None,
            value: Bytes::new(),
            tags: Box::default(),
            created_ms: 1.0,
            expires_ms: Some(now_ms() - 1.0),
            tags_seen: None,
            is_seed: false,
        };
        assert!(arguments(&entry).is_none());
    }
}
