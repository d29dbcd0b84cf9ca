//! Plans, catalogues and what a merge brings to be applied, through the real
//! binary.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Org, countersign, run_check, shown, terraform};
use countersign_testkit::Who;

const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const JUN: Who = Who::new("Jun Junior", "jun@example.com");

const POLICY: &str = r#"version = 1
[settings]
mode = "enforce"

[[rule]]
id = "agents-destroy-nothing"
why = "an agent may not take away state in production"
when = { kind = ["plan"], involvement = ["yes"], environment = ["production"], irreversible = true }
refuse = true

[[rule]]
id = "agents-reach-few"
why = "an agent may not take a service down for many"
when = { kind = ["plan"], involvement = ["yes"], environment = ["production"], customers = { at_least = 10 } }
refuse = true

[[rule]]
id = "staging"
why = "staging is shared"
when = { kind = ["plan"], environment = ["staging"] }
require = [{ signoffs = 1, level = "senior" }]

[[rule]]
id = "destroys-state"
why = "what is gone for good needs a senior"
when = { irreversible = true }
require = [{ signoffs = 1, level = "senior" }]
"#;

const CATALOG: &str = r#"version: 1
default_tier: 2
not_shipped: [docs]
regions: [{id: eu-west-1, customers: 60}, {id: us-east-1, customers: 40}]
functions:
  - {id: checkout, tier: 0, customers: 80, needs: [shop]}
  - {id: prices, tier: 0, needs: [shop]}
  - {id: search, tier: 1, needs: [index, {service: shop, kind: soft}]}
services:
  - {id: shop, tier: 1, owner: "@shop/web", paths: [shop], depends_on: [orders-db, {service: mail, kind: async}]}
  - {id: orders-db, tier: 1, owner: "@shop/data", paths: [orders], resources: ["aws_db_instance.orders", "aws_db_snapshot.*"], stateful: true}
  - {id: index, tier: 2, owner: "@shop/search", paths: [index]}
  - {id: mail, tier: 3, owner: "@shop/mail", paths: [mail]}
"#;

/// An organisation with the policy and catalogue above.
fn shop() -> Org {
    let org = Org::new();
    let files = [
        (".countersign/policy.toml", POLICY),
        (".countersign/catalog.yaml", CATALOG),
    ];
    org.repo.commit(PAT, "Rules", &files);
    org
}

fn data(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    folder.join(name).display().to_string()
}

/// `countersign plan` at a fixed time, with the folder of test data left out.
fn plan(org: &Org, args: &[&str]) -> String {
    let mut all = vec!["plan", "--now", "2026-03-10T12:00:00Z"];
    all.extend(args);
    let said = shown(&countersign(org.repo.path(), &all));
    said.replace(&format!("{}/", data("").trim_end_matches('/')), "")
}

/// Public samples beside the repository, or beside the folder of its worktrees.
fn samples(name: &str) -> Option<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root
        .ancestors()
        .skip(2)
        .take(3)
        .map(|above| above.join("shared/data").join(name))
        .find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED: no ../shared/data/{name}");
        return None;
    };
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap() != "LICENSE");
    files.sort();
    Some(files)
}

#[test]
fn a_database_goes_with_its_snapshots() {
    let org = shop();
    let by = ["--by", "jun", "--agent", "claude-code"];
    insta::assert_snapshot!(plan(&org, &[&[&*data("replace.json")], &by[..]].concat()));
}

#[test]
fn other_forms_say_the_same() {
    let org = shop();
    let file = data("replace.json");
    insta::assert_snapshot!(plan(&org, &[&file, "--by", "sen", "--format", "markdown"]));
    let json = plan(&org, &[&file, "--json"]);
    let (code, json) = json.split_once('\n').unwrap();
    assert_eq!(code, "exit 1");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["schema"], "countersign.plan/1");
    assert_eq!(json["verdict"], "hold");
    assert_eq!(json["irreversible"], true);
    assert_eq!(json["effects"].as_array().unwrap().len(), 5);
    assert_eq!(json["reach"]["customers"], 100);
    let html = plan(&org, &[&file, "--format", "html"]);
    assert!(html.contains("<title>orders-db</title>"), "{html}");
    // Nothing is fetched: the one address is the name of a format.
    let addresses = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("://"), "{html}");
    assert!(!html.contains("<script") && !html.contains("src="));
}

