//! Terraform plans: public samples, mutations of them, and the real program.

use std::path::Path;

use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_effects::document::ReadError;
use countersign_effects::reading::{FindingKind, PlanReading};
use countersign_effects::terraform::{compare, read, state_identity, state_in_binary_plan};
use countersign_testkit::programs::installed;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{describe, invariants, name, output, samples};

const FOLDERS: [&str; 2] = ["terraform-plans-checkov", "terraform-plans-terraform-json"];

/// Counts the changes of a plan with another JSON reader in another language.
const COUNT: &str = r#"
import json, sys
for path in sys.argv[1:]:
    raw = open(path, "rb").read()
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    try:
        plan = json.loads(text)
    except ValueError:
        print(-1, 0)
        continue
    if "values" in plan and "planned_values" not in plan:
        print(-1, 0)
        continue
    def planned(module):
        own = len(module.get("resources", []))
        return own + sum(planned(child) for child in module.get("child_modules", []))
    sections = ["resource_changes", "deferred_changes", "action_invocations",
                "deferred_action_invocations", "output_changes"]
    total = sum(len(plan.get(s) or []) for s in sections)
    if plan.get("resource_changes") is None:
        total += planned(plan.get("planned_values", {}).get("root_module", {}))
    deletes = sum("delete" in c["change"]["actions"] for c in plan.get("resource_changes") or [])
    print(total, deletes)
"#;

fn plan(value: &Value) -> PlanReading {
    read(value.to_string().as_bytes(), Environment::Production).unwrap()
}

#[test]
fn public_plans_are_read_with_nothing_dropped() {
    if installed(&["python3"]).is_none() {
        return;
    }
    for folder in FOLDERS {
        let Some(files) = samples(folder) else { return };
        let mut args = vec!["-c", COUNT];
        args.extend(files.iter().map(|f| f.to_str().unwrap()));
        let counts = String::from_utf8(output("python3", &args, Path::new("."))).unwrap();
        assert_eq!(counts.lines().count(), files.len());
        for (file, line) in files.iter().zip(counts.lines()) {
            let (total, deletes) = line.split_once(' ').unwrap();
            let found = read(&std::fs::read(file).unwrap(), Environment::Unknown);
            match found {
                Ok(reading) => {
                    invariants(&reading);
                    assert_eq!(reading.changes_seen.to_string(), total, "{}", name(file));
                    let gone = reading
                        .effects
                        .iter()
                        .filter(|e| matches!(e.verb, Verb::Delete | Verb::Replace))
                        .count();
                    assert_eq!(gone.to_string(), deletes, "{}", name(file));
                }
                Err(e) => assert_eq!(total, "-1", "{}: {e}", name(file)),
            }
        }
    }
}

#[test]
fn every_creation_turned_into_destruction_is_found() {
    let orders = [
        json!(["delete"]),
        json!(["delete", "create"]),
        json!(["create", "delete"]),
    ];
    for file in FOLDERS.iter().filter_map(|f| samples(f)).flatten() {
        let bytes = std::fs::read(&file).unwrap();
        let Ok(text) = countersign_effects::document::decode(&bytes) else {
            continue;
        };
        let Ok(mut value) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        let Some(count) = value["resource_changes"].as_array().map(Vec::len) else {
            continue;
        };
        for i in 0..count {
            for order in &orders {
                let change = &mut value["resource_changes"][i]["change"];
                let original = change.clone();
                change["actions"] = order.clone();
                change["before"] = change["after"].clone();
                change["replace_paths"] = json!([["engine_version"], ["block", 0, "name"]]);
                let reading = plan(&value);
                invariants(&reading);
                let address = value["resource_changes"][i]["address"].as_str().unwrap();
                let effect = reading
                    .effects
                    .iter()
                    .find(|e| e.object == address)
                    .unwrap();
                if order.as_array().unwrap().len() == 2 {
                    assert_eq!(effect.verb, Verb::Replace);
                    assert!(
                        effect
                            .reasons
                            .contains(&"forced by `engine_version`, `block.0.name`".to_owned())
                    );
                } else {
                    assert_eq!(effect.verb, Verb::Delete);
                }
                value["resource_changes"][i]["change"] = original;
            }
        }
    }
}

