//! Change sets and templates.

use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_effects::cloudformation::{read_change_set, read_templates};
use countersign_effects::reading::PlanReading;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{describe, invariants};

fn change_set(pages: &[Value]) -> PlanReading {
    let texts: Vec<_> = pages.iter().map(Value::to_string).collect();
    let files: Vec<_> = texts.iter().map(|t| ("page", t.as_bytes())).collect();
    let reading = read_change_set(&files, Environment::Production).unwrap();
    invariants(&reading);
    reading
}

fn page(changes: &Value) -> Value {
    json!({"ChangeSetName": "c", "ChangeSetId": "arn:c", "StackName": "shop-prod", "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE", "Changes": changes})
}

fn resource(change: &Value) -> Value {
    json!({"Type": "Resource", "ResourceChange": change})
}

#[test]
fn actions_replacements_and_policies() {
    let database = |action: &str, replacement: Option<&str>, policy: Option<&str>| {
        json!({"Action": action, "Replacement": replacement, "PolicyAction": policy,
            "LogicalResourceId": "Db", "ResourceType": "AWS::RDS::DBInstance"})
    };
    let cases = [
        (database("Add", None, None), Verb::Create, StateLoss::None),
        (
            database("Remove", None, Some("Delete")),
            Verb::Delete,
            StateLoss::Unknown,
        ),
        (
            database("Remove", None, Some("Retain")),
            Verb::Forget,
            StateLoss::None,
        ),
        (
            database("Remove", None, Some("Snapshot")),
            Verb::Delete,
            StateLoss::BackedUp,
        ),
        (
            database("Remove", None, None),
            Verb::Delete,
            StateLoss::Unknown,
        ),
        (
            database("Modify", Some("True"), Some("ReplaceAndDelete")),
            Verb::Replace,
            StateLoss::Unknown,
        ),
        (
            database("Modify", Some("True"), Some("ReplaceAndSnapshot")),
            Verb::Replace,
            StateLoss::BackedUp,
        ),
        (
            database("Modify", Some("True"), Some("ReplaceAndRetain")),
            Verb::Replace,
            StateLoss::BackedUp,
        ),
        (
            database("Modify", Some("Conditional"), None),
            Verb::Replace,
            StateLoss::Unknown,
        ),
        (
            database("Modify", Some("False"), None),
            Verb::Update,
            StateLoss::None,
        ),
        (
            database("Dynamic", None, None),
            Verb::Unknown,
            StateLoss::Unknown,
        ),
        (
            database("Explode", None, None),
            Verb::Unknown,
            StateLoss::Unknown,
        ),
    ];
    for (change, verb, state) in cases {
        let reading = change_set(&[page(&json!([resource(&change)]))]);
        let effect = &reading.effects[0];
        assert_eq!((effect.verb, effect.state), (verb, state), "{change}");
    }
}

#[test]
fn a_change_set_in_words() {
    let secret =
        json!({"Properties": {"DeletionProtection": true, "MasterUserPassword": "hunter2"}})
            .to_string();
    let after =
        json!({"Properties": {"DeletionProtection": false, "MasterUserPassword": "hunter3"}})
            .to_string();
    let changes = json!([
        resource(&json!({"Action": "Modify", "Replacement": "True", "PolicyAction": "ReplaceAndDelete",
            "LogicalResourceId": "Db", "ResourceType": "AWS::RDS::DBInstance", "BeforeContext": secret, "AfterContext": after,
            "Details": [
                {"Target": {"Attribute": "Properties", "Name": "DBSubnetGroupName", "RequiresRecreation": "Always", "BeforeValue": "hunter2", "AfterValue": "b"},
                 "Evaluation": "Dynamic", "ChangeSource": "ResourceReference", "CausingEntity": "Subnets"},
                {"Target": {"Attribute": "DeletionPolicy", "RequiresRecreation": "Never", "BeforeValue": "Retain", "AfterValue": "Delete"}}]})),
        resource(&json!({"Action": "Modify", "Replacement": "False", "LogicalResourceId": "Nested", "ResourceType": "AWS::CloudFormation::Stack", "ChangeSetId": "arn:inner"})),
        resource(&json!({"Action": "Import", "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket"})),
        {"Type": "Hook"},
    ]);
    let reading = change_set(&[page(&changes)]);
    let text = describe(&reading);
    assert!(!text.contains("hunter"));
    insta::assert_snapshot!(text, @r#"
    seen 4, unchanged 1, unknown 2, hint Some(Production)
    replace AWS::RDS::DBInstance shop-prod/Db Unknown: changes `DBSubnetGroupName` (recreates it, if its new value differs); changes `DeletionPolicy`; replaced; `DeletionProtection` holds: deleting is refused until it is changed; no backup of it is known; protection removed: `DeletionProtection`; protection removed: `DeletionPolicy`
    unknown AWS::CloudFormation::Stack shop-prod/Nested Unknown: the change set of the nested stack was not given
    unknown resource shop-prod/page 0: Changes[3] Unknown: the action is only known once the change set runs
    ! ProtectionRemoved shop-prod/Db: protection removed: `DeletionProtection`
    ! ProtectionRemoved shop-prod/Db: protection removed: `DeletionPolicy`
    ! Incomplete shop-prod/Nested: the change set of this nested stack was not given; make it with `--include-nested-stacks` and describe it too
    ! Imported shop-prod/Bucket: an existing object comes under management
    "#);
    // With the nested change set at hand, the stack itself is only updated.
    let inner = json!({"ChangeSetId": "arn:inner", "StackName": "shop-prod-inner", "Changes": []});
    let whole = change_set(&[page(&changes), inner]);
    assert_eq!(whole.effects[1].verb, Verb::Update);
}

#[test]
fn a_missing_page_is_said() {
    let mut first = page(&json!([]));
    first["NextToken"] = json!("more");
    assert_eq!(change_set(&[first.clone()]).findings.len(), 1);
    assert!(change_set(&[first, page(&json!([]))]).findings.is_empty());
}

const OLD: &str = "
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Class: {Type: String, Default: small}
Conditions:
  Big: !Equals [!Ref Class, big]
Resources:
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupName: a, SubnetIds: [x]}
  Db:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Retain
    Properties:
      DBInstanceClass: !Ref Class
      DBSubnetGroupName: !Ref Subnets
      Port: 5432
  Files: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Sub '${AWS::StackName}-files'}}
  Table: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: t, KeySchema: [{AttributeName: a, KeyType: HASH}]}}
  Users: {Type: 'AWS::Cognito::UserPool'}
  Same: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: 1}}
  Extra: {Type: 'AWS::SQS::Queue', Condition: Big}