#[test]
fn the_more_guarded_environment_counts() {
    let org = shop();
    let file = data("replace.json");
    // The plan itself names production.
    let said = plan(&org, &[&file, "--env", "staging", "--agent", "x"]);
    assert!(said.starts_with("exit 2\nREFUSE"), "{said}");
    assert!(said.contains("although --env says staging"), "{said}");
}

#[test]
fn names_in_a_plan_cannot_break_out() {
    let org = shop();
    let text = std::fs::read_to_string(data("replace.json")).unwrap();
    let text = text.replace("aws_lb.front", "aws_lb.<script>alert(1)</script>");
    std::fs::write(org.repo.path().join("<img src=x>.json"), text).unwrap();
    let html = plan(&org, &["<img src=x>.json", "--format", "html"]);
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    assert!(html.contains("&lt;script&gt;") && html.contains("&lt;img src=x&gt;"));
}

#[test]
fn a_real_plan_to_delete_and_recreate() {
    let org = shop();
    let folder = org.repo.path();
    let code = "variable \"release\" {}\n\
                resource \"terraform_data\" \"environment\" { triggers_replace = var.release }\n";
    std::fs::write(folder.join("main.tf"), code).unwrap();
    if terraform(folder, &["init", "-input=false"]).is_none() {
        return;
    }
    terraform(folder, &["apply", "-auto-approve", "-var=release=1"]);
    terraform(folder, &["plan", "-out=tf.plan", "-var=release=2"]);
    let agent = ["tf.plan", "--by", "jun", "--agent", "claude-code"];
    let said = plan(&org, &[&agent[..], &["--env", "production"]].concat());
    let hash = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("sha256"))
        .unwrap()
        .trim()
        .to_owned();
    let sum = Command::new("sha256sum")
        .arg("tf.plan")
        .current_dir(folder)
        .output();
    if let Ok(sum) = sum {
        assert!(String::from_utf8_lossy(&sum.stdout).starts_with(&hash));
    }
    let version = said
        .split_once("plan by ")
        .and_then(|(_, rest)| rest.split_once(','))
        .map_or("", |(version, _)| version)
        .to_owned();
    let tidy = |said: &str| said.replace(&hash, "SHA256").replace(&version, "VERSION");
    assert!(said.starts_with("exit 2\nREFUSE"), "{said}");
    insta::assert_snapshot!("agent_in_production", tidy(&said));
    let said = plan(&org, &["tf.plan", "--by", "sen", "--env", "staging"]);
    assert!(said.starts_with("exit 1\nHOLD"), "{said}");
    insta::assert_snapshot!("senior_in_staging", tidy(&said));
}

#[test]
fn every_public_plan_is_read() {
    let org = shop();
    for folder in ["terraform-plans-checkov", "terraform-plans-terraform-json"] {
        for file in samples(folder).into_iter().flatten() {
            let name = file.display().to_string();
            let output = countersign(org.repo.path(), &["plan", &name]);
            let code = output.status.code().unwrap();
            if name.contains("corrupted") || name.contains("invalid_plan") {
                assert_eq!(code, 65, "{name}");
            } else {
                assert!(code <= 2, "{name}: {}", shown(&output));
            }
        }
    }
}

