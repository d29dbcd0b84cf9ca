//! Reading policies: what is accepted, and where what is wrong is placed.

use super::*;

#[test]
fn the_built_in_policy_reads_against_any_levels() {
    for names in [
        &["junior", "mid", "senior", "principal"][..],
        &["a", "b"],
        &["a"],
        &["l3", "l4", "l5"],
    ] {
        let levels = Levels::new(names.iter().map(|n| (*n).to_owned()).collect()).unwrap();
        let policy = Policy::builtin(&levels).unwrap();
        assert_eq!(policy.rules.len(), 5, "{names:?}");
    }
}

#[test]
fn every_field_that_is_wrong_is_placed() {
    let text = r#"version = 7
[settings]
unknown_environment = "unknown"
signoff_expires = "soon"
veto_level = "boss"
timezone = "Mars/Olympus"

[[window]]
id = "w"
from = "2026-12-20"
until = "2026-12-01"
[[window]]
id = "night"
days = ["friday"]
from = "25:00"
until = "08:00"

[[rule]]
id = "a b"
when = { author = { below = "senoir" }, paths = ["a[", "x/**"], owners = [] }
require = [{ signoffs = 99 }, { signoffs = 0 }]
[[rule]]
id = "nothing"
[[rule]]
id = "nothing"
when = { lines = {}, files = { at_least = 3, at_most = 2 }, during = ["nite"], author = {} }
unless = {}
require = [{ cooling = "1y" }]
refuse = true
"#;
    let problems = parse(text, "policy.toml", &Levels::default()).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    policy.toml:1:11: version 7 is not known (this program reads version 1)
    policy.toml:6:12: `Mars/Olympus` is not a time zone (write a name such as `Europe/Berlin`)
    policy.toml:3:23: an unknown environment cannot be treated as unknown (write `production`, the safe choice)
    policy.toml:4:19: `soon` is not a duration (write a number and m, h, d or w, such as `30m`, `2h`, `14d`)
    policy.toml:5:14: `boss` is not a level (people.toml names junior, mid, senior, principal)
    policy.toml:11:9: `until` must be after `from` (write `2026-12-20`, `2026-12-20T18:00` or `2026-12-20T18:00Z`)
    policy.toml:15:8: `25:00` is not a time of day (write a time such as `18:00`)
    policy.toml:14:9: `friday` is not a day (write mon, tue, wed, thu, fri, sat or sun)
    policy.toml:19:6: `a b` cannot be the id of a rule (use a short name without spaces)
    policy.toml:20:29: `senoir` is not a level (did you mean `senior`?)
    policy.toml:20:50: `a[` is not a path pattern: unclosed character class; missing ']' (write a glob such as `infra/**` or `**/*.tf`)
    policy.toml:20:74: this list must have 1 to 1000 entries (leave the field out to cover everything)
    policy.toml:21:12: more than 20 sign-offs (name a level or a team instead)
    policy.toml:21:31: this asks for nothing (write `signoffs = 1` or a `cooling` time)
    policy.toml:23:6: rule `nothing` asks for nothing (give it either `require = [{ signoffs = 1 }]` or `refuse = true`)
    policy.toml:25:6: two rules have the id `nothing` (decisions name rules by id, so each needs its own)
    policy.toml:26:89: this range of levels has no end (write `below` or `at_least`)
    policy.toml:26:18: this range has no end (write `at_least` or `at_most`)
    policy.toml:26:30: this range is empty (`at_least` must not be more than `at_most`)
    policy.toml:26:71: there is no window `nite` (add a `[[window]]` with this id)
    policy.toml:27:10: an empty `unless` would switch the rule off
    policy.toml:28:24: `1y` is not a duration (write a number and m, h, d or w, such as `30m`, `2h`, `14d`)
    policy.toml:25:6: rule `nothing` both refuses and asks for sign-offs (give it either `require = [{ signoffs = 1 }]` or `refuse = true`)
    ");
}

#[test]
fn wrong_shapes_are_placed_by_the_reader() {
    let shown: Vec<String> = [
        "version = 1\n[[rule]]\nid = \"a\"\nwhen = { involvment = [\"yes\"] }\n",
        "version = 1\n[[rule]]\nid = \"a\"\nwhen = { involvement = [\"maybe\"] }\n",
        "version = 1\n[[rule]]\nwhy = \"x\"\n",
        "version = 1\n[settings]\nmode = \"dry\"\n",
        "version = 1\n[[rule]]\nid = \"a\"\nrequire = [{ signoffs = -1 }]\n",
        "",
    ]
    .into_iter()
    .map(|text| parse(text, "policy.toml", &Levels::default()).unwrap_err()[0].to_string())
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    policy.toml:4:10: unknown field `involvment`, expected one of `kind`, `involvement`, `roles`, `suppressed`, `author`, `paths`, `only_paths`, `owners`, `tier`, `environment`, `effects`, `services`, `functions`, `customers`, `irreversible`, `usage`, `lines`, `files`, `during`
    policy.toml:4:25: unknown variant `maybe`, expected one of `no`, `unknown`, `yes`
    policy.toml:2:1: missing field `id`
    policy.toml:3:8: unknown variant `dry`, expected `shadow` or `enforce`
    policy.toml:4:25: invalid value: integer `-1`, expected u32
    policy.toml:1:1: missing field `version`
    ");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text, "policy.toml", &Levels::default());
    }
}