Outputs:
  Arn: {Value: !GetAtt Db.Arn}
";

const NEW: &str = r#"{"AWSTemplateFormatVersion": "2010-09-09",
"Parameters": {"Class": {"Type": "String", "Default": "big"}},
"Conditions": {"Big": {"Fn::Equals": [{"Ref": "Class"}, "large"]}},
"Resources": {
  "Subnets": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupName": "b", "SubnetIds": ["x"]}},
  "Db": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete", "Properties": {
    "DBInstanceClass": {"Ref": "Class"}, "DBSubnetGroupName": {"Ref": "Subnets"}, "Port": "5432"}},
  "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}]}},
  "Users": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "n"}},
  "Same": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "1"}},
  "Extra": {"Type": "AWS::SQS::Queue", "Condition": "Big"},
  "Made": {"Type": "Custom::Thing"},
  "Fn::ForEach::L": ["x", ["a"], {}]},
"Outputs": {}}"#;

#[test]
fn templates_in_words() {
    let reading = read_templates(
        Some(OLD.as_bytes()),
        Some(NEW.as_bytes()),
        Environment::Production,
    )
    .unwrap();
    invariants(&reading);
    insta::assert_snapshot!(describe(&reading), @r#"
    seen 10, unchanged 1, unknown 2, hint None
    replace AWS::RDS::DBInstance Db Unknown: may change `DBInstanceClass`; may change `DBSubnetGroupName`, which recreates it; changes `DeletionPolicy`; no backup of it is known
    unknown AWS::SQS::Queue Extra Unknown: its condition changed: it may be created or deleted
    delete AWS::S3::Bucket Files None: refused unless it is empty: always so for this kind
    unknown resource Fn::ForEach::L Unknown: not a plain resource, such as a loop or an include
    create Custom::Thing Made None: 
    replace AWS::RDS::DBSubnetGroup Subnets None: changes `DBSubnetGroupName`, which recreates it
    replace AWS::DynamoDB::Table Table Unknown: changes `KeySchema.AttributeName`, which recreates it; no backup of it is known
    update AWS::Cognito::UserPool Users None: changes `UserPoolName`
    delete output output.Arn None: 
    ! ProtectionRemoved Db: protection removed: `DeletionPolicy`
    "#);
    let edges: Vec<_> = reading
        .edges
        .iter()
        .map(|e| format!("{} -> {}", e.from, e.to))
        .collect();
    assert_eq!(edges, ["Db -> Subnets"]);
}

#[test]
fn a_stack_that_goes_as_a_whole() {
    let reading = read_templates(Some(OLD.as_bytes()), None, Environment::Production).unwrap();
    invariants(&reading);
    let state = |name: &str| {
        let effect = reading.effects.iter().find(|e| e.object == name).unwrap();
        (effect.verb, effect.state)
    };
    assert_eq!(state("Db"), (Verb::Forget, StateLoss::None));
    assert_eq!(state("Table"), (Verb::Delete, StateLoss::Unknown));
    assert_eq!(state("Subnets"), (Verb::Delete, StateLoss::None));
    let same = read_templates(
        Some(OLD.as_bytes()),
        Some(OLD.as_bytes()),
        Environment::Production,
    )
    .unwrap();
    assert_eq!((same.effects.len(), same.unchanged), (0, 8));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_template_never_panics(at in 0..900usize, byte in 32..127u8) {
        let mut bytes = OLD.as_bytes().to_vec();
        let len = bytes.len();
        bytes[at % len] = byte;
        if let Ok(reading) = read_templates(Some(OLD.as_bytes()), Some(&bytes), Environment::Unknown) {
            invariants(&reading);
        }
    }
}
