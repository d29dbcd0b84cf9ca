use super::*;

fn change(
    path: &str,
    before: &str,
    after: &str,
    manifests: &[(&str, &str)],
) -> (Vec<String>, Vec<String>, bool) {
    let manifests: Vec<Source<'_>> = manifests
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect();
    let change = lock_change(path, before, after, &manifests).unwrap();
    let packages = change.packages.iter();
    let packages = packages
        .map(|p| format!("{} {}->{}", p.name, p.before.join(","), p.after.join(",")))
        .collect();
    (
        packages,
        change.manifests.into_iter().collect(),
        change.everything,
    )
}

/// Replaces one version and checks which manifests it reaches.
fn bump(path: &str, before: &str, manifests: &[(&str, &str)], package: &str, expected: &[&str]) {
    let after = before.replace("1.0.0", "1.0.1");
    assert_ne!(before, after);
    let (packages, reached, everything) = change(path, before, &after, manifests);
    assert_eq!(
        packages,
        [format!(
            "{package}->{}",
            package
                .replace("1.0.0", "1.0.1")
                .rsplit(' ')
                .next()
                .unwrap()
        )]
    );
    assert_eq!(reached, expected, "{path}");
    assert!(!everything, "{path}");
    let (packages, reached, everything) = change(path, before, before, manifests);
    assert!(
        packages.is_empty() && reached.is_empty() && !everything,
        "{path}"
    );
}

#[test]
fn cargo() {
    let lock = r#"
version = 4
[[package]]
name = "cart"
version = "0.1.0"
dependencies = ["middle", "shared 0.1.0"]
[[package]]
name = "mail"
version = "0.1.0"
dependencies = ["other"]
[[package]]
name = "middle"
version = "2.0.0"
source = "registry"
dependencies = ["deep"]
[[package]]
name = "deep"
version = "1.0.0"
source = "registry"
checksum = "aa"
[[package]]
name = "other"
version = "3.0.0"
source = "registry"
[[package]]
name = "shared"
version = "0.1.0"
"#;
    let manifests = [
        ("Cargo.toml", "[workspace]\nmembers = []\n"),
        ("services/cart/Cargo.toml", "[package]\nname = \"cart\"\n"),
        ("services/mail/Cargo.toml", "[package]\nname = \"mail\"\n"),
    ];
    bump(
        "Cargo.lock",
        lock,
        &manifests,
        "deep 1.0.0",
        &["services/cart/Cargo.toml"],
    );
    let catalog = Catalog::parse(
        "version: 1\nservices: [{id: cart, paths: [services/cart]}, {id: mail, paths: [services/mail]}]\n",
        "catalog.yaml",
    )
    .unwrap();
    let sources: Vec<Source<'_>> = manifests
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect();
    let after = lock.replace("\"aa\"", "\"bb\"");
    let change = lock_change("Cargo.lock", lock, &after, &sources).unwrap();
    assert_eq!(catalog.components_of_lock_change(&change), [0]);
}

#[test]
fn npm() {
    let lock = r#"{"lockfileVersion": 3, "packages": {
"": {"name": "root", "workspaces": ["apps/*"]},
"apps/web": {"name": "@shop/web", "dependencies": {"middle": "^2"}},
"apps/api": {"name": "@shop/api", "devDependencies": {"other": "*"}},
"node_modules/@shop/web": {"resolved": "apps/web", "link": true},
"node_modules/middle": {"version": "2.0.0", "dependencies": {"@x/deep": "^1"}},
"node_modules/middle/node_modules/@x/deep": {"version": "1.0.0", "integrity": "sha512-a"},
"node_modules/other": {"version": "3.0.0"}}}"#;
    bump(
        "package-lock.json",
        lock,
        &[],
        "@x/deep 1.0.0",
        &["apps/web/package.json"],
    );
    let old = r#"{"lockfileVersion": 1, "dependencies": {
"middle": {"version": "2.0.0", "requires": {"deep": "^1"},
  "dependencies": {"deep": {"version": "1.0.0"}}},
"other": {"version": "3.0.0", "requires": true}}}"#;
    let manifests = [
        ("site/package.json", r#"{"dependencies": {"middle": "2"}}"#),
        (
            "site/tool/package.json",
            r#"{"dependencies": {"other": "3"}}"#,
        ),
    ];
    bump(
        "site/package-lock.json",
        old,
        &manifests,
        "deep 1.0.0",
        &["site/package.json"],
    );
}

#[test]
fn yarn() {
    let classic = "# yarn lockfile v1\n\n\"@x/deep@^1\", \"@x/deep@~1.0\":\n  version \"1.0.0\"\n  resolved \"https://r/x\"\n\nmiddle@^2:\n  version \"2.0.0\"\n  dependencies:\n    \"@x/deep\" \"^1\"\n\nother@*:\n  version \"3.0.0\"\n";
    let berry = "__metadata:\n  version: 8\n\"@x/deep@npm:^1\":\n  version: 1.0.0\n  resolution: \"@x/deep@npm:x\"\n  linkType: hard\n\"middle@npm:^2\":\n  version: 2.0.0\n  dependencies:\n    \"@x/deep\": \"npm:^1\"\n  linkType: hard\n\"web@workspace:web\":\n  version: 0.0.0-use.local\n  dependencies:\n    middle: \"npm:^2\"\n  linkType: soft\n";
    let manifests = [
        (
            "web/package.json",
            r#"{"name": "web", "dependencies": {"middle": "2"}}"#,
        ),
        (
            "api/package.json",
            r#"{"name": "api", "dependencies": {"other": "3"}}"#,
        ),
    ];
    for lock in [classic, berry] {
        bump(
            "yarn.lock",
            lock,
            &manifests,
            "@x/deep 1.0.0",
            &["web/package.json"],
        );
    }
}

