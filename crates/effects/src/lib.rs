//! Text turned into effects: plans, manifests, SQL, shell commands, API calls.
//!
//! Pure: bytes in, [`countersign_core::effect::Effect`]s out. Anything that is
//! not understood becomes an unknown effect; nothing is dropped.
