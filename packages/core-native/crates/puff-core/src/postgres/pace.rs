//! Which statements may be sent behind another one before that is answered.
//!
//! A busy pool saves system calls, its own and the server's, when a connection takes several jobs at once.
//! What is sent behind a statement waits for it, though, whichever connection becomes free. So all of
//! them must be known to be quick, and wait for nobody: plain reads, which take no locks on rows and
//! call nothing that could. A plain read that was not answered has changed nothing and can run again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a quick statement takes at most, waiting for its turn on the server's processor included.
const QUICK: Duration = Duration::from_millis(5);

/// The time of what has not run.
const UNKNOWN: u32 = u32::MAX;

/// How a prepared statement has run so far on its connection.
#[derive(Debug)]
pub(crate) struct Pace {
    is_plain_read: bool,
    /// The longest of late in microseconds; it fades with every run.
    longest: AtomicU32,
}

impl Pace {
    /// Of a statement that has not run.
    pub(crate) fn new(sql: &str) -> Pace {
        Pace {
            is_plain_read: is_plain_read(sql),
            longest: AtomicU32::new(UNKNOWN),
        }
    }

    /// Takes note of a run.
    pub(crate) fn note(&self, time: Duration) {
        let time = u32::try_from(time.as_micros()).unwrap_or(UNKNOWN - 1);
        let longest = match self.longest.load(Ordering::Relaxed) {
            UNKNOWN => time,
            before => time.max(before - before / 8),
        };
        self.longest.store(longest, Ordering::Relaxed);
    }

    pub(crate) fn is_plain_read(&self) -> bool {
        self.is_plain_read
    }

    /// Whether it may share a way to the server.
    pub(crate) fn is_quick_read(&self) -> bool {
        self.is_plain_read && u128::from(self.longest.load(Ordering::Relaxed)) < QUICK.as_micros()
    }
}

/// What may stand before a parenthesis in a plain read: PostgreSQL's own words, and functions that only
/// compute. Other functions may do anything.
const HARMLESS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "array_agg",
    "as",
    "avg",
    "between",
    "by",
    "case",
    "cast",
    "char",
    "coalesce",
    "concat",
    "count",
    "date_trunc",
    "decimal",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "greatest",
    "group",
    "having",
    "ilike",
    "in",
    "intersect",
    "join",
    "json_agg",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "jsonb_agg",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "lateral",
    "least",
    "length",
    "like",
    "limit",
    "lower",
    "max",
    "min",
    "not",
    "now",
    "nullif",
    "numeric",
    "offset",
    "on",
    "or",
    "over",
    "row",
    "row_number",
    "row_to_json",
    "select",
    "some",
    "sum",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "to_json",
    "to_jsonb",
    "trim",
    "union",
    "upper",
    "using",
    "values",
    "varchar",
    "when",
    "where",
];

/// Words that lock rows or make tables: `for update`, `into`.
const HARMFUL: &[&str] = &["for", "into"];

/// Whether a text is one `select` that locks no rows and calls no function but harmless ones. What is
/// hard to tell, as comments and dollar quotes, is not.
fn is_plain_read(sql: &str) -> bool {
    let mut words = Words { rest: sql };
    if !matches!(words.next(), Some(Word::Name(first)) if is_among(first, &["select"])) {
        return false;
    }
    let mut before = Word::Other;
    for word in words {
        match (before, word) {
            (_, Word::Unclear) => return false,
            (_, Word::Name(name)) if is_among(name, HARMFUL) => return false,
            (Word::Quoted, Word::Parenthesis) => return false,
            (Word::Name(name), Word::Parenthesis) if !is_among(name, HARMLESS) => return false,
            _ => before = word,
        }
    }
    true
}

fn is_among(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// A piece of SQL, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word<'sql> {
    Name(&'sql str),
    /// A quoted name.
    Quoted,
    Parenthesis,
    /// A number, an operator, a string, ...
    Other,
    Unclear,
}

struct Words<'sql> {
    rest: &'sql str,
}

impl<'sql> Iterator for Words<'sql> {
    type Item = Word<'sql>;

    fn next(&mut self) -> Option<Word<'sql>> {
        self.rest = self.rest.trim_start();
        let rest = self.rest;
        let first = rest.chars().next()?;
        let (word, length) = match first {
            '(' => (Word::Parenthesis, 1),
            '\'' => self.quoted('\'', Word::Other),
            '"' => self.quoted('"', Word::Quoted),
            '$' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => (Word::Other, 2),
            '$' | ';' | '\\' => (Word::Unclear, 1),
            _ if rest.starts_with("--") || rest.starts_with("/*") => (Word::Unclear, 1),
            _ if is_of_name(first) => {
                let length = rest
                    .find(|letter| !is_of_name(letter))
                    .unwrap_or(rest.len());
                (Word::Name(&rest[..length]), length)
            }
            _ => (Word::Other, first.len_utf8()),
        };
        self.rest = &rest[length..];
        Some(word)
    }
}

impl<'sql> Words<'sql> {
    /// What is between quotes; a doubled quote reads as two of them, which comes to the same.
    fn quoted(&self, quote: char, word: Word<'sql>) -> (Word<'sql>, usize) {
        match self.rest[1..].find([quote, '\\']) {
            Some(end) if self.rest[1 + end..].starts_with(quote) => (word, end + 2),
            _ => (Word::Unclear, self.rest.len()),
        }
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_reads_are_told_from_what_may_wait_or_change_something() {
        for plain in [
            "select id, name from items where id = $1",
            r#" SELECT "t"."id" FROM "public"."Item" AS "t" WHERE ("t"."id" IN ($1,$2) AND 1=1) LIMIT $3"#,
            "select coalesce(jsonb_agg(x), '[]') from (select 'it''s (fine' as x) q",
            "select price::numeric(10, 2), count(*) from items group by 1",
        ] {
            assert!(is_plain_read(plain), "{plain}");
        }
        for other in [
            "insert into items values (1)",
            "select id from items where id = $1 for update",
            "select id into copied from items",
            "select pg_sleep(1)",
            "select my.release_job ($1)",
            r#"select "sleep"(1)"#,
            "select 1; delete from items",
            "select 1 /* ' */",
            "select $$a$$",
            r"select E'\' || pg_sleep(1) || '",
            "with gone as (delete from items returning *) select * from gone",
            "",
        ] {
            assert!(!is_plain_read(other), "{other}");
        }
    }

    #[test]
    fn one_slow_run_is_remembered_for_a_while() {
        let pace = Pace::new("select 1");
        assert!(!pace.is_quick_read());
        pace.note(Duration::from_micros(50));
        assert!(pace.is_quick_read());
        pace.note(Duration::from_secs(1));
        for _ in 0..30 {
            pace.note(Duration::from_micros(50));
        }
        assert!(!pace.is_quick_read());
        for _ in 0..30 {
            pace.note(Duration::from_micros(50));
        }
        assert!(pace.is_quick_read());
    }
}