fn change(address: &str, kind: &str, actions: &[&str], before: &Value, after: &Value) -> Value {
    json!({"address": address, "mode": "managed", "type": kind, "name": "x",
        "change": {"actions": actions, "before": before, "after": after}})
}

fn plan_of(changes: &[Value]) -> Value {
    json!({"format_version": "1.2", "terraform_version": "1.14.0", "resource_changes": changes})
}

#[test]
fn every_kind_of_action() {
    let cases: [(&[&str], Option<Verb>); 12] = [
        (&["no-op"], None),
        (&["create"], Some(Verb::Create)),
        (&["read"], Some(Verb::Read)),
        (&["update"], Some(Verb::Update)),
        (&["delete"], Some(Verb::Delete)),
        (&["forget"], Some(Verb::Forget)),
        (&["delete", "create"], Some(Verb::Replace)),
        (&["create", "delete"], Some(Verb::Replace)),
        (&["create", "forget"], Some(Verb::Replace)),
        (&[], Some(Verb::Unknown)),
        (&["obliterate"], Some(Verb::Unknown)),
        (&["delete", "update"], Some(Verb::Unknown)),
    ];
    for (actions, expected) in cases {
        let reading = plan(&plan_of(&[change(
            "aws_db_instance.x",
            "aws_db_instance",
            actions,
            &json!({}),
            &json!({}),
        )]));
        invariants(&reading);
        assert_eq!(
            reading.effects.first().map(|e| e.verb),
            expected,
            "{actions:?}"
        );
        assert_eq!(
            reading.unknown,
            usize::from(expected == Some(Verb::Unknown))
        );
    }
}

#[test]
fn a_change_without_a_readable_shape_is_unknown_not_dropped() {
    let odd = [
        json!({}),
        json!(null),
        json!(7),
        json!({"change": []}),
        json!({"address": 1, "change": {"actions": "delete"}}),
    ];
    let reading = plan(&plan_of(&odd));
    invariants(&reading);
    assert_eq!(reading.unknown, odd.len());
}

#[test]
fn secrets_stay_where_they_are() {
    let before =
        json!({"password": "hunter2-before", "deletion_protection": true, "engine": "postgres"});
    let after =
        json!({"password": "hunter2-after", "deletion_protection": false, "engine": "mysql"});
    let mut value = plan_of(&[
        change(
            "aws_db_instance.x",
            "aws_db_instance",
            &["update"],
            &before,
            &after,
        ),
        change(
            "aws_db_instance.y",
            "aws_db_instance",
            &["delete"],
            &before,
            &Value::Null,
        ),
    ]);
    value["output_changes"] =
        json!({"token": {"actions": ["update"], "before": "hunter2-out", "after": "hunter2-new"}});
    value["variables"] = json!({"db_password": {"value": "hunter2-var"}});
    let reading = plan(&value);
    assert!(!serde_json::to_string(&reading).unwrap().contains("hunter2"));
    assert_eq!(
        reading.effects[0].reasons,
        [
            "changes `deletion_protection`, `engine`, `password`",
            "protection removed: `deletion_protection`"
        ]
    );
    assert!(
        reading
            .findings
            .iter()
            .any(|f| f.kind == FindingKind::ProtectionRemoved)
    );
}

