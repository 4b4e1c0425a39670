//! Finds the rows of each parent.

use crate::postgres::Rows;

/// The rows of a layer in the order of their parents.
pub struct Grouping {
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl Grouping {
    /// Groups rows whose second value is the id of their parent.
    pub fn new(parents: &[i32], rows: &Rows) -> Grouping {
        let table = Table::new(parents);
        let owners: Vec<u32> = (0..rows.len())
            .map(|row| {
                let mut values = rows.values(row);
                values.int();
                table.find(values.int())
            })
            .collect();
        // A counting sort, stable: within a parent the rows keep the order of the statement.
        let mut starts = vec![0; parents.len() + 1];
        for &owner in &owners {
            starts[owner as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0; owners.len()];
        for (row, &owner) in owners.iter().enumerate() {
            let place = &mut next[owner as usize];
            order[*place as usize] = row as u32;
            *place += 1;
        }
        Grouping { starts, order }
    }

    /// The rows of a parent.
    pub fn rows_of(&self, parent: usize) -> impl Iterator<Item = usize> + '_ {
        let range = self.starts[parent] as usize..self.starts[parent + 1] as usize;
        self.order[range].iter().map(|&row| row as usize)
    }
}

/// A hash table with open addressing: parents' numbers by their ids.
struct Table {
    slots: Vec<(i32, u32)>,
    mask: usize,
}

const EMPTY: u32 = u32::MAX;

impl Table {
    fn new(ids: &[i32]) -> Table {
        let mask = (ids.len() * 2 + 2).next_power_of_two() - 1;
        let mut table = Table {
            slots: vec![(0, EMPTY); mask + 1],
            mask,
        };
        for (number, &id) in ids.iter().enumerate() {
            let mut slot = table.first_slot(id);
            while table.slots[slot].1 != EMPTY {
                slot = (slot + 1) & mask;
            }
            table.slots[slot] = (id, number as u32);
        }
        table
    }

    fn find(&self, id: i32) -> u32 {
        let mut slot = self.first_slot(id);
        loop {
            let (key, number) = self.slots[slot];
            assert_ne!(number, EMPTY, "a row without a parent");
            if key == id {
                return number;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    fn first_slot(&self, id: i32) -> usize {
        (id as u32).wrapping_mul(2_654_435_761) as usize & self.mask
    }
}
