//! A mid-level engineer's AI-assisted change of a tier-1 service.

use super::shop::{Shop, countersign, line, section};

#[test]
fn it_waits_for_a_more_senior_engineer() {
    let shop = Shop::new();
    let check = "check main..retry-payments --now 2026-03-13T12:00:00Z";
    let said = shop.say(check);
    assert!(
        said.code == 1 && said.text.starts_with("HOLD"),
        "{}",
        said.text
    );
    assert!(
        said.text.contains("level mid") && said.text.contains("tier 1"),
        "{}",
        said.text
    );
    for rule in ["ai-below-senior", "ai-tier-1", "ninety-day-reset"] {
        assert!(said.text.contains(rule), "{rule}: {}", said.text);
    }
    // whoever may sign finds it, with what it reaches
    let queue = shop.say("queue --for omar --now 2026-03-13T12:00:00Z").text;
    assert!(
        queue.contains("retry-payments") && queue.contains("70 % of customers"),
        "{queue}"
    );
    // its author may not
    let own = shop.say("queue --for max --now 2026-03-13T12:00:00Z").text;
    assert!(
        !own.contains("countersign sign main..retry-payments"),
        "{own}"
    );
    // what was asked is recorded, and the meeting sees what waits
    let record = "record check main..retry-payments --now 2026-03-13T12:00:00Z --db countersign.db";
    assert_eq!(shop.say(record).code, 1);
    let review = shop.review_now();
    let held = line(
        section(&review, "Planned changes"),
        &["merge", "ai-below-senior"],
    );
    assert!(held.contains("hold"), "{held}");
    // the same change without a word of AI waits as well: silence is no "no"
    let git = |args: &[&str]| {
        let done = std::process::Command::new("git")
            .current_dir(shop.path())
            .args(args)
            .output();
        assert!(done.unwrap().status.success(), "{args:?}");
    };
    git(&["switch", "-q", "retry-payments"]);
    git(&[
        "-c",
        "user.name=Max Mid",
        "-c",
        "user.email=max@sample.example",
        "commit",
        "-q",
        "--amend",
        "-m",
        "Try payments again",
    ]);
    let silent = countersign(
        &shop.path(),
        &shop.path(),
        &["check", "main..retry-payments"],
    );
    assert!(
        silent.code == 1 && silent.text.contains("ai-below-senior"),
        "{}",
        silent.text
    );
    // and neither word changes what the year says of such changes
    assert!(
        shop.run("trend")
            .contains("AI-assisted changes against others: cannot tell")
    );
}
