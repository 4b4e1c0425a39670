//! Places in a text, for people.

use crate::error::Location;

/// Where the lines of a text begin. Lines end with `\n`, `\r` or `\r\n` (GraphQL specification,
/// section 2.1.2 "Line Terminators").
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Lines {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (index, byte) in bytes.iter().enumerate() {
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => bytes.get(index + 1) != Some(&b'\n'),
                _ => false,
            };
            if ends_line {
                starts.push(index as u32 + 1);
            }
        }
        Lines { starts }
    }

    /// The place of a byte of the text that the lines are of. Columns count UTF-16 code units, as
    /// graphql-js and editors do.
    pub(crate) fn location(&self, text: &str, offset: usize) -> Location {
        let line = self
            .starts
            .partition_point(|start| *start as usize <= offset)
            .saturating_sub(1);
        let start = self.starts[line] as usize;
        let before = text.get(start..offset.min(text.len())).unwrap_or_default();
        Location {
            line: line as u32 + 1,
            column: before.encode_utf16().count() as u32 + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_utf_16_columns() {
        let text = "a\r\nbä𝄞c\rd\n";
        let lines = Lines::new(text);
        let at = |needle: char| {
            let Location { line, column } = lines.location(text, text.find(needle).unwrap());
            (line, column)
        };
        assert_eq!(at('a'), (1, 1));
        assert_eq!(at('b'), (2, 1));
        assert_eq!(at('c'), (2, 5));
        assert_eq!(at('d'), (3, 1));
        assert_eq!(lines.location(text, text.len()).line, 4);
    }
}
