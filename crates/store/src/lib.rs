//! What is recorded, kept: one [`Store`] over SQLite (a file) and PostgreSQL
//! (chosen by the address).
//!
//! Everything goes through the append-only ledger of [`countersign_core::ledger`];
//! every other table is read from it and can be rebuilt. [`Store::append`] is
//! durable when it returns. Appends that wait at the same time are committed
//! together, so many writers cost one flush of the disk.
//!
//! The store knows a record's kind, key, time and body, and reads a few columns
//! from the bodies of changes and incidents ([`projection`]). What they mean is
//! not its business.

mod address;
mod append;
mod engine;
mod error;
mod exposure;
mod known;
mod migrate;
pub mod projection;
mod read;
mod rebuild;
mod sql;
mod store;
mod transfer;

pub use address::{Address, AddressError};
pub use append::{Appended, Expected};
pub use error::StoreError;
pub use exposure::{Exposure, IncidentRow, ServiceExposure, Weeks};
pub use known::Later;
pub use migrate::{LATEST_VERSION, Schema};
pub use read::{Counted, Found, Page, Range};
pub use rebuild::{Difference, Rebuilt};
pub use sql::statements;
pub use store::{Access, Store};
pub use transfer::Copied;
