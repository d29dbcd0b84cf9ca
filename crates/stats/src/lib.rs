//! Exact and sequential statistics that refuse to over-claim.
//!
//! This crate knows nothing of sign-offs or incidents; it is the ground floor
//! of the workspace and can be used alone.
