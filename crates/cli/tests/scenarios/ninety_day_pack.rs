//! Ninety days of two sign-offs on tier 1: measured, and ended.

use super::shop::{Shop, line, section};

#[test]
fn a_pack_for_ninety_days_is_measured_and_ends() {
    let shop = Shop::new();
    // against tiers that it does not hold for, not before against after
    let result = shop.run("initiative result INI-2025-2");
    assert!(result.contains("\n  better: "), "{result}");
    assert!(
        result.contains("the comparison group") && result.contains("plain after over before"),
        "{result}"
    );
    let review = shop.review();
    let running = section(&review, "Initiatives and temporary policy packs");
    let row = line(running, &["INI-2025-2"]);
    assert!(row.contains("better"), "{row}");
    let pack = line(running, &["ninety-day-reset", "sev2-per-day"]);
    assert!(pack.contains("5 days left"), "{pack}");
    let asked = line(section(&review, "Decisions"), &["ninety-day-reset"]);
    assert!(asked.contains("end, prolong or keep it"), "{asked}");
    // the meeting ends it, with its reason, and the review says so
    let kept = shop.run("initiative result INI-2025-2 --record --by sara");
    assert!(kept.contains("recorded as its result"), "{kept}");
    // by the calendar it is over by now, and nothing has to be switched off
    let status = shop.run("pack status");
    assert!(status.contains("no pack is in force"), "{status}");
    let later = shop.run("review build --week 2026-W13 --cut-off 2026-03-30T08:00:00Z");
    let later = line(
        section(&later, "Initiatives and temporary policy packs"),
        &["ninety-day-reset"],
    );
    assert!(later.contains("over"), "{later}");
    let trend = shop.run("trend");
    assert!(
        trend.contains("Ninety-day reset on tier 1 (2025-W52): lower"),
        "{trend}"
    );
}