#[test]
fn pnpm() {
    let nine = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  web:\n    dependencies:\n      middle: {specifier: ^2, version: 2.0.0}\n  api:\n    dependencies:\n      other: {specifier: '*', version: 3.0.0}\npackages:\n  '@x/deep@1.0.0':\n    resolution: {integrity: a}\n  middle@2.0.0:\n    resolution: {integrity: b}\nsnapshots:\n  '@x/deep@1.0.0': {}\n  middle@2.0.0(react@18):\n    dependencies:\n      '@x/deep': 1.0.0\n";
    let five = "lockfileVersion: 5.4\ndependencies:\n  middle: 2.0.0\npackages:\n  /@x/deep/1.0.0:\n    resolution: {integrity: a}\n  /middle/2.0.0:\n    resolution: {integrity: b}\n    dependencies:\n      '@x/deep': 1.0.0\n";
    bump(
        "pnpm-lock.yaml",
        nine,
        &[],
        "@x/deep 1.0.0",
        &["web/package.json"],
    );
    bump(
        "web/pnpm-lock.yaml",
        five,
        &[],
        "@x/deep 1.0.0",
        &["web/package.json"],
    );
}

#[test]
fn go() {
    let sum = "example.com/deep v1.0.0 h1:a=\nexample.com/deep v1.0.0/go.mod h1:b=\nexample.com/other v3.0.0 h1:c=\n";
    let manifests = [
        (
            "cart/go.mod",
            "module shop/cart\n\ngo 1.22\n\nrequire (\n\texample.com/deep v1.0.0 // indirect\n)\n",
        ),
        (
            "cart/tool/go.mod",
            "module shop/tool\nrequire example.com/other v3.0.0\n",
        ),
    ];
    bump(
        "cart/go.sum",
        sum,
        &manifests,
        "example.com/deep v1.0.0",
        &["cart/go.mod"],
    );
}

#[test]
fn python() {
    let poetry = "[[package]]\nname = \"Deep_Lib\"\nversion = \"1.0.0\"\nfiles = [{file = \"a\", hash = \"h\"}]\n[[package]]\nname = \"middle\"\nversion = \"2.0.0\"\n[package.dependencies]\ndeep-lib = \"*\"\n";
    let project = [
        (
            "cart/pyproject.toml",
            "[tool.poetry.dependencies]\nmiddle = \"*\"\n",
        ),
        (
            "cart/x/pyproject.toml",
            "[project]\nname = \"x\"\ndependencies = [\"other>=1\"]\n",
        ),
    ];
    bump(
        "cart/poetry.lock",
        poetry,
        &project,
        "deep-lib 1.0.0",
        &["cart/pyproject.toml"],
    );
    let uv = "version = 1\n[[package]]\nname = \"deep\"\nversion = \"1.0.0\"\nsource = { registry = \"r\" }\n[[package]]\nname = \"cart\"\nversion = \"0.1.0\"\nsource = { editable = \"services/cart\" }\ndependencies = [{ name = \"deep\" }]\n[[package]]\nname = \"mail\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n";
    bump(
        "uv.lock",
        uv,
        &[],
        "deep 1.0.0",
        &["services/cart/pyproject.toml"],
    );
    let requirements =
        "# pinned\n-r base.txt\nDeep.Lib[extra]==1.0.0 \\\n    --hash=sha256:a  # why\nother>=3\n";
    let (packages, reached, _) = change(
        "cart/requirements-dev.txt",
        requirements,
        &requirements.replace("sha256:a", "sha256:b"),
        &[],
    );
    assert_eq!(packages.len(), 1);
    assert!(packages[0].starts_with("deep-lib "));
    assert_eq!(reached, ["cart/requirements-dev.txt"]);
}

#[test]
fn what_cannot_be_traced_counts_for_everyone() {
    let before = "other@*:\n  version \"3.0.0\"\n";
    let after = "other@*:\n  version \"3.0.1\"\n";
    let manifests = [("web/package.json", "{}")];
    let (_, reached, everything) = change("yarn.lock", before, after, &manifests);
    assert!(everything);
    assert_eq!(reached, ["package.json", "web/package.json"]);
    // New and removed lockfiles change everything in them.
    let (packages, ..) = change("yarn.lock", "", after, &manifests);
    assert_eq!(packages, ["other ->3.0.1"]);
}

#[test]
fn broken_texts_are_problems() {
    for path in [
        "Cargo.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
    ] {
        assert!(lock_change(path, "", "{{{", &[]).is_err(), "{path}");
    }
    let problem = lock_change("go.sum", "", "a b c\na b\n", &[]).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "go.sum:2:1: not a line of go.sum (expected `module version hash`)"
    );
    let problem = lock_change("yarn.lock", "", "what\n", &[]).unwrap_err();
    assert_eq!(problem.line, 1);
    assert!(lock_change("Gemfile.lock", "", "", &[]).is_err());
    assert!(is_lockfile("a/b/Cargo.lock") && !is_lockfile("Cargo.toml"));
    assert_eq!(manifest_name("go.sum"), Some("go.mod"));
}
