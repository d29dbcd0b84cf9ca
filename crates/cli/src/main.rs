//! The one binary, `countersign`.

fn main() {}
