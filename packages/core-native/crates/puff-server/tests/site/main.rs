//! What is served of a site without JavaScript, on real folders.

mod files;
mod opening;
mod pages;
mod partial;
mod rules;
mod support;
