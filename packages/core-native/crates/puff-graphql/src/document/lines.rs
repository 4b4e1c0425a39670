//! Places in a text, for people.

use crate::error::Location;

/// Where the lines of a text begin. Lines end with `\n`, `\r` or `\r\n` (GraphQL specification,
/// section 2.1.2 "Line Terminators").
///
/// A place is found in the same time wherever it is: a whole document may stand in one line.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    starts: Vec<u32>,
    /// UTF-16 code units before each block of bytes; empty if the text is all ASCII.
    units: Vec<u32>,
}

/// Bytes of a block.
const BLOCK: usize = 256;

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
        let mut units = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for block in bytes.chunks(BLOCK) {
                units.push(before);
                before += utf16_units(block);
            }
            units.push(before);
        }
        Lines { starts, units }
    }

    /// The place of a byte of the text that the lines are of. Columns count UTF-16 code units, as
    /// graphql-js and editors do.
    pub(crate) fn location(&self, text: &str, offset: usize) -> Location {
        let offset = offset.min(text.len());
        let line = self
            .starts
            .partition_point(|start| *start as usize <= offset)
            .saturating_sub(1);
        let start = self.starts[line] as usize;
        Location {
            line: line as u32 + 1,
            column: self.units_before(text, offset) - self.units_before(text, start) + 1,
        }
    }

    /// The UTF-16 code units before a byte.
    fn units_before(&self, text: &str, offset: usize) -> u32 {
        match self.units.get(offset / BLOCK) {
            None => offset as u32,
            Some(before) => {
                let block = &text.as_bytes()[offset / BLOCK * BLOCK..offset];
                before + utf16_units(block)
            }
        }
    }
}

/// The UTF-16 code units of characters that begin in these bytes of UTF-8: two for those of four bytes.
fn utf16_units(bytes: &[u8]) -> u32 {
    let is_start = |byte: u8| u32::from(byte & 0xc0 != 0x80);
    bytes
        .iter()
        .map(|byte| is_start(*byte) + u32::from(*byte >= 0xf0))
        .sum()
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
        assert_eq!(lines.location(text, usize::MAX).line, 4);
    }

    #[test]
    fn long_lines_count_the_same_from_anywhere() {
        for character in ["x", "ä", "日", "𝄞"] {
            let text = format!("first\n{}", character.repeat(1_000));
            let lines = Lines::new(&text);
            for index in [0, 1, 63, 64, 128, 255, 256, 999, 1_000] {
                let offset = 6 + index * character.len();
                let Location { line, column } = lines.location(&text, offset);
                let units = index * character.encode_utf16().count();
                assert_eq!(
                    (line, column as usize),
                    (2, units + 1),
                    "{character} {index}"
                );
            }
        }
    }
}
