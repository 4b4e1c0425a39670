//! How processes tell their own messages from those of others.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// An id that no other process has: 32 hexadecimal digits.
pub(super) fn new_node() -> Arc<str> {
    // The keys of a hasher are the standard library's source of randomness.
    let part = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", part(), part()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_differ() {
        assert_ne!(new_node(), new_node());
        assert_eq!(new_node().len(), 32);
    }
}