#[test]
fn hostile_input_is_bad_data() {
    let org = shop();
    let deep = "[".repeat(100_000);
    let cases: [(&str, &[u8]); 8] = [
        ("empty.json", b""),
        ("deep.json", deep.as_bytes()),
        ("nan.json", b"{\"format_version\": NaN}"),
        (
            "twice.json",
            b"{\"resource_changes\": [], \"resource_changes\": []}",
        ),
        ("bytes.json", b"\xff\xfe\xff"),
        ("zip.plan", b"PK\x03\x04nothing"),
        ("text.txt", b"delete everything"),
        ("cut.json", b"{\"resource_changes\": ["),
    ];
    for (name, bytes) in cases {
        std::fs::write(org.repo.path().join(name), bytes).unwrap();
        let said = plan(&org, &[name]);
        assert!(said.starts_with("exit 65\ncountersign: "), "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
    }
    // Larger than what is read: holes take no space.
    let huge = std::fs::File::create(org.repo.path().join("huge.json")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let said = plan(&org, &["huge.json"]);
    assert!(
        said.starts_with("exit 65\n") && said.contains("larger than"),
        "{said}"
    );
    assert!(plan(&org, &["."]).starts_with("exit 65\n"));
    assert!(plan(&org, &["nope.json"]).starts_with("exit 66\n"));
    assert!(plan(&org, &[]).starts_with("exit 64\n"));
}

#[test]
fn a_merge_says_what_its_migrations_would_do_and_whom_it_reaches() {
    let org = shop();
    org.repo.branch("drop");
    let files = [
        ("orders/migrations/7.sql", "DROP TABLE orders;\n"),
        ("orders/main.rs", "a\n"),
    ];
    org.repo.commit(JUN, "Tidy up", &files);
    insta::assert_snapshot!(run_check(&org, &[]));
    // What ships nothing is not read.
    org.repo.git(&["checkout", "-q", "main"]);
    org.repo.branch("docs");
    org.repo.commit(
        JUN,
        "Explain",
        &[("docs/example.sql", "DROP TABLE orders;\n")],
    );
    assert!(run_check(&org, &[]).starts_with("exit 0\nALLOW"));
}

/// Tools that apply files do not ask how an ending is written.
#[test]
fn a_migration_in_capitals_is_read() {
    let org = shop();
    org.repo.branch("drop");
    for (path, text) in [
        ("orders/v1.SQL", "DROP TABLE orders;\n"),
        ("orders/Migrations/1.py", "drop()\n"),
        ("orders/Main.TF", "x\n"),
    ] {
        org.repo.git(&["switch", "-q", "-C", "drop", "main"]);
        org.repo.commit(JUN, "Tidy up", &[(path, text)]);
        let said = run_check(&org, &[]);
        assert!(said.starts_with("exit 1\n"), "{path}: {said}");
        assert!(said.contains("destroys-state"), "{path}: {said}");
    }
}

/// What is applied with pruning takes away what a merge deletes.
#[test]
fn a_merge_that_takes_manifests_away_may_destroy() {
    const SPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: orders, namespace: shop}\nspec: {resources: {requests: {storage: 1Gi}}}\n";
    const TEMPLATE: &str = "Resources:\n  Orders:\n    Type: AWS::DynamoDB::Table\n    Properties: {TableName: orders}\n  News: {Type: 'AWS::SNS::Topic'}\n";
    const CI: &str = "on: push\njobs: {test: {steps: [{run: make}]}}\n";
    const COMPOSE: &str = "services:\n  db: {image: 'postgres:16'}\n";
    const CHART: &str =
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  {{- include \"labels\" . }}\n";
    let org = shop();
    let files = [
        ("shop/space.yaml", SPACE),
        ("shop/claim.YML", CLAIM),
        ("shop/stack.template", TEMPLATE),
        ("shop/chart.yaml", CHART),
        ("kustomization.yaml", "resources: [shop/space.yaml]\n"),
        ("ci.yml", CI),
        ("docker-compose.yml", COMPOSE),
        ("app.json", "{\"retries\": 3}\n"),
    ];
    org.repo.commit(PAT, "Deploy", &files);
    let after = |path: &str, text: Option<&str>| {
        org.repo.git(&["switch", "-q", "-C", "topic", "main"]);
        match text {
            Some(text) => org.repo.write(path, text),
            None => std::fs::remove_file(org.repo.path().join(path)).unwrap(),
        }
        org.repo.git(&["add", "-A"]);
        org.repo.git_as(JUN, &["commit", "-q", "-m", "Tidy up"]);
        run_check(&org, &["--json"])
    };
    let table = TEMPLATE.replace("TableName: orders", "TableName: orders2");
    for (path, text) in [
        ("shop/space.yaml", None),
        ("shop/claim.YML", None),
        ("shop/stack.template", None),
        ("shop/stack.template", Some(table.as_str())),
        ("shop/chart.yaml", None),
        ("kustomization.yaml", Some("resources: []\n")),
    ] {
        let said = after(path, text);
        assert!(said.starts_with("exit 1\n"), "{path}: {said}");
        assert!(said.contains("\"destroys-state\""), "{path}: {said}");
        assert!(!said.contains("\"irreversible\": false"), "{path}: {said}");
    }
    for (path, text) in [
        ("ci.yml", None),
        ("ci.yml", Some("on: pull_request\n")),
        ("docker-compose.yml", None),
        ("app.json", Some("{\"retries\": 4}\n")),
        (
            "shop/new.yaml",
            Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
        ),
    ] {
        let said = after(path, text);
        assert!(said.starts_with("exit 0\n"), "{path}: {said}");
        assert!(said.contains("\"irreversible\": false"), "{path}: {said}");
    }
    // Moved to another file, nothing is gone.
    org.repo.git(&["switch", "-q", "-C", "topic", "main"]);
    org.repo.git(&["mv", "shop/claim.YML", "shop/storage.yaml"]);
    org.repo.git_as(JUN, &["commit", "-q", "-m", "Move"]);
    let said = run_check(&org, &["--json"]);
    assert!(said.contains("\"irreversible\": false"), "{said}");
}

#[test]
fn a_broken_catalogue() {
    let org = shop();
    let catalog = "version: 1\n\
        regions: [{id: eu, customers: 60}]\n\
        functions: [{id: buy, tier: 0, needs: [nothing]}]\n\
        services:\n\
        \x20 - {id: a, tier: 1, owner: x, paths: [src/a], depends_on: [b]}\n\
        \x20 - {id: b, tier: 2, owner: x, resources: [b], depends_on: [a], runs_in: [mars]}\n\
        \x20 - {id: '<script>'}\n";
    let run = |args: &[&str]| {
        let mut all = vec!["catalog"];
        all.extend(args);
        shown(&countersign(org.repo.path(), &all))
    };
    assert!(run(&["check"]).starts_with("exit 0\n0 errors"));
    std::fs::write(org.repo.path().join(".countersign/catalog.yaml"), catalog).unwrap();
    insta::assert_snapshot!(run(&["check"]));
    let svg = run(&["graph"]);
    assert!(
        svg.contains("&lt;script&gt;") && !svg.contains("<script"),
        "{svg}"
    );
    assert!(run(&["check", "--at", "HEAD"]).starts_with("exit 0\n"));
    std::fs::write(
        org.repo.path().join(".countersign/catalog.yaml"),
        "version: 1\nx: 1\n",
    )
    .unwrap();
    assert!(run(&["check"]).starts_with("exit 65\n"));
    std::fs::remove_file(org.repo.path().join(".countersign/catalog.yaml")).unwrap();
    assert!(run(&["check"]).starts_with("exit 66\n"));
}

#[test]
fn backstage_and_traces_add_to_the_catalogue() {
    let org = shop();
    let component = |name: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, owner: team}}\n"
        )
    };
    let location = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {targets: [./ads/catalog-info.yaml, ./gone.yaml]}\n";
    org.repo.commit(
        PAT,
        "Backstage",
        &[
            ("catalog-info.yaml", location),
            ("ads/catalog-info.yaml", &component("ads")),
            (
                "calls.json",
                "[{\"parent\": \"shop\", \"child\": \"ads\", \"callCount\": 7}]",
            ),
        ],
    );
    let said = countersign(
        org.repo.path(),
        &["catalog", "check", "--json", "--traces", "calls.json"],
    );
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(json["services"], 5);
    assert_eq!(json["needs"], 7);
    let mut findings = json["findings"].as_array().unwrap().iter();
    assert!(
        findings.any(|finding| finding["kind"] == "undeclared"),
        "{json}"
    );
    assert!(
        json["warnings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("gone.yaml")
    );
}

