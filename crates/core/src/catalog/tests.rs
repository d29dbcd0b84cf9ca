use super::*;
use crate::problem::Source;
use proptest::prelude::*;

const SHOP: &str = r#"
version: 1
default_tier: 2
not_shipped: ["**/*.md", docs/]
regions:
  - id: eu
    customers: 60
    cells: [{id: eu-a, customers: 20}, {id: eu-b}]
  - id: us
functions:
  - id: buy
    tier: 0
    customers: 80
    needs: [checkout, {service: ads, kind: soft}]
services:
  - id: checkout
    tier: 0
    owner: "@shop/checkout"
    paths: [services/checkout/, "lib/**/money.rs"]
    resources: ["module.checkout.*"]
    aliases: [CheckoutService]
    runs_in: [eu, us]
    revert: 10m
    depends_on: [stock]
  - id: ads
    paths: [services/ads, "lib/*/money.rs"]
    owner: ads-team
  - {id: redis-a, stateful: true, backup: true, restore: 2h, runs_in: [mars]}
  - id: redis-b
redundancy:
  - {id: stock, members: [redis-b, redis-a, redis-c]}
"#;

fn shop() -> Catalog {
    Catalog::parse(SHOP, "catalog.yaml").unwrap()
}

#[test]
fn the_template_reads() {
    let catalog = Catalog::parse(TEMPLATE, "catalog.yaml").unwrap();
    assert!(catalog.services().is_empty());
    assert!(catalog.ships_nothing("docs/a/b.txt"));
}

