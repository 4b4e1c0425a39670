//! How an entry's bytes are divided into parts.
//!
//! A value is the number of its parts, the length of each, then the parts: little-endian words of 32 bits, then bytes.
//! `packages/next-puff/src/cache/packing.ts` writes and reads it.

use bytes::Bytes;

const WORD: usize = 4;

/// The parts of an entry's value, which share its memory; none where the value is not divided like that.
pub fn parts(value: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    let count = word(value, 0).unwrap_or(0);
    let begin = count.saturating_add(1).saturating_mul(WORD);
    let lengths = (0..count).map_while(move |index| word(value, (index + 1) * WORD));
    lengths
        .scan(begin, |at, length| {
            let begin = *at;
            *at = begin.checked_add(length)?;
            Some(begin..*at)
        })
        .map_while(|range| (range.end <= value.len()).then(|| value.slice(range)))
}

fn word(value: &[u8], at: usize) -> Option<usize> {
    let bytes = value.get(at..at + WORD)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(parts: &[&str]) -> Vec<u8> {
        let mut value = Vec::new();
        value.extend_from_slice(&(parts.len() as u32).to_le_bytes());
        for part in parts {
            value.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        value.extend(parts.concat().bytes());
        value
    }

    #[test]
    fn parts_come_in_their_order() {
        let value = Bytes::from(pack(&["head", "", "body"]));
        let texts: Vec<Bytes> = parts(&value).collect();
        assert_eq!(texts, ["head", "", "body"]);
    }

    #[test]
    fn what_is_not_packed_has_no_parts_beyond_its_bytes() {
        for value in [
            Vec::new(),
            vec![1, 0],
            vec![1, 0, 0, 0],
            vec![0xff; 4],
            vec![0xff; 12],
            pack(&["cut off"])[..12].to_vec(),
        ] {
            assert_eq!(parts(&Bytes::from(value)).count(), 0);
        }
        let mut second_cut_off = pack(&["whole", "cut off"]);
        second_cut_off.pop();
        assert_eq!(parts(&Bytes::from(second_cut_off)).count(), 1);
    }
}