#[test]
fn a_database_that_goes_with_its_snapshots_is_named() {
    let database = json!({"id": "db-1", "identifier": "shop", "skip_final_snapshot": true});
    let snapshot = json!({"id": "snap-1", "db_instance_identifier": "shop"});
    let mut changes = vec![
        change(
            "aws_db_instance.shop",
            "aws_db_instance",
            &["delete"],
            &database,
            &Value::Null,
        ),
        change(
            "aws_db_snapshot.a[0]",
            "aws_db_snapshot",
            &["delete"],
            &snapshot,
            &Value::Null,
        ),
    ];
    let both = plan(&plan_of(&changes));
    assert_eq!(both.effects[0].state, StateLoss::Destroyed);
    assert!(
        both.effects[0]
            .reasons
            .contains(&"its backup goes too: aws_db_snapshot.a[0]".to_owned())
    );
    assert!(
        both.findings
            .iter()
            .any(|f| f.kind == FindingKind::BackupDestroyed)
    );

    // The same plan, but the snapshot is left alone: the state can be restored.
    changes[1]["change"]["actions"] = json!(["no-op"]);
    let one = plan(&plan_of(&changes));
    assert_eq!(one.effects[0].state, StateLoss::BackedUp);
    assert!(one.findings.is_empty());
}

#[test]
fn dependencies_go_through_modules() {
    let value = json!({"format_version": "1.2", "resource_changes": [], "configuration": {"root_module": {
        "resources": [
            {"address": "aws_vpc.main", "expressions": {}},
            {"address": "aws_route53_record.www", "expressions": {"records": {"references": ["module.app.endpoint", "module.app"]}}},
            {"address": "aws_eip.x", "depends_on": ["module.app"]},
        ],
        "module_calls": {"app": {
            "expressions": {"vpc": {"references": ["aws_vpc.main.id", "aws_vpc.main"]}},
            "module": {
                "outputs": {"endpoint": {"expression": {"references": ["aws_lb.front.dns_name"]}}},
                "resources": [
                    {"address": "aws_lb.front", "expressions": {"subnets": [{"references": ["var.vpc", "data.aws_subnets.all.ids"]}]}},
                    {"address": "aws_db_instance.db", "expressions": {"name": {"constant_value": {"references": ["aws_lb.front"]}}}},
                ]}}}}},
        "prior_state": {"values": {"root_module": {"resources": [
            {"address": "aws_eip.x[0]", "mode": "managed", "type": "aws_eip", "depends_on": ["aws_vpc.old"]}]}}}});
    let edges: Vec<_> = plan(&value)
        .edges
        .into_iter()
        .map(|e| format!("{} -> {}", e.from, e.to))
        .collect();
    assert_eq!(
        edges,
        [
            "aws_eip.x -> aws_vpc.old",
            "aws_eip.x -> module.app.aws_db_instance.db",
            "aws_eip.x -> module.app.aws_lb.front",
            "aws_route53_record.www -> module.app.aws_db_instance.db",
            "aws_route53_record.www -> module.app.aws_lb.front",
            "module.app.aws_lb.front -> aws_vpc.main",
            "module.app.aws_lb.front -> module.app.data.aws_subnets.all",
        ]
    );
}

#[test]
fn circular_references_end() {
    let value = json!({"format_version": "1.2", "configuration": {"root_module": {"module_calls": {
        "a": {"expressions": {"in": {"references": ["module.b.out"]}}, "module": {"outputs": {"out": {"expression": {"references": ["var.in"]}}},
            "resources": [{"address": "x.y", "expressions": {"v": {"references": ["var.in"]}}}]}},
        "b": {"expressions": {"in": {"references": ["module.a.out"]}}, "module": {"outputs": {"out": {"expression": {"references": ["var.in"]}}}}},
    }}}});
    assert!(plan(&value).edges.is_empty());
}

