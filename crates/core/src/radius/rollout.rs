//! Reading the steps of a rollout: a short text, a file, or what Argo Rollouts
//! keeps in `spec.strategy.canary.steps` of a `Rollout`
//! (<https://argo-rollouts.readthedocs.io/en/stable/features/specification/>).

use serde::Deserialize;
use serde_json::Value;

use super::change::Stage;
use crate::catalog::{Catalog, Share, Unit, yaml};
use crate::moment::parse_duration;
use crate::problem::{Problem, Source, closest};

/// More steps than anyone plans.
const MAX_STAGES: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    stages: Vec<RawStage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStage {
    name: Option<String>,
    #[serde(default)]
    units: Vec<String>,
    customers: Option<f64>,
    bake: Option<String>,
}

/// Reads a rollout from one line: stages from first to last with commas
/// between, each of them `UNIT+UNIT:SHARE%:BAKE` in any part, such as
/// `eu-cell-1:5%:30m, eu-west-1:2h, all`.
///
/// # Errors
/// One line about the first part that is not understood.
pub fn from_spec(text: &str, catalog: &Catalog) -> Result<Vec<Stage>, String> {
    let stages: Vec<&str> = text.split(',').map(str::trim).collect();
    if stages.len() > MAX_STAGES {
        return Err(format!("more than {MAX_STAGES} stages"));
    }
    stages.iter().map(|it| stage_of(it, catalog)).collect()
}

fn stage_of(text: &str, catalog: &Catalog) -> Result<Stage, String> {
    let mut stage = Stage {
        name: text.to_owned(),
        units: Vec::new(),
        share: Share::ALL,
        bake_seconds: None,
    };
    for part in text.split(':').map(str::trim) {
        if let Some(percent) = part.strip_suffix('%') {
            let percent = percent
                .trim()
                .parse()
                .map_err(|_| format!("`{part}` is not a share in percent, such as `5%`"))?;
            stage.share = Share::from_percent(percent)?;
        } else if let Ok(bake) = parse_duration(part) {
            stage.bake_seconds = u64::try_from(bake.as_secs()).ok();
        } else if part != "all" {
            stage.units = units(part.split('+').map(str::trim), catalog)?;
        }
    }
    Ok(stage)
}

fn units<'a>(
    names: impl IntoIterator<Item = &'a str>,
    catalog: &Catalog,
) -> Result<Vec<u32>, String> {
    let mut all = Vec::new();
    for name in names {
        all.extend(unit(name, catalog)?);
    }
    Ok(all)
}

/// The positions of a cell, of a region, or of the cells of a region.
fn unit(name: &str, catalog: &Catalog) -> Result<Vec<u32>, String> {
    let units = catalog.units();
    let is_in = |unit: &Unit| unit.id == name || unit.region.as_deref() == Some(name);
    let found: Vec<u32> = (0_u32..)
        .zip(units)
        .filter(|(_, unit)| is_in(unit))
        .map(|(at, _)| at)
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let known = units.iter().map(|unit| unit.id.as_str());
    let meant = closest(name, known.clone()).map_or_else(
        || {
            let known: Vec<&str> = known.take(8).collect();
            format!("the catalogue has {}", known.join(", "))
        },
        |close| format!("did you mean `{close}`?"),
    );
    Err(format!("`{name}` is not a region or cell ({meant})"))
}

/// Reads a rollout from a file in YAML or JSON: `stages` with `name`, `units`,
/// `customers` (percent) and `bake`, or manifests with one Argo `Rollout`.
///
/// # Errors
/// The first problem.
pub fn from_file(source: Source<'_>, catalog: &Catalog) -> Result<Vec<Stage>, Problem> {
    let documents: Vec<Value> = yaml::many(source)?;
    let argo = documents
        .iter()
        .find(|it| it.pointer("/kind").and_then(Value::as_str) == Some("Rollout"));
    let stages = match argo {
        Some(rollout) => argo_stages(rollout).map_err(|message| source.whole(message))?,
        None => {
            let file: RawFile = yaml::one(source)?;
            let stages = file.stages.into_iter().enumerate();
            stages
                .map(|(at, raw)| from_raw(at, raw, catalog))
                .collect::<Result<_, _>>()
                .map_err(|message| source.whole(message))?
        }
    };
    match stages.len() {
        0 => Err(source.whole("it has no stages")),
        n if n > MAX_STAGES => Err(source.whole(format!("more than {MAX_STAGES} stages"))),
        _ => Ok(stages),
    }
}

fn from_raw(at: usize, raw: RawStage, catalog: &Catalog) -> Result<Stage, String> {
    let bake = raw.bake.as_deref().map(parse_duration).transpose()?;
    Ok(Stage {
        name: raw.name.unwrap_or_else(|| format!("stage {}", at + 1)),
        units: units(raw.units.iter().map(String::as_str), catalog)?,
        share: raw.customers.map_or(Ok(Share::ALL), Share::from_percent)?,
        bake_seconds: bake.and_then(|bake| u64::try_from(bake.as_secs()).ok()),
    })
}

