//! Numbers for people.

/// Three significant digits without an exponent, thousands separated; `∞` where
/// there is no finite number.
///
/// ```
/// use countersign_page::decimal;
/// assert_eq!(decimal(1.6841), "1.68");
/// assert_eq!(decimal(12_345.6), "12,346");
/// ```
#[must_use]
pub fn decimal(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    let size = value.abs();
    let digits = if size >= 1000.0 {
        return thousands(value.round() as i64);
    } else if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 0.1 || size == 0.0 {
        2
    } else if size >= 0.01 {
        3
    } else {
        4
    };
    format!("{value:.digits$}")
}

/// A number as an axis shows it: no more digits than it needs.
#[must_use]
pub(crate) fn tick(value: f64) -> String {
    let unit = match value.abs() {
        size if size >= 1e9 => Some((1e9, "G")),
        size if size >= 1e6 => Some((1e6, "M")),
        size if size >= 1e4 => Some((1e3, "k")),
        _ => None,
    };
    if let Some((unit, sign)) = unit {
        return format!("{}{sign}", tick((value / unit * 100.0).round() / 100.0));
    }
    if value.abs() >= 1000.0 {
        return thousands(value.round() as i64);
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A whole number with its thousands separated.
#[must_use]
pub fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_size() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.0031, "0.0031"),
            (0.052, "0.052"),
            (12.34, "12.3"),
            (123.4, "123"),
            (f64::NAN, "∞"),
        ] {
            assert_eq!(decimal(value), text);
        }
        assert_eq!(thousands(-1_234_567), "-1,234,567");
        for (value, text) in [
            (2.5, "2.5"),
            (0.0, "0"),
            (-0.0, "0"),
            (20.0, "20"),
            (9_000.0, "9,000"),
            (12_000.0, "12k"),
            (2.5e6, "2.5M"),
            (1e12, "1,000G"),
        ] {
            assert_eq!(tick(value), text);
        }
    }
}