#[test]
fn sections_of_later_versions() {
    let value = json!({"format_version": "1.2", "complete": false, "errored": true, "applyable": false,
        "variables": {"environment": {"value": "prod"}},
        "resource_changes": [
            {"address": "a.b", "previous_address": "a.c", "mode": "managed", "type": "a", "change": {"actions": ["no-op"], "importing": {"id": "i"}}},
            {"address": "aws_ecs_service.s", "mode": "managed", "type": "aws_ecs_service", "change": {"actions": ["update"], "before": {"desired_count": 3}, "after": {"desired_count": 0}, "after_unknown": {"x": [true, true]}}},
            {"address": "aws_instance.d", "deposed": "abcd", "mode": "managed", "type": "aws_instance", "change": {"actions": ["delete"]}}],
        "deferred_changes": [{"reason": "provider_config_unknown", "resource_change": {"address": "d.e", "mode": "managed", "type": "d", "change": {"actions": ["create"]}}}],
        "action_invocations": [{"address": "action.aws_lambda_invoke.x", "type": "aws_lambda_invoke", "lifecycle_action_trigger": {"triggering_resource_address": "a.b"}}],
        "resource_drift": [{"address": "a.b", "change": {"actions": ["delete"]}}]});
    let reading = plan(&value);
    invariants(&reading);
    insta::assert_snapshot!(describe(&reading), @r#"
    seen 5, unchanged 1, unknown 2, hint Some(Production)
    disrupt aws_ecs_service aws_ecs_service.s None: changes `desired_count`; `desired_count` goes to 0; 2 values only known once the change is made
    delete aws_instance aws_instance.d None: deposed object `abcd`
    create d d.e None: put off: provider_config_unknown
    unknown aws_lambda_invoke action.aws_lambda_invoke.x Unknown: a provider action: what it does is not in the plan; triggered by `a.b`
    ! Incomplete -: the plan says it is not complete: it was made with `-target`, or changes are put off
    ! Errored -: planning ended in an error; the plan is only a part
    ! NotApplyable -: the tool would not apply this plan
    ! Moved a.b: was `a.c` before
    ! Imported a.b: an existing object comes under management
    ! Deferred d.e: put off to a later plan (provider_config_unknown); what it will do is not settled
    ! Drift a.b: was deleted outside of Terraform
    "#);
}

#[test]
fn text_around_the_plan_as_the_setup_terraform_wrapper_writes_it() {
    let inner = plan_of(&[change("a.b", "a", &["delete"], &Value::Null, &Value::Null)]).to_string();
    let wrapped = format!(
        "[command]/opt/terraform-bin show -json plan\n{inner}\n\n::debug::Terraform exited with code 0.\n::debug::stderr: \n"
    );
    let reading = read(wrapped.as_bytes(), Environment::Unknown).unwrap();
    assert_eq!(reading.effects.len(), 1);
    assert_eq!(reading.findings[0].kind, FindingKind::Skipped);
    // Two plans in one file: which one would be applied?
    let two = format!("{inner}\n{inner}");
    assert!(matches!(
        read(two.as_bytes(), Environment::Unknown),
        Err(ReadError::Syntax { line: 1, .. })
    ));
}

#[test]
fn what_is_no_plan_is_explained() {
    let cases = [
        (
            "{\"version\": 4, \"lineage\": \"x\"}",
            "this is a Terraform state, not a plan; make a plan with `terraform plan -out=FILE` and read `terraform show -json FILE`",
        ),
        (
            "{\"format_version\": \"2.0\", \"resource_changes\": []}",
            "plan format version `2.0` is not known; versions 0.1 to 1.x are read",
        ),
        (
            "{\"resource_changes\": {}}",
            "`resource_changes` is an object, expected an array",
        ),
        ("[]", "`plan` is an array, expected an object"),
        (
            "{}",
            "not a known format: the JSON has no `format_version`, `resource_changes` or `planned_values`; expected the output of `terraform show -json PLAN`",
        ),
        (
            "PK\u{3}\u{4}rest",
            "this is a binary plan file; turn it into JSON with `terraform show -json FILE` or `tofu show -json FILE`",
        ),
        (
            "{\"resource_changes\": [], \"resource_changes\": []}",
            "line 1, column 26: the key `resource_changes` is given twice in the same object; readers disagree on which one counts",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            read(text.as_bytes(), Environment::Unknown)
                .unwrap_err()
                .to_string(),
            expected
        );
    }
}

const BEFORE: &str = r#"
resource "terraform_data" "database" {
  input            = "v1"
  triggers_replace = ["v1"]
}
resource "terraform_data" "app" {
  count      = 2
  input      = terraform_data.database.id
}
resource "terraform_data" "old" {}
"#;

#[test]
fn the_real_terraform() {
    if installed(&["terraform"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let terraform = |args: &[&str]| output("terraform", args, at);
    let planned = |args: &[&str]| {
        terraform(&[&["plan", "-input=false", "-out=tfplan"], args].concat());
        let json = terraform(&["show", "-json", "tfplan"]);
        let binary = std::fs::read(at.join("tfplan")).unwrap();
        (read(&json, Environment::Production).unwrap(), binary)
    };
    let verbs = |reading: &PlanReading| -> Vec<_> {
        reading
            .effects
            .iter()
            .map(|e| format!("{} {}", e.verb.as_str(), e.object))
            .collect()
    };
    std::fs::write(at.join("main.tf"), BEFORE).unwrap();
    terraform(&["init", "-input=false"]);
    terraform(&["apply", "-auto-approve", "-input=false"]);
    let first = std::fs::read(at.join("terraform.tfstate")).unwrap();

    let after = BEFORE
        .replace("[\"v1\"]", "[\"v2\"]")
        .replace("resource \"terraform_data\" \"old\" {}", "");
    std::fs::write(at.join("main.tf"), after).unwrap();
    let (reading, binary) = planned(&[]);
    invariants(&reading);
    assert_eq!(
        verbs(&reading),
        [
            "update terraform_data.app[0]",
            "update terraform_data.app[1]",
            "replace terraform_data.database",
            "delete terraform_data.old",
        ]
    );
    let replaced = &reading.effects[2];
    assert!(
        replaced
            .reasons
            .contains(&"forced by `triggers_replace`".to_owned()),
        "{:?}",
        replaced.reasons
    );
    assert!(
        reading.effects[3]
            .reasons
            .contains(&"delete_because_no_resource_config".to_owned())
    );
    assert!(
        reading
            .edges
            .iter()
            .any(|e| e.from == "terraform_data.app" && e.to == "terraform_data.database")
    );

    // The plan is from the state as it is: nothing to say.
    let recorded = state_identity(&first).unwrap();
    let from = state_in_binary_plan(&binary).unwrap();
    assert_eq!(recorded, from);
    assert_eq!(reading.state.digest, from.digest);
    assert!(compare(&recorded, &from).is_empty());
    assert!(compare(&recorded, &reading.state).is_empty());

    // After an apply, a plan from the unpacked old state is stale.
    terraform(&["apply", "-auto-approve", "-input=false"]);
    let second = state_identity(&std::fs::read(at.join("terraform.tfstate")).unwrap()).unwrap();
    std::fs::write(at.join("terraform.tfstate"), &first).unwrap();
    let (reading, binary) = planned(&["-destroy"]);
    assert_eq!(
        reading
            .effects
            .iter()
            .filter(|e| e.verb == Verb::Delete)
            .count(),
        4
    );
    let from = state_in_binary_plan(&binary).unwrap();
    assert_eq!(compare(&second, &from)[0].kind, FindingKind::StaleState);
    assert_eq!(
        compare(&second, &reading.state)[0].kind,
        FindingKind::DifferentState
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_end_in_a_reading_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, Environment::Unknown);
        let _ = state_in_binary_plan(&bytes);
        let _ = state_in_binary_plan(&[b"PK\x03\x04".as_slice(), &bytes, b"PK\x05\x06", &bytes].concat());
    }

    #[test]
    fn a_damaged_plan_never_panics(at in 0..600usize, byte in any::<u8>()) {
        let mut bytes = plan_of(&[
            change("aws_db_instance.x[\"k\"]", "aws_db_instance", &["delete", "create"], &json!({"id": "a"}), &json!({})),
        ]).to_string().into_bytes();
        let len = bytes.len();
        bytes[at % len] = byte;
        if let Ok(reading) = read(&bytes, Environment::Unknown) {
            invariants(&reading);
        }
    }
}