/// Steps of a canary: every weight is a stage, the pauses after it its bake
/// time. Whatever the last step is, all customers follow.
fn argo_stages(rollout: &Value) -> Result<Vec<Stage>, String> {
    let steps = rollout
        .pointer("/spec/strategy/canary/steps")
        .and_then(Value::as_array)
        .ok_or("the Rollout has no `spec.strategy.canary.steps`")?;
    let mut stages: Vec<Stage> = Vec::new();
    for step in steps {
        if let Some(weight) = step.get("setWeight") {
            let percent = weight
                .as_f64()
                .ok_or_else(|| format!("`setWeight: {weight}` is not a number"))?;
            stages.push(at_weight(percent)?);
        }
        let pause = step.pointer("/pause/duration");
        if let (Some(pause), Some(stage)) = (pause, stages.last_mut()) {
            let seconds = pause_seconds(pause)
                .ok_or_else(|| format!("`pause: {{duration: {pause}}}` is not a duration"))?;
            stage.bake_seconds = Some(stage.bake_seconds.unwrap_or(0).saturating_add(seconds));
        }
    }
    if stages.last().is_none_or(|stage| stage.share < Share::ALL) {
        stages.push(at_weight(100.0)?);
    }
    Ok(stages)
}

fn at_weight(percent: f64) -> Result<Stage, String> {
    let share = Share::from_percent(percent)?;
    Ok(Stage {
        name: format!("weight {share}"),
        units: Vec::new(),
        share,
        bake_seconds: None,
    })
}

/// A number of seconds, or a text such as `30s`, `10m`, `1h30m`.
fn pause_seconds(pause: &Value) -> Option<u64> {
    if let Some(seconds) = pause.as_u64() {
        return Some(seconds);
    }
    let text = pause.as_str()?;
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut total, mut digits) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && !text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let text = "version: 1\nregions: [{id: eu, customers: 60, cells: [{id: eu-1, customers: 5}, {id: eu-2, customers: 55}]}, {id: us, customers: 40}]\n\
                    services: [{id: shop}]\n";
        let draft = crate::catalog::parse(text, "catalog.yaml").unwrap();
        Catalog::assemble(vec![draft]).unwrap()
    }

    fn shown(stages: &[Stage], catalog: &Catalog) -> Vec<String> {
        let units = |stage: &Stage| {
            let names = stage
                .units
                .iter()
                .map(|at| catalog.units()[*at as usize].id.clone());
            names.collect::<Vec<_>>().join("+")
        };
        let line = |it: &Stage| {
            format!(
                "{}|{}|{}|{:?}",
                it.name,
                units(it),
                it.share,
                it.bake_seconds
            )
        };
        stages.iter().map(line).collect()
    }

    #[test]
    fn a_line() {
        let catalog = catalog();
        let stages = from_spec("eu-1:5%:30m, eu:2h, 50%, all", &catalog).unwrap();
        assert_eq!(
            shown(&stages, &catalog),
            [
                "eu-1:5%:30m|eu-1|5 %|Some(1800)",
                "eu:2h|eu-1+eu-2|100 %|Some(7200)",
                "50%||50 %|None",
                "all||100 %|None",
            ]
        );
        for (text, wrong) in [
            ("mars", "`mars` is not a region or cell (the catalogue has "),
            ("eu-3", "did you mean `eu-"),
            ("x%", "`x%` is not a share"),
            ("101%", "`101` is not a share"),
            ("NaN%", "`NaN` is not a share"),
            ("", "`` is not a region"),
        ] {
            let error = from_spec(text, &catalog).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }

    #[test]
    fn a_file() {
        let catalog = catalog();
        let read = |text| {
            from_file(
                Source {
                    file: "r.yaml",
                    text,
                },
                &catalog,
            )
        };
        let text = "stages:\n  - {name: canary, units: [eu-1], customers: 2.5, bake: 1h}\n  - {units: [us]}\n";
        assert_eq!(
            shown(&read(text).unwrap(), &catalog),
            ["canary|eu-1|2.5 %|Some(3600)", "stage 2|us|100 %|None"]
        );
        for text in [
            "stages: []",
            "stages: [{unit: [eu]}]",
            "stages: [{units: [mars]}]",
            "stages: [{customers: .nan}]",
            "stages: [{bake: soon}]",
            "{}",
            "kind: Rollout\nspec: {}\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn argo_rollouts() {
        let catalog = catalog();
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n---\n\
            apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\n\
            spec:\n  strategy:\n    canary:\n      steps:\n\
            \x20     - setWeight: 20\n      - pause: {duration: 1h30m}\n      - pause: {duration: 10}\n\
            \x20     - setWeight: 60\n      - pause: {}\n";
        let stages = from_file(
            Source {
                file: "r.yaml",
                text,
            },
            &catalog,
        )
        .unwrap();
        assert_eq!(
            shown(&stages, &catalog),
            [
                "weight 20 %||20 %|Some(5410)",
                "weight 60 %||60 %|None",
                "weight 100 %||100 %|None"
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let catalog = catalog();
            let _ = from_spec(&text, &catalog);
            let _ = from_file(Source { file: "r.yaml", text: &text }, &catalog);
        }
    }
}
