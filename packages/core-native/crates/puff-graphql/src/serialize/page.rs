//! What pages of connections and their edges say of themselves.

use super::leaf::{LeafType, write_leaf};
use super::text::put_string;
use super::writer::{Writer, Written};
use crate::execute::{LayerData, Objects, RowObjects, encode_cursor};
use crate::plan::{ConnectionPart, Field, Leaf, Source};

impl<'d> Writer<'d> {
    /// What a page, or an edge on it, says of itself.
    pub(super) fn page(
        &mut self,
        data: &'d LayerData<'d>,
        field: &'d Field,
        index: usize,
        base: usize,
    ) -> Written {
        let Source::Part(part) = &field.source else {
            return self.null(field, &field.shape, false);
        };
        match &data.objects {
            Objects::Rows(rows) => {
                let cells = self.cells[base..].to_vec();
                self.cursor(rows, &cells);
                true
            }
            Objects::Pages(pages) => {
                let page = pages.pages[index];
                let edge = match part {
                    ConnectionPart::HasNextPage | ConnectionPart::HasPreviousPage => {
                        let has = match part {
                            ConnectionPart::HasNextPage => page.has_next,
                            _ => page.has_previous,
                        };
                        self.out
                            .extend_from_slice(if has { b"true" } else { b"false" });
                        return true;
                    }
                    ConnectionPart::TotalCount => {
                        return match &pages.totals {
                            Some(totals) => self.leaves(field, totals, index),
                            None => self.null(field, &field.shape, false),
                        };
                    }
                    ConnectionPart::StartCursor => page.start,
                    _ => (page.start + page.count).saturating_sub(1),
                };
                if page.count == 0 {
                    return self.null(field, &field.shape, false);
                }
                let rows = RowObjects {
                    connection: Some(pages.connection.clone()),
                    ..pages.rows.clone()
                };
                let row = pages.rows.row(edge as usize);
                let cells: Vec<_> = pages.rows.rows.cells(row).collect();
                self.cursor(&rows, &cells);
                true
            }
            _ => self.null(field, &field.shape, false),
        }
    }

    /// Writes the cursor of a row: the JSON of its ordering columns in base64.
    fn cursor(&mut self, rows: &RowObjects, cells: &[Option<&[u8]>]) {
        let mut values = vec![b'['];
        let columns = rows
            .connection
            .as_ref()
            .map(|connection| connection.spec.cursor.as_slice());
        for (index, name) in columns.unwrap_or_default().iter().enumerate() {
            if index > 0 {
                values.push(b',');
            }
            let start = values.len();
            let written = rows.rows.position(name).and_then(|column| {
                let described = &rows.rows.columns[column];
                let ty =
                    LeafType::new(&Leaf::Custom, None, described.type_oid, described.is_binary);
                write_leaf(ty, cells.get(column).copied().flatten()?, &mut values).ok()
            });
            if written.is_none() {
                values.truncate(start);
                values.extend_from_slice(b"null");
            }
        }
        values.push(b']');
        put_string(encode_cursor(&values).as_bytes(), &mut self.out);
    }
}
