//! Every error names what was wrong and what would be right, on one line.

use countersign_stats::{Confidence, Counted, Error};

#[test]
fn messages_read_well() {
    let at = |value| Error::BadElement {
        what: "exposures",
        position: 3,
        value,
        expected: "a number from 1e-12 to 1e18",
    };
    for (error, message) in [
        (
            Confidence::new(95.0).unwrap_err(),
            "confidence level is `95`; expected a number strictly between 0 and 1, such as 0.95",
        ),
        (
            Counted::new(3, 0.0).unwrap_err(),
            "exposure is `0`; expected a number from 1e-12 to 1e18",
        ),
        (
            Counted::new(2_000_000_000, 1.0).unwrap_err(),
            "event count is 2000000000; at most 1000000000 accepted",
        ),
        (
            at(f64::NAN),
            "exposures[3] is `NaN`; expected a number from 1e-12 to 1e18",
        ),
        (
            Error::TooFew {
                what: "event times",
                found: 1,
                needed: 2,
            },
            "event times: 1 given, at least 2 needed",
        ),
        (
            Error::LengthMismatch {
                left: "counts",
                left_len: 3,
                right: "exposures",
                right_len: 4,
            },
            "counts (3) and exposures (4) must match in length",
        ),
        (
            Error::Collinear {
                column: "level b".into(),
            },
            "column `level b` cannot be told apart from the columns before it; drop one of them",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}
