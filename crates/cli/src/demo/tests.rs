#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use super::*;

#[test]
fn the_same_seed_tells_the_same_story() {
    let (one, two, other) = (story(1), story(1), story(2));
    assert_eq!(one.records, two.records);
    assert_ne!(one.records, other.records);
}

#[test]
fn every_record_may_be_kept_and_none_is_of_the_future() {
    let end: Timestamp = CUT_OFF.parse().unwrap();
    for record in &story(7).records {
        record.to_json().unwrap();
        assert!(record.noted().at <= end, "{record}");
        assert!(record.at() <= end, "{record}");
    }
}

#[test]
fn weeks_are_those_that_people_name() {
    let week =
        countersign_operations::week::Week::of(moment(WEEKS - 1, 0, 0), &jiff::tz::TimeZone::UTC);
    assert_eq!(week.to_string(), LAST_WEEK);
    assert_eq!(
        moment(planted::CANARY_GONE, 0, 0).to_string(),
        "2025-06-09T00:00:00Z"
    );
    assert_eq!(
        moment(planted::RESET, 0, 0).to_string(),
        "2025-12-22T00:00:00Z"
    );
}
