//! PostgreSQL's arrays, in binary form (`array_send` in its sources) and as literals (manual, section
//! 8.15.6 "Array Input and Output Syntax").

use std::borrow::Cow;

/// What is in one place of an array.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Null,
    Value(Cow<'a, [u8]>),
    List(Vec<Item<'a>>),
}

/// Reads an array literal, as deep as it goes; `None` if it makes no sense.
pub(crate) fn parse_literal(text: &[u8]) -> Option<Vec<Item<'_>>> {
    // Bounds that do not start at 1 come first: `[0:1]={...}`.
    let start = match text.first()? {
        b'[' => text.iter().position(|byte| *byte == b'=')? + 1,
        _ => 0,
    };
    let mut rest = &text[start..];
    let items = literal_items(&mut rest, 0)?;
    rest.is_empty().then_some(items)
}

/// PostgreSQL's own limit.
const MAX_DIMENSIONS: usize = 6;

fn literal_items<'a>(rest: &mut &'a [u8], depth: usize) -> Option<Vec<Item<'a>>> {
    if depth > MAX_DIMENSIONS || *rest.split_off_first()? != b'{' {
        return None;
    }
    let mut items = Vec::new();
    if rest.first() == Some(&b'}') {
        rest.split_off_first();
        return Some(items);
    }
    loop {
        items.push(match rest.first()? {
            b'{' => Item::List(literal_items(rest, depth + 1)?),
            b'"' => Item::Value(Cow::Owned(quoted(rest)?)),
            _ => {
                let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
                match rest.split_off(..end)? {
                    b"NULL" => Item::Null,
                    value => Item::Value(Cow::Borrowed(value)),
                }
            }
        });
        match rest.split_off_first()? {
            b',' => {}
            b'}' => return Some(items),
            _ => return None,
        }
    }
}

fn quoted(rest: &mut &[u8]) -> Option<Vec<u8>> {
    rest.split_off_first()?;
    let mut value = Vec::new();
    loop {
        match rest.split_off_first()? {
            b'"' => return Some(value),
            b'\\' => value.push(*rest.split_off_first()?),
            byte => value.push(*byte),
        }
    }
}

/// An array: its dimensions and its elements in row-major order.
pub(crate) struct Array<'a> {
    pub(crate) element_oid: u32,
    /// The length of each dimension; none for an empty array.
    pub(crate) dimensions: Vec<usize>,
    pub(crate) elements: Vec<Option<&'a [u8]>>,
}

impl<'a> Array<'a> {
    /// Reads an array; `None` if the bytes make no sense.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Array<'a>> {
        let mut reader = Reader(bytes);
        let dimension_count = reader.i32()?;
        let _has_nulls = reader.i32()?;
        let element_oid = reader.i32()?.cast_unsigned();
        let mut dimensions = Vec::new();
        for _ in 0..dimension_count {
            dimensions.push(usize::try_from(reader.i32()?).ok()?);
            let _lower_bound = reader.i32()?;
        }
        let count = match dimensions.is_empty() {
            true => 0,
            false => dimensions
                .iter()
                .try_fold(1usize, |count, length| count.checked_mul(*length))?,
        };
        // Each element takes four bytes at least: a count beyond that is a lie.
        if count > bytes.len() / 4 {
            return None;
        }
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            let length = reader.i32()?;
            elements.push(match usize::try_from(length) {
                Ok(length) => Some(reader.take(length)?),
                Err(_) => None,
            });
        }
        Some(Array {
            element_oid,
            dimensions,
            elements,
        })
    }
}

impl<'a> Array<'a> {
    /// The elements as lists of lists.
    pub(crate) fn into_items(self) -> Vec<Item<'a>> {
        let mut items: Vec<Item<'a>> = self
            .elements
            .into_iter()
            .map(|element| element.map_or(Item::Null, |value| Item::Value(Cow::Borrowed(value))))
            .collect();
        for length in self.dimensions.iter().skip(1).rev() {
            let mut lists = Vec::with_capacity(items.len() / (*length).max(1));
            let mut list = Vec::with_capacity(*length);
            for item in items {
                list.push(item);
                if list.len() == *length {
                    lists.push(Item::List(std::mem::take(&mut list)));
                }
            }
            items = lists;
        }
        items
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn i32(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*bytes))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Item<'_> {
        Item::Value(Cow::Borrowed(text.as_bytes()))
    }

    #[test]
    fn reads_literals() {
        let items = parse_literal(br#"{a,NULL,"N\"U, L",{b,c}}"#).unwrap();
        let list = Item::List(vec![value("b"), value("c")]);
        assert_eq!(items, [value("a"), Item::Null, value("N\"U, L"), list]);
        assert_eq!(parse_literal(b"[0:1]={1,2}").unwrap().len(), 2);
        assert_eq!(parse_literal(b"{}").unwrap(), []);
        for bad in ["", "{", "{a", "{a,", "a", "{\"a}", "{a}b"] {
            assert!(parse_literal(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn nests_by_dimensions() {
        let elements = [b"1", b"2", b"3", b"4"].map(|digit| Some(&digit[..]));
        let array = Array {
            element_oid: 25,
            dimensions: vec![2, 2],
            elements: elements.to_vec(),
        };
        let pair = |a, b| Item::List(vec![value(a), value(b)]);
        assert_eq!(array.into_items(), [pair("1", "2"), pair("3", "4")]);
    }

    #[test]
    fn reads_arrays_and_refuses_damage() {
        let bytes = [
            0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 255,
            255, 255, 255,
        ];
        let array = Array::parse(&bytes).unwrap();
        assert_eq!((array.element_oid, &array.dimensions[..]), (25, &[2][..]));
        assert_eq!(array.elements, [Some(&b"a"[..]), None]);
        for end in 0..bytes.len() {
            assert!(Array::parse(&bytes[..end]).is_none(), "{end}");
        }
        let huge = [
            0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 127, 255, 255, 255, 0, 0, 0, 1,
        ];
        assert!(Array::parse(&huge).is_none());
    }
}
