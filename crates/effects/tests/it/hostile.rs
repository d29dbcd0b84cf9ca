//! Hostile input: every reader ends in a reading or a typed error.

use countersign_core::effect::Environment;
use countersign_effects::document::{MAX_BYTES, ReadError, parse_json, parse_yaml, read_bounded};
use countersign_effects::plan::{Source, sniff};
use countersign_effects::reading::PlanReading;
use countersign_effects::{cloudformation, kubernetes, plan, pulumi, sql, terraform};

use crate::support::invariants;

type Reader = fn(&[u8]) -> Result<PlanReading, ReadError>;

const READERS: [(&str, Reader); 8] = [
    ("terraform", |b| terraform::read(b, Environment::Unknown)),
    ("change set", |b| {
        cloudformation::read_change_set(&[("a", b)], Environment::Unknown)
    }),
    ("templates", |b| {
        cloudformation::read_templates(Some(TEMPLATE.as_bytes()), Some(b), Environment::Unknown)
    }),
    ("manifests", |b| {
        kubernetes::read_manifests(
            &[("a", MANIFEST.as_bytes())],
            &[("b", b)],
            Environment::Unknown,
        )
    }),
    ("objects", |b| {
        kubernetes::read_objects(&[("a", b)], Environment::Unknown)
    }),
    ("kubectl diff", |b| {
        kubernetes::read_diff(b, Environment::Unknown)
    }),
    ("pulumi", |b| pulumi::read(b, Environment::Unknown)),
    ("sql", |b| sql::read(b, None, Environment::Unknown)),
];

const PLAN: &str = r#"{"format_version": "1.2", "resource_changes": [{"address": "module.a[\"k\"].aws_db_instance.x[0]", "mode": "managed",
 "type": "aws_db_instance", "change": {"actions": ["delete", "create"], "before": {"id": "a", "skip_final_snapshot": true}, "after": {},
 "after_unknown": {"id": true}, "replace_paths": [["a", 0]]}}], "resource_drift": [{"change": {"actions": []}}], "complete": false,
 "configuration": {"root_module": {"module_calls": {"a": {"module": {"resources": [{"address": "x.y", "expressions": {"v": {"references": ["var.z", "module.b.c"]}}}]}}}}}}"#;

const CHANGES: &str = r#"{"ChangeSetId": "c", "StackName": "s", "Changes": [{"ResourceChange": {"Action": "Modify", "Replacement": "True",
 "PolicyAction": "ReplaceAndDelete", "LogicalResourceId": "D", "ResourceType": "AWS::RDS::DBInstance", "BeforeContext": "{\"Properties\": {}}",
 "Details": [{"Target": {"Name": "P", "RequiresRecreation": "Always"}, "ChangeSource": "ResourceReference", "CausingEntity": "E.Arn"}]}}]}"#;

const TEMPLATE: &str = "
Resources:
  A: {Type: 'AWS::RDS::DBInstance', DeletionPolicy: Retain, Properties: {Port: !Ref P, DBName: !Sub 'x-${B.Arn}'}}
  B: {Type: 'AWS::S3::Bucket', Condition: C, DependsOn: [A], Properties: {BucketName: !GetAtt A.Arn}}
Parameters: {P: {Type: String}}
Outputs: {O: {Value: !If [C, a, b]}}
";

const MANIFEST: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a, namespace: b, finalizers: [x/y]}
spec: {replicas: 3, template: {spec: {containers: [{name: c, env: [{name: D, value: 'http://e:1'}]}]}}, volumeClaimTemplates: [{}]}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata: {name: b}}, {apiVersion: v1, kind: Service, metadata: {name: e, namespace: b}, spec: {selector: {a: b}}}]}
";

const DIFF: &str =
    "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.a.b /tmp/MERGED-1/apps.v1.Deployment.a.b
--- /tmp/LIVE-1/apps.v1.Deployment.a.b\t1
+++ /tmp/MERGED-1/apps.v1.Deployment.a.b\t1
@@ -1,2 +1,2 @@
-  replicas: 3
+  replicas: 0
-  - a.b/c
";

const PREVIEW: &str = r#"{"changeSummary": {"delete": 1}, "diagnostics": [{"severity": "error"}], "steps": [
 {"op": "replace", "urn": "urn:pulumi:s::p::a$aws:rds/instance:Instance::n", "oldState": {"protect": true, "outputs": {"skipFinalSnapshot": true},
 "dependencies": ["urn:pulumi:s::p::b::c"]}, "replaceReasons": ["x"]}, {"op": "update", "urn": "urn:pulumi:s::p::b::c", "detailedDiff": {"a": {}}}]}"#;