#[test]
fn manifests_of_a_known_shop() {
    let org = shop();
    std::fs::remove_file(org.repo.path().join(".countersign/catalog.yaml")).unwrap();
    let Some(files) = samples("online-boutique") else {
        return;
    };
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let mut args = vec!["catalog", "check", "--json", "--manifests"];
    args.extend(names.iter().map(String::as_str));
    let said = countersign(org.repo.path(), &args);
    assert_eq!(said.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let dangling = json["findings"].as_array().unwrap().iter();
    let dangling = dangling
        .filter(|finding| finding["kind"] == "dangling")
        .count();
    assert_eq!((json["needs"].as_u64().unwrap(), dangling), (16, 1));
}

#[test]
fn a_rollout_stage_by_stage() {
    let org = shop();
    // Only what is said to run in several places is rolled out place by place.
    let places = "runs_in: [eu-west-1, us-east-1]";
    let catalog = CATALOG
        .replace("stateful: true}", &format!("stateful: true, {places}}}"))
        .replace("paths: [shop],", &format!("paths: [shop], {places},"));
    let files = [(".countersign/catalog.yaml", catalog.as_str())];
    org.repo.commit(PAT, "Two regions", &files);
    let update = std::fs::read_to_string(data("replace.json")).unwrap();
    std::fs::write(org.repo.path().join("p.json"), update).unwrap();
    let rollout = "eu-west-1:5%:30m, eu-west-1:2h, all";
    let args = ["p.json", "--by", "sen", "--rollout", rollout];
    let said = plan(&org, &args);
    assert!(said.contains("\n  stages       "), "{said}");
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("region or cell") || line.contains("regions or cells"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let json = plan(&org, &[&args[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    let stages = json["radius"]["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 3);
    assert_eq!(stages[0]["bake_seconds"], 1800);
    assert_eq!(stages[0]["facts"]["customers_share"]["likely"], 30_000);
    for format in ["markdown", "html"] {
        let said = plan(&org, &[&args[..], &["--format", format]].concat());
        assert!(said.contains("eu-west-1:5%:30m"), "{said}");
    }
    let argo = "kind: Rollout\nspec: {strategy: {canary: {steps: [{setWeight: 20}, {pause: {duration: 10m}}]}}}\n";
    std::fs::write(org.repo.path().join("rollout.yaml"), argo).unwrap();
    let said = plan(&org, &["p.json", "--rollout", "rollout.yaml"]);
    assert!(
        said.contains("weight 20 %") && said.contains(", stays 10 min"),
        "{said}"
    );
    let wrong = plan(&org, &["p.json", "--rollout", "mars"]);
    assert!(
        wrong.starts_with("exit 64\n") && wrong.contains("not a region or cell"),
        "{wrong}"
    );
    let bare = countersign_testkit::GitRepo::new();
    bare.commit(PAT, "Start", &[("a", "a")]);
    let args = ["plan", &*data("replace.json"), "--rollout", "all"];
    let without = shown(&countersign(bare.path(), &args));
    assert!(
        without.starts_with("exit 66\n") && without.contains("catalogue"),
        "{without}"
    );
    std::fs::write(org.repo.path().join("rollout.yaml"), "stages: [{unit: x}]").unwrap();
    let wrong = plan(&org, &["p.json", "--rollout", "rollout.yaml"]);
    assert!(wrong.starts_with("exit 65\n"), "{wrong}");
}

#[test]
fn a_prediction_is_scored_after_the_incident() {
    let org = shop();
    let saved = countersign(org.repo.path(), &["plan", &data("replace.json"), "--json"]);
    std::fs::write(org.repo.path().join("p.json"), &saved.stdout).unwrap();
    let run = |args: &[&str]| {
        let all = [&["radius", "score", "p.json"], args].concat();
        shown(&countersign(org.repo.path(), &all))
    };
    insta::assert_snapshot!(run(&[
        "--service",
        "orders-db",
        "--service",
        "shop",
        "--service",
        "mail",
        "--function",
        "checkout",
        "--customers",
        "70",
    ]));
    let actual = r#"{"services": ["shop", "orders-db"], "functions": ["checkout", "prices"], "customers": 101}"#;
    std::fs::write(org.repo.path().join("actual.json"), actual).unwrap();
    assert!(run(&["actual.json"]).starts_with("exit 65\n"));
    std::fs::write(
        org.repo.path().join("actual.json"),
        actual.replace("101", "90"),
    )
    .unwrap();
    let json = run(&["actual.json", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["schema"], "countersign.radius-score/1");
    assert_eq!(json["services"]["recall"], 1_000_000);
    assert_eq!(json["services"]["precision"], 1_000_000);
    assert_eq!(json["functions"]["spurious_ids"][0], "search");
    assert_eq!(json["customers_within"], true);
    std::fs::write(org.repo.path().join("p.json"), "{\"schema\": \"x\"}").unwrap();
    assert!(run(&[]).starts_with("exit 65\n"));
}

#[test]
fn a_lockfile_reaches_who_uses_what_changed() {
    let org = shop();
    let lock = |serde: &str, regex: &str| {
        format!(
            "version = 4\n[[package]]\nname = \"serde\"\nversion = \"{serde}\"\nsource = \"registry+x\"\nchecksum = \"{serde}\"\n\
             [[package]]\nname = \"regex\"\nversion = \"{regex}\"\nsource = \"registry+x\"\nchecksum = \"{regex}\"\n\
             [[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\"serde\"]\n\
             [[package]]\nname = \"mail\"\nversion = \"0.1.0\"\ndependencies = [\"regex\"]\n"
        )
    };
    let manifest = |name: &str, needs: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[dependencies]\n{needs} = \"1\"\n"
        )
    };
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"shop\", \"mail\"]\n".to_owned(),
        ),
        ("Cargo.lock", lock("1.0.1", "1.5.0")),
        ("shop/Cargo.toml", manifest("shop", "serde")),
        ("mail/Cargo.toml", manifest("mail", "regex")),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    org.repo.commit(PAT, "Two services", &files);
    org.repo.branch("bump");
    org.repo.commit(
        JUN,
        "Bump regex",
        &[("Cargo.lock", &lock("1.0.1", "1.6.0"))],
    );
    let said = run_check(&org, &[]);
    assert!(said.contains("regex 1.5.0 → 1.6.0 (Cargo.lock)"), "{said}");
    assert!(said.contains("services     mail  tier 3"), "{said}");
    assert!(
        !said.contains("serde") && !said.contains("shop ("),
        "{said}"
    );
    let json = run_check(&org, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["change"]["services"], serde_json::json!(["mail"]));
    assert_eq!(json["change"]["locks"][0]["packages"][0]["name"], "regex");
    assert_eq!(
        json["change"]["radius"]["facts"]["high_is_everything"],
        false
    );
    // A lockfile that cannot be read may change anything.
    org.repo
        .commit(JUN, "Break it", &[("Cargo.lock", "version = ")]);
    let said = run_check(&org, &[]);
    assert!(said.contains("warning: Cargo.lock"), "{said}");
    let json = run_check(&org, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    assert_eq!(
        json["change"]["radius"]["facts"]["high_is_everything"],
        true
    );
}

/// The binary with at most `megabytes` of memory, fed by another command.
fn bounded(org: &Org, megabytes: u32, feed: &str, args: &str) -> std::process::Output {
    let binary = env!("CARGO_BIN_EXE_countersign");
    let script = format!(
        "{feed} | (ulimit -v {}; exec {binary} {args})",
        megabytes * 1024
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(org.repo.path());
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("NO_COLOR", "1");
    command.output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn hostile_streams_end_within_memory_bounds() {
    let org = shop();
    // A string of 1 GiB, an endless number, endless nesting, endless keys:
    // none may need more than a fraction of what it sends.
    let feeds = [
        r#"(printf '{"format_version": "'; head -c 1073741824 /dev/zero | tr '\0' x)"#,
        r#"(printf '{"format_version": '; head -c 1073741824 /dev/zero | tr '\0' 9)"#,
        r"(head -c 1073741824 /dev/zero | tr '\0' '[')",
        r"(head -c 1073741824 /dev/zero)",
        r#"(printf '{"resource_changes": ['; yes '{},' | head -c 1073741824)"#,
    ];
    for feed in feeds {
        let output = bounded(&org, 700, feed, "plan -");
        let said = shown(&output);
        assert!(
            said.starts_with("exit 65\ncountersign: - cannot be read"),
            "{feed}: {said}"
        );
    }
    // The same limit is enough for a real plan.
    let file = data("replace.json");
    let output = bounded(&org, 700, &format!("cat {file}"), "plan -");
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
}
