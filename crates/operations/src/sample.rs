//! How records of a sample organisation are told from real ones: its ledger says
//! so from the first entry on, and with it every copy of the ledger.

/// Who recorded every entry of a sample ledger, the first above all.
pub const RECORDER: &str = "sample-data";

/// What every document made from such a ledger begins with.
pub const LABEL: &str =
    "SAMPLE DATA made by countersign demo: no such organisation, person or incident exists.";
