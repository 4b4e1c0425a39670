//! The store of the cache: what it keeps, what it lets go, and what revalidations do to it.

mod eviction;
mod peers;
mod revalidation;
mod store;
mod support;
