//! Pulumi previews.

use countersign_core::effect::{Environment, Verb};
use countersign_effects::pulumi::read;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{describe, invariants};

fn urn(kind: &str, name: &str) -> String {
    format!("urn:pulumi:shop-prod::shop::{kind}::{name}")
}

fn preview() -> Value {
    let database = urn("acme:Db$aws:rds/instance:Instance", "main");
    let snapshot = urn("aws:rds/snapshot:Snapshot", "nightly");
    let old = json!({"protect": true, "inputs": {"deletionProtection": true, "password": "hunter2"},
        "outputs": {"deletionProtection": true, "skipFinalSnapshot": true, "deleteAutomatedBackups": true}, "parent": urn("pulumi:pulumi:Stack", "s")});
    json!({"config": {"db:password": "hunter2"}, "duration": 1, "changeSummary": {"replace": 1, "delete": 3, "same": 9},
        "diagnostics": [{"severity": "error", "message": "hunter2"}],
        "steps": [
            {"op": "same", "urn": urn("pulumi:pulumi:Stack", "s")},
            {"op": "create-replacement", "urn": database, "newState": {"inputs": {}}, "replaceReasons": ["engine"]},
            {"op": "replace", "urn": database, "oldState": old, "replaceReasons": ["engine"]},
            {"op": "delete-replaced", "urn": database, "oldState": old},
            {"op": "delete", "urn": snapshot, "oldState": {"dependencies": [database]}},
            {"op": "update", "urn": urn("aws:s3/bucket:Bucket", "files"), "detailedDiff": {"forceDestroy": {"kind": "update"}},
             "oldState": {"protect": true, "inputs": {"forceDestroy": false}}, "newState": {"inputs": {"forceDestroy": true}}},
            {"op": "delete", "urn": urn("aws:dynamodb/table:Table", "t"), "oldState": {"retainOnDelete": true}},
            {"op": "import", "urn": urn("aws:sqs/queue:Queue", "q")},
            {"op": "obliterate", "urn": urn("aws:sqs/queue:Queue", "z")},
            {"op": "read", "urn": "odd"}]})
}

#[test]
fn a_preview_in_words() {
    let reading = read(preview().to_string().as_bytes(), Environment::Production).unwrap();
    invariants(&reading);
    let text = describe(&reading);
    assert!(!text.contains("hunter"));
    insta::assert_snapshot!(text, @r#"
    seen 8, unchanged 2, unknown 1, hint Some(Production)
    replace aws:rds/instance:Instance aws:rds/instance:Instance::main Destroyed: forced by `engine`; `protect` holds: deleting is refused until it is changed; `deletion_protection` holds: deleting is refused until it is changed; no final backup: `skip_final_snapshot`, `delete_automated_backups`; `protect` holds: deleting is refused until it is changed; its backup goes too: aws:rds/snapshot:Snapshot::nightly
    delete aws:rds/snapshot:Snapshot aws:rds/snapshot:Snapshot::nightly Destroyed: it is itself a backup
    update aws:s3/bucket:Bucket aws:s3/bucket:Bucket::files None: changes `forceDestroy`; protection removed: `force_destroy`; protection removed: `protect`
    forget aws:dynamodb/table:Table aws:dynamodb/table:Table::t None: left in place: `retainOnDelete`
    unknown aws:sqs/queue:Queue aws:sqs/queue:Queue::z Unknown: the operation is not known
    read resource odd None: 
    ! Errored -: the preview ended with 1 errors; it is only a part
    ! ProtectionRemoved aws:s3/bucket:Bucket::files: protection removed: `force_destroy`
    ! ProtectionRemoved aws:s3/bucket:Bucket::files: protection removed: `protect`
    ! Imported aws:sqs/queue:Queue::q: an existing object comes under management
    ! Incomplete -: the summary counts more `delete` steps than the file holds
    ! BackupDestroyed aws:rds/instance:Instance::main: `aws:rds/snapshot:Snapshot::nightly`, a backup of it, is destroyed in the same change
    "#);
}

#[test]
fn every_operation() {
    let cases = [
        ("same", None),
        ("create", Some(Verb::Create)),
        ("update", Some(Verb::Update)),
        ("delete", Some(Verb::Delete)),
        ("replace", Some(Verb::Replace)),
        ("create-replacement", Some(Verb::Replace)),
        ("delete-replaced", Some(Verb::Replace)),
        ("import-replacement", Some(Verb::Replace)),
        ("read", Some(Verb::Read)),
        ("read-replacement", Some(Verb::Read)),
        ("refresh", None),
        ("discard", Some(Verb::Forget)),
        ("discard-replaced", Some(Verb::Forget)),
        ("remove-pending-replace", None),
        ("import", None),
        ("", Some(Verb::Unknown)),
    ];
    for (op, expected) in cases {
        let step = json!({"steps": [{"op": op, "urn": urn("aws:rds/instance:Instance", "x"), "oldState": {}}]});
        let reading = read(step.to_string().as_bytes(), Environment::Unknown).unwrap();
        invariants(&reading);
        assert_eq!(reading.effects.first().map(|e| e.verb), expected, "{op}");
    }
}

#[test]
fn what_is_no_preview_is_explained() {
    let error = read(b"{\"steps\": 3}", Environment::Unknown).unwrap_err();
    assert!(
        error.to_string().contains("pulumi preview --json"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn a_damaged_preview_never_panics(at in 0..4000usize, byte in 32..127u8) {
        let mut bytes = preview().to_string().into_bytes();
        let len = bytes.len();
        bytes[at % len] = byte;
        if let Ok(reading) = read(&bytes, Environment::Unknown) {
            invariants(&reading);
        }
    }
}