const SQL: &str = "BEGIN; DROP TABLE \"a\" CASCADE; DO $x$ BEGIN DELETE FROM b WHERE 1=1; END $x$;
CREATE TRIGGER t BEFORE INSERT ON b BEGIN SELECT 1; END; /*!50001 TRUNCATE c */; COPY d FROM stdin;\n1\n\\.\n
ALTER TABLE e ADD COLUMN f int NOT NULL, DROP COLUMN g; UPDATE h SET i = 'j''k' WHERE l > 0 -- m\n; \\q\n";

const SEEDS: [&str; 7] = [PLAN, CHANGES, TEMPLATE, MANIFEST, DIFF, PREVIEW, SQL];

/// Small and repeatable (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n.max(1) as u64).unwrap()
    }
}

/// Pieces that have broken readers before, of these or of other formats.
const PIECES: [&str; 24] = [
    "null", "[]", "{}", "\"\"", "-1", "1e999", "NaN", "true", "\\u0000", "\u{feff}", "é😀", "}",
    "]", "\"", "'", "$$", "/*", "*/", "\n", ";", ": ", "- ", "&a [*a]", "<<: *a",
];

fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let to = (at + random.below(30)).min(bytes.len());
        match random.below(6) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let copy = bytes[at..to].to_vec();
                let into = random.below(bytes.len());
                bytes.splice(into..into, copy);
            }
            3 => bytes.truncate(at.max(1)),
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                let until = if random.below(2) == 0 { at } else { to };
                bytes.splice(at..until, piece.bytes());
            }
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
    bytes
}

/// The stable counterpart of the fuzz targets in `fuzz/`.
#[test]
fn mutated_inputs_end_in_a_reading_or_an_error() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut read, mut refused) = (0, 0);
    for round in 0..500 {
        for seed in SEEDS {
            let bytes = mutate(seed.as_bytes(), &mut random);
            for (name, reader) in READERS {
                match reader(&bytes) {
                    Ok(reading) => {
                        read += 1;
                        if round % 10 == 0 {
                            invariants(&reading);
                        }
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(!error.to_string().contains('\n'), "{name}: {error}");
                    }
                }
            }
            let files = [("x", bytes.as_slice())];
            let source = Source {
                files: &files,
                ..Source::default()
            };
            let _ = plan::read(&source, Environment::Unknown);
        }
    }
    // Most mutations of a file are refused by the readers of other formats.
    assert!(
        read > 500 && refused > 500,
        "{read} read, {refused} refused"
    );
}

#[test]
fn every_reader_refuses_what_is_hostile() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    let inputs = [
        deep("[", "]"),
        deep("{\"resource_changes\":", "}"),
        deep("{\"a\": [", "]}"),
        "{\"resource_changes\": [NaN, .nan]}".to_owned(),
        "{\"steps\": 1, \"steps\": 2}".to_owned(),
        "{\"Changes\": [], \"StackName\": \"a\", \"StackName\": \"b\"}".to_owned(),
        "apiVersion: v1\nkind: Pod\nkind: Service\nmetadata: {name: a}\n".to_owned(),
        "\u{0}\u{0}\u{0}".to_owned(),
        "x".repeat(MAX_BYTES + 1),
    ];
    for (name, reader) in READERS {
        for input in &inputs {
            match reader(input.as_bytes()) {
                Ok(reading) => assert!(
                    name == "sql",
                    "{name} reads {:.40}: {:?}",
                    input,
                    reading.effects
                ),
                Err(error) => assert!(error.to_string().len() < 400, "{error}"),
            }
        }
    }
    assert!(matches!(
        parse_json(&inputs[0]),
        Err(ReadError::TooDeep { .. })
    ));
    assert!(parse_yaml(&inputs[0]).is_err());
    assert!(sniff("x", inputs[8].as_bytes()).is_err());
}

#[test]
fn a_string_of_a_gigabyte_is_never_held() {
    use std::io::Read as _;
    let endless = std::io::Cursor::new(b"{\"resource_changes\": \"")
        .chain(std::io::repeat(b'x').take(1 << 30));
    assert_eq!(
        read_bounded(endless).unwrap_err(),
        ReadError::TooLarge { limit: MAX_BYTES }
    );
}
