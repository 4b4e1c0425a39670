//! Words and text of rows while they are written.

/// The text of a chunk.
#[derive(Debug, Default)]
pub struct Text {
    /// The characters.
    pub text: String,
    /// Its length in UTF-16 code units; equal to its length in bytes if it is all ASCII.
    pub units: u32,
}

/// What cells are written to: the words so far and the current chunk's text.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) words: Vec<i32>,
    pub(super) text: Text,
}

impl Rows {
    pub(super) fn put_wide(&mut self, value: u64) {
        self.words.extend([value as i32, (value >> 32) as i32]);
    }

    pub(super) fn put_double(&mut self, value: f64) {
        self.put_wide(value.to_bits());
    }

    pub(super) fn end_text(&mut self) {
        self.words.push(self.text.units as i32);
    }

    pub(super) fn put_text(&mut self, value: &[u8]) {
        let start = self.text.text.len();
        match std::str::from_utf8(value) {
            Ok(text) => self.text.text.push_str(text),
            // A database with encoding SQL_ASCII holds any bytes.
            Err(_) => self.text.text.push_str(&String::from_utf8_lossy(value)),
        }
        self.count_units(start);
    }

    pub(super) fn put_made_text(
        &mut self,
        make: impl FnOnce(&mut String) -> Option<()>,
    ) -> Option<()> {
        let start = self.text.text.len();
        make(&mut self.text.text)?;
        self.count_units(start);
        Some(())
    }

    pub(super) fn count_units(&mut self, start: usize) {
        let added = &self.text.text[start..];
        let units = if added.is_ascii() {
            added.len()
        } else {
            added.encode_utf16().count()
        };
        self.text.units += units as u32;
        self.end_text();
    }
}