#[test]
fn the_template_reads_with_every_comment_taken_away() {
    let text: String = TEMPLATE
        .lines()
        .map(|line| {
            let rest = line.strip_prefix("# ").unwrap_or(line);
            let field = rest.starts_with(' ') || rest.trim_end().ends_with(':');
            if field { rest } else { line }
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let catalog = Catalog::parse(&text, "catalog.yaml").unwrap();
    assert_eq!(catalog.services().len(), 3);
    assert_eq!(catalog.units().len(), 3);
    assert_eq!(catalog.groups().len(), 1);
    assert_eq!(catalog.functions().len(), 1);
}

#[test]
fn paths_belong_to_every_service_that_covers_them() {
    let catalog = shop();
    let ids = |path: &str| -> Vec<&str> {
        catalog
            .components_of(path)
            .into_iter()
            .map(|at| catalog.id(Node::Service(at)))
            .collect()
    };
    assert_eq!(ids("services/checkout/src/main.rs"), ["checkout"]);
    assert_eq!(ids("./services/ads/x"), ["ads"]);
    assert_eq!(ids("lib/eur/money.rs"), ["ads", "checkout"]);
    assert_eq!(ids("lib/eur/old/money.rs"), ["checkout"]);
    assert_eq!(ids("services/adsy/x"), [""; 0]);
    assert_eq!(catalog.tier_of(["services/ads/x"]), Some(2));
    assert_eq!(
        catalog.tier_of(["services/ads/x", "lib/a/money.rs"]),
        Some(0)
    );
    assert_eq!(catalog.tier_of(["services/checkout/README.md"]), None);
    assert_eq!(catalog.tier_of(["elsewhere"]), None);
    let owners: Vec<_> = catalog.owners_of("lib/eur/money.rs").into_iter().collect();
    assert_eq!(owners, ["@shop/checkout", "ads-team"]);
}

#[test]
fn objects_are_found_by_name_alias_and_pattern() {
    let catalog = shop();
    let ids = |kind: &str, object: &str| -> Vec<&str> {
        catalog
            .services_of_object(kind, object)
            .into_iter()
            .map(|at| catalog.id(Node::Service(at)))
            .collect()
    };
    assert_eq!(ids("Deployment", "shop/checkoutservice"), ["checkout"]);
    assert_eq!(
        ids("aws_db_instance", "module.checkout.aws_db_instance.x"),
        ["checkout"]
    );
    assert_eq!(ids("table", "ads"), ["ads"]);
    assert_eq!(ids("table", "other"), [""; 0]);
}

#[test]
fn customers_are_split_over_the_units_that_do_not_say() {
    let catalog = shop();
    let units: Vec<(&str, u32)> = catalog
        .units()
        .iter()
        .map(|unit| (unit.id.as_str(), unit.customers.ppm()))
        .collect();
    assert_eq!(
        units,
        [("eu-a", 200_000), ("eu-b", 400_000), ("us", 400_000)]
    );
    let Some(Node::Service(checkout)) = catalog.resolve("checkout") else {
        panic!("checkout is a service");
    };
    assert_eq!(catalog.runs_in(checkout), [0, 1, 2]);
}

#[test]
fn names_that_nothing_has_are_kept() {
    let catalog = shop();
    assert_eq!(catalog.edges().len(), 3);
    assert_eq!(
        catalog.dangling(),
        [
            Dangling::Member {
                group: "stock".to_owned(),
                member: "redis-c".to_owned()
            },
            Dangling::Place {
                service: "redis-a".to_owned(),
                place: "mars".to_owned()
            },
        ]
    );
}

#[test]
fn mistakes_are_placed() {
    let cases = [
        (
            "version: 2\n",
            "catalog.yaml:1:10: version 2 is not known (this program reads version 1)",
        ),
        (
            "version: 1\nservices:\n  - id: a\n    dependson: [b]\n",
            "catalog.yaml:4:5: unknown field `dependson`, expected one of id, name, aliases, tier, owner, paths, resources, runs_in, stateful, backup, revert, restore, depends_on (did you mean `depends_on`?)",
        ),
        (
            "version: 1\nservices:\n  - id: a\n  - id: a\n",
            "catalog.yaml:4:9: two services or groups have the id `a` (rename or remove one)",
        ),
        (
            "version: 1\nservices:\n  - id: a b\n",
            "catalog.yaml:3:9: `a b` is not an id (use a word without spaces; `name` may have them)",
        ),
        (
            "version: 1\nservices:\n  - {id: a, tier: 16}\n",
            "catalog.yaml:3:19: tier `16` is out of range (tiers go from 0, the most important, to 15)",
        ),
        (
            "version: 1\nfunctions:\n  - {id: a, customers: .nan}\n",
            "catalog.yaml:3:24: `NaN` is not a share in percent (write a number from 0 to 100)",
        ),
        (
            "version: 1\nservices:\n  - id: a\n    paths: ['x[']\n",
            "catalog.yaml:4:13: `x[` is not a pattern: unclosed character class; missing ']'",
        ),
        (
            "version: 1\nservices:\n  - id: a\n    revert: soon\n",
            "catalog.yaml:4:13: `soon` is not a duration (write a number and m, h, d or w, such as `30m`, `2h`, `14d`)",
        ),
        (
            "version: 1\nredundancy:\n  - {id: g, members: [a, b], needed: 3}\n",
            "catalog.yaml:3:38: `3` of 2 members cannot be needed (`needed` is at least 1 and at most the number of members)",
        ),
        (
            "version: 1\nversion: 1\n",
            "catalog.yaml:2:1: duplicate mapping key `version` is not allowed here",
        ),
    ];
    for (text, expected) in cases {
        let problems = Catalog::parse(text, "catalog.yaml").unwrap_err();
        assert_eq!(problems[0].to_string(), expected);
    }
}

#[test]
fn hostile_files_end_in_a_problem() {
    let bomb = "version: 1\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n";
    let deep = format!("version: 1\nservices: {}", "[".repeat(100_000));
    for text in [bomb, &deep, "", "version: 1\n---\nversion: 1\n", "\u{0}"] {
        assert!(Catalog::parse(text, "catalog.yaml").is_err());
    }
}

/// Words that the readers know, glued at random: closer to the edge than noise.
fn almost() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "version: 1\n",
        "services:\n",
        "  - id: a\n",
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "\n",
        "\"",
        "&a ",
        "*a",
        "kind: Component\n",
        "metadata: ",
        "spec: ",
        "apiVersion: backstage.io/v1\n",
        "name: x\n",
        "---\n",
        "[[package]]\n",
        "name = \"a\"\n",
        "version = \"1\"\n",
        "a@1:\n",
        "  version \"1\"\n",
        "traces_service_graph_request_total{client=\"a\",",
        "server=\"b\"} 1\n",
        "NaN",
        "\u{0}",
        "é",
        "\\",
        "{\"data\":[",
        "\"parent\":\"a\",",
        "env: ",
        "!!binary x",
        "kind: Deployment\n",
        "packages:\n",
        "/a/1.0.0:\n",
        "node_modules/",
        "a v1 h1:x\n",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![almost(), any::<String>()]) {
        let source = Source { file: "x", text: &text };
        let now = Timestamp::UNIX_EPOCH;
        if let Ok(catalog) = Catalog::parse(&text, "x") {
            let _ = check(&catalog, None, now, jiff::SignedDuration::ZERO);
            let _ = draw(&catalog, &std::collections::BTreeMap::new());
        }
        let _ = from_backstage(source, |_| None);
        let _ = from_manifests([source]);
        let _ = from_dependencies(source, now);
        let _ = from_service_graph(source, now);
        let locks = [
            "Cargo.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.sum",
            "poetry.lock", "uv.lock", "requirements.txt",
        ];
        for lock in locks {
            let _ = lock_change(lock, "", &text, &[]);
            let _ = lock_change(lock, "", "", &[source]);
        }
    }
}
