//! Plans, catalogues and what a merge brings to be applied, through the real
//! binary.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Org, countersign, run_check, shown};
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

/// Runs terraform in a folder; never asks, never calls home.
fn terraform(folder: &Path, args: &[&str]) -> bool {
    let run = Command::new("terraform")
        .args(args)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output();
    match run {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "terraform {args:?}: {said}");
            true
        }
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "terraform has to run in CI: {error}"
            );
            eprintln!("SKIPPED: `terraform` is not installed");
            false
        }
    }
}

#[test]
fn a_real_plan_to_delete_and_recreate() {
    let org = shop();
    let folder = org.repo.path();
    let code = "variable \"release\" {}\n\
                resource \"terraform_data\" \"environment\" { triggers_replace = var.release }\n";
    std::fs::write(folder.join("main.tf"), code).unwrap();
    if !terraform(folder, &["init", "-input=false"]) {
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
