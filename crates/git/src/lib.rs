//! A git repository turned into facts.
//!
//! The only room that touches git.
