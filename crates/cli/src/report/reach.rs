//! A blast radius in words.

use countersign_core::facts::Reach;
use countersign_core::radius::{Claim, Impact, Radius, Recovery, StageRadius, Step};

use super::count;

/// Functions named before the rest is counted.
const NAMED: usize = 4;

/// What customers notice, in one sentence; `None` when nothing that is in the
/// catalogue, or may be, is reached. `reach` tells what could be known at all.
pub(crate) fn sentence(radius: &Radius, reach: &Reach) -> Option<String> {
    let facts = &radius.facts;
    if facts.services.high == 0 && facts.functions_down.high == 0 && !facts.high_is_everything {
        return None;
    }
    let mut parts = Vec::new();
    if reach.functions.is_some() {
        parts.extend(down(radius));
        let worse = named(radius, |impact| impact == Impact::Degraded);
        if !worse.is_empty() {
            let verb = if worse.len() == 1 { "works" } else { "work" };
            parts.push(format!("{} {verb} worse", list(&worse)));
        }
        if parts.is_empty() {
            parts.push(if facts.high_is_everything {
                "may reach any customer: no catalogue entry says who needs it".to_owned()
            } else {
                "no customer function is likely to go down".to_owned()
            });
        }
    } else if reach.services.is_some() {
        let (likely, high) = (facts.services.likely, facts.services.high);
        let most = if high > likely {
            format!(", at most {high}")
        } else {
            String::new()
        };
        parts.push(format!(
            "reaches {}{most}",
            count(u64::from(likely), "service")
        ));
    }
    match facts.recovery {
        Recovery::Nothing => {}
        Recovery::Seconds(seconds) => parts.push(format!("recovery within {}", time(seconds))),
        Recovery::Unknown => parts.push("recovery unknown".to_owned()),
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `checkout and prices down for 60 % of customers (eu-west-1), at most 100 %`.
fn down(radius: &Radius) -> Option<String> {
    let facts = &radius.facts;
    let down = named(radius, |impact| impact >= Impact::Down);
    let (likely, high) = (facts.customers_share.likely, facts.customers_share.high);
    if down.is_empty() {
        return None;
    }
    let places = match radius.units.as_slice() {
        [] => String::new(),
        [only] if only == "everywhere" => String::new(),
        units => format!(" ({})", units.join(", ")),
    };
    let most = if high > likely {
        format!(", at most {high}")
    } else {
        String::new()
    };
    Some(format!(
        "{} down for {likely} of customers{places}{most}",
        list(&down)
    ))
}

/// `down for 5 % of customers, at most 60 %; 1 region or cell`.
pub(crate) fn stage(stage: &StageRadius) -> String {
    let facts = &stage.facts;
    let customers = &facts.customers_share;
    let mut text = format!("down for {} of customers", customers.likely);
    if customers.high > customers.likely {
        text.push_str(&format!(", at most {}", customers.high));
    }
    let units = count(u64::from(facts.units.likely), "region or cell");
    format!(
        "{text}; {}",
        units.replace("region or cells", "regions or cells")
    )
}

/// `, stays 30 min`; nothing where nobody said how long.
pub(crate) fn bake(stage: &StageRadius) -> String {
    let bake = stage.bake_seconds.map(time);
    bake.map_or_else(String::new, |time| format!(", stays {time}"))
}

fn named(radius: &Radius, wanted: impl Fn(Impact) -> bool) -> Vec<&str> {
    let claims = radius.functions.iter().filter(|claim| wanted(claim.impact));
    claims.map(|claim| claim.id.as_str()).collect()
}

/// `a`, `a and b`, `a, b and 7 more`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] if names.len() <= NAMED => format!("{} and {last}", most.join(", ")),
        _ => {
            let shown = names.get(..NAMED - 1).unwrap_or(names);
            format!(
                "{} and {} more",
                shown.join(", "),
                names.len() - shown.len()
            )
        }
    }
}

/// Seconds as people say them, rounded up to the next unit.
pub(crate) fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

/// `db → cart (hard) → checkout (hard)`: each needs the one before it.
pub(crate) fn path(claim: &Claim) -> String {
    let step = |step: &Step| match &step.needs {
        Some(kind) => format!("{} ({})", step.id, kind.as_str()),
        None => step.id.clone(),
    };
    let steps: Vec<String> = claim.path.iter().map(step).collect();
    steps.join(" → ")
}

/// What may be reached because nobody could place it; `None` when all was.
pub(crate) fn unplaced(radius: &Radius) -> Option<String> {
    if radius.unplaced.is_empty() {
        return None;
    }
    let names: Vec<&str> = radius.unplaced.iter().map(String::as_str).collect();
    let subject = format!(
        "{} in no catalogue entry: {}",
        count(names.len() as u64, "object"),
        list(&names)
    );
    Some(if radius.facts.high_is_everything {
        format!("{subject}; so it may reach anything")
    } else {
        subject
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_times() {
        let names = ["a", "b", "c", "d", "e"];
        let cases = [
            (0, ""),
            (1, "a"),
            (2, "a and b"),
            (4, "a, b, c and d"),
            (5, "a, b, c and 2 more"),
        ];
        for (n, expected) in cases {
            assert_eq!(list(names.get(..n).unwrap_or(&[])), expected);
        }
        let cases = [
            (0, "0 s"),
            (119, "119 s"),
            (121, "3 min"),
            (7_200, "2 h"),
            (172_801, "3 d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(time(seconds), expected);
        }
    }
}
