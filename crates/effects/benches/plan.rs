//! A Terraform plan of 1.4 MB read and judged, beside what `serde_json` needs to
//! parse the same bytes into values: `cargo bench -p countersign-effects`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should stop"
)]

use std::sync::LazyLock;

use countersign_core::effect::Environment;
use countersign_effects::{summary, terraform};
use divan::Bencher;
use divan::counter::BytesCount;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// Resources in the plan: what makes it 1.4 MB.
const RESOURCES: usize = 560;

static PLAN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let kinds = [
        "aws_db_instance",
        "aws_instance",
        "aws_s3_bucket",
        "aws_security_group",
        "aws_db_snapshot",
    ];
    let actions = [
        json!(["delete", "create"]),
        json!(["update"]),
        json!(["no-op"]),
        json!(["create"]),
        json!(["delete"]),
    ];
    let attributes = |i: usize| {
        let mut map: serde_json::Map<String, Value> = (0..24)
            .map(|a| {
                (
                    format!("attribute_{a}"),
                    json!(format!("value \"{a}\" of resource {i}")),
                )
            })
            .collect();
        map.insert("id".to_owned(), json!(format!("id-{i}")));
        map.insert(
            "tags".to_owned(),
            json!({"Name": format!("r-{i}"), "team": "shop"}),
        );
        Value::Object(map)
    };
    let changes: Vec<_> = (0..RESOURCES)
        .map(|i| {
            let kind = kinds[i % kinds.len()];
            json!({"address": format!("module.shop[\"{}\"].{kind}.r{i}", i % 7), "mode": "managed", "type": kind, "name": format!("r{i}"),
                "provider_name": "registry.terraform.io/hashicorp/aws",
                "change": {"actions": actions[i % actions.len()], "before": attributes(i), "after": attributes(i + 1), "after_unknown": {"arn": true}}})
        })
        .collect();
    let configuration: Vec<_> = (0..RESOURCES)
        .map(|i| {
            let kind = kinds[i % kinds.len()];
            let other = format!("{}.r{}.id", kinds[(i + 1) % kinds.len()], (i + 1) % RESOURCES);
            json!({"address": format!("{kind}.r{i}"), "expressions": {"a": {"references": [other, "var.x"]}}})
        })
        .collect();
    json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes,
        "configuration": {"root_module": {"module_calls": {"shop": {"module": {"resources": configuration}}}}}})
    .to_string()
    .into_bytes()
});

#[divan::bench]
fn read_and_judge(bencher: Bencher<'_, '_>) {
    let reading = terraform::read(&PLAN, Environment::Production).unwrap();
    assert_eq!(reading.changes_seen, RESOURCES);
    bencher
        .counter(BytesCount::new(PLAN.len()))
        .bench_local(|| terraform::read(divan::black_box(&PLAN), Environment::Production));
}

#[divan::bench]
fn summarise(bencher: Bencher<'_, '_>) {
    let reading = terraform::read(&PLAN, Environment::Production).unwrap();
    bencher.bench_local(|| summary::sentences(divan::black_box(&reading.effects)));
}

#[divan::bench]
fn floor_serde_json_value(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::new(PLAN.len()))
        .bench_local(|| serde_json::from_slice::<Value>(divan::black_box(&PLAN)));
}
