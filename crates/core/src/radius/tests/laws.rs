//! The laws of a blast radius, on random catalogues and changes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::catalog::{
    Catalog, Cell, Draft, Function, Group, Need, NeedKind, Needer, Node, Origin, Region, Service,
    Share,
};
use crate::effect::{Environment, StateLoss, Verb};
use crate::radius::{
    Bounds, Change, Claim, Hit, Impact, Model, Placement, Radius, RadiusFacts, Recovery, Stage,
};

const SERVICES: usize = 8;
const FUNCTIONS: usize = 3;
const UNITS: usize = 4;

fn service(at: usize) -> String {
    format!("s{at}")
}

fn place(at: usize) -> String {
    ["eu-a", "eu-b", "us", "ap"][at % UNITS].to_owned()
}

fn kind() -> impl Strategy<Value = NeedKind> {
    prop_oneof![
        4 => Just(NeedKind::Hard),
        2 => Just(NeedKind::Soft),
        1 => Just(NeedKind::Async),
        1 => Just(NeedKind::Unknown),
    ]
}

fn need() -> impl Strategy<Value = Need> {
    let from = prop_oneof![
        3 => (0..SERVICES).prop_map(|at| Needer::Service(service(at))),
        1 => (0..FUNCTIONS).prop_map(|at| Needer::Function(format!("f{at}"))),
    ];
    let to = prop_oneof![
        4 => (0..SERVICES).prop_map(service),
        1 => (0..2_usize).prop_map(|at| format!("g{at}")),
    ];
    (from, to, kind()).prop_map(|(from, to, kind)| Need::said(from, to, kind, Origin::Declared))
}

fn services() -> impl Strategy<Value = Vec<Service>> {
    let one = (
        prop::option::of(0_u8..4),
        prop::collection::vec(0..UNITS, 0..3),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
        prop::option::of(60_u64..6_000),
    );
    prop::collection::vec(one, SERVICES).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(at, (tier, places, stateful, backup, time))| Service {
                id: service(at),
                tier,
                runs_in: places.into_iter().map(place).collect(),
                stateful,
                backup,
                revert: time,
                restore: time.map(|time| time * 2),
                ..Service::default()
            })
            .collect()
    })
}

fn drafts() -> impl Strategy<Value = Draft> {
    let functions = prop::collection::vec((0_u8..3, 0_u64..1_000_000), FUNCTIONS);
    let groups = prop::collection::vec(
        (prop::collection::btree_set(0..SERVICES, 2..4), 1_u32..3),
        2,
    );
    let needs = prop::collection::vec(need(), 0..14);
    (services(), functions, groups, needs).prop_map(|(services, functions, groups, needs)| Draft {
        services,
        functions: functions
            .into_iter()
            .enumerate()
            .map(|(at, (tier, share))| Function {
                id: format!("f{at}"),
                name: None,
                tier: Some(tier),
                customers: Some(Share::from_ppm(share)),
            })
            .collect(),
        regions: regions(),
        groups: groups
            .into_iter()
            .enumerate()
            .map(|(at, (members, needed))| Group {
                id: format!("g{at}"),
                members: members.into_iter().map(service).collect(),
                needed,
            })
            .collect(),
        needs,
        ..Draft::default()
    })
}

fn regions() -> Vec<Region> {
    let cell = |id: &str| Cell {
        id: id.to_owned(),
        customers: None,
    };
    let region = |id: &str, share, cells| Region {
        id: id.to_owned(),
        customers: Some(Share::from_ppm(share)),
        cells,
    };
    vec![
        region("eu", 500_000, vec![cell("eu-a"), cell("eu-b")]),
        region("us", 300_000, vec![]),
        region("ap", 200_000, vec![]),
    ]
}

fn verb() -> impl Strategy<Value = Verb> {
    prop::sample::select(vec![
        Verb::Read,
        Verb::Create,
        Verb::Update,
        Verb::Forget,
        Verb::Disrupt,
        Verb::Replace,
        Verb::Delete,
        Verb::Unknown,
    ])
}

fn hit() -> impl Strategy<Value = Hit> {
    let place = prop_oneof![
        8 => prop::collection::vec(0..SERVICES as u32, 1..3)
            .prop_map(|nodes| Placement::At(nodes.into_iter().map(Node::Service).collect())),
        1 => Just(Placement::Unknown),
        1 => Just(Placement::Nowhere),
    ];
    let state = prop::sample::select(vec![
        StateLoss::None,
        StateLoss::BackedUp,
        StateLoss::Unknown,
        StateLoss::Destroyed,
    ]);
    let environment = prop::sample::select(Environment::ALL.to_vec());
    let units = prop::option::of(prop::collection::vec(0..UNITS as u32, 1..3));
    (verb(), state, environment, place, units, 0..9_u32).prop_map(
        |(verb, state, environment, place, units, name)| Hit {
            object: format!("o{name}"),
            verb,
            state,
            environment,
            place,
            units,
            witness: "w".to_owned(),
        },
    )
}

fn changes() -> impl Strategy<Value = Change> {
    let stage = (
        prop::collection::vec(0..UNITS as u32, 0..3),
        0_u64..=1_000_000,
    );
    let rollout = prop::collection::vec(stage, 0..3);
    (
        prop::collection::vec(hit(), 0..4),
        rollout,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(hits, rollout, incomplete)| Change {
            hits,
            incomplete,
            rollout: rollout
                .into_iter()
                .map(|(units, share)| Stage {
                    name: "stage".to_owned(),
                    units,
                    share: Share::from_ppm(share),
                    bake_seconds: None,
                })
                .collect(),
        })
}

fn radius(draft: &Draft, change: &Change) -> Radius {
    let catalog = Catalog::assemble(vec![draft.clone()]).unwrap();
    Model::new(&catalog).radius(change)
}

/// Every upper bound as a number that grows with the radius.
fn highs(facts: &RadiusFacts) -> Vec<u64> {
    vec![
        facts.irreversible_without_backup.high.into(),
        facts.tier0_down_share.high.ppm().into(),
        facts.customers_share.high.ppm().into(),
        facts.functions_down.high.into(),
        facts.services.high.into(),
        facts.units.high.into(),
        tier(facts.tier.high),
        facts.severity.high.ppm().into(),
        recovery(facts.recovery),
        facts.high_is_everything.into(),
    ]
}

/// Every figure that grows when a verb gets worse or more is hit.
fn all(facts: &RadiusFacts) -> Vec<u64> {
    let mut all = highs(facts);
    let share = |bounds: Bounds<Share>| [bounds.low, bounds.likely].map(|s| u64::from(s.ppm()));
    let count = |bounds: Bounds<u32>| [u64::from(bounds.low), u64::from(bounds.likely)];
    all.extend(count(facts.irreversible_without_backup));
    all.extend(share(facts.tier0_down_share));
    all.extend(share(facts.customers_share));
    all.extend(count(facts.functions_down));
    all.extend(count(facts.services));
    all.extend(count(facts.units));
    all.extend([tier(facts.tier.low), tier(facts.tier.likely)]);
    all.extend(share(facts.severity));
    all
}

fn tier(tier: Option<u8>) -> u64 {
    tier.map_or(0, |tier| 16 - u64::from(tier))
}

fn recovery(recovery: Recovery) -> u64 {
    match recovery {
        Recovery::Nothing => 0,
        Recovery::Seconds(seconds) => 1 + seconds,
        Recovery::Unknown => u64::MAX,
    }
}

fn no_less(more: &[u64], less: &[u64]) -> bool {
    more.iter().zip(less).all(|(more, less)| more >= less)
}

fn ordered(facts: &RadiusFacts) -> bool {
    fn rises<T: Ord>(bounds: &Bounds<T>) -> bool {
        bounds.low <= bounds.likely && bounds.likely <= bounds.high
    }
    let tiers = [facts.tier.low, facts.tier.likely, facts.tier.high].map(tier);
    rises(&facts.irreversible_without_backup)
        && rises(&facts.tier0_down_share)
        && rises(&facts.customers_share)
        && rises(&facts.functions_down)
        && rises(&facts.services)
        && rises(&facts.units)
        && rises(&facts.severity)
        && tiers.is_sorted()
        && facts.functions_down.likely + facts.functions_degraded <= facts.functions_down.high
}

proptest! {
    #[test]
    fn bounds_are_in_order(draft in drafts(), change in changes()) {
        let radius = radius(&draft, &change);
        prop_assert!(ordered(&radius.facts), "{:?}", radius.facts);
        for stage in &radius.stages {
            prop_assert!(ordered(&stage.facts), "{:?}", stage.facts);
        }
    }

    #[test]
    fn more_never_lowers_a_bound(
        draft in drafts(),
        change in changes(),
        need in need(),
        hit in hit(),
    ) {
        let before = radius(&draft, &change).facts;
        let mut wider = draft.clone();
        wider.needs.push(need);
        prop_assert!(no_less(&highs(&radius(&wider, &change).facts), &highs(&before)));
        let mut more = change.clone();
        more.hits.push(hit);
        prop_assert!(no_less(&all(&radius(&draft, &more).facts), &all(&before)));
        let mut unknown = change.clone();
        unknown.incomplete = true;
        prop_assert!(no_less(&all(&radius(&draft, &unknown).facts), &all(&before)));
        let mut everywhere = change.clone();
        for hit in &mut everywhere.hits {
            if let Some(units) = &mut hit.units {
                units.push(2);
            }
        }
        prop_assert!(no_less(&all(&radius(&draft, &everywhere).facts), &all(&before)));
    }

    #[test]
    fn both_changes_are_no_less_than_each(
        draft in drafts(),
        one in changes(),
        other in prop::collection::vec(hit(), 0..4),
    ) {
        let other = Change { hits: other, rollout: one.rollout.clone(), incomplete: false };
        let both = Change {
            hits: one.hits.iter().chain(&other.hits).cloned().collect(),
            ..one.clone()
        };
        let both = all(&radius(&draft, &both).facts);
        prop_assert!(no_less(&both, &all(&radius(&draft, &one).facts)));
        prop_assert!(no_less(&both, &all(&radius(&draft, &other).facts)));
    }

    #[test]
    fn worse_verbs_are_no_less(draft in drafts(), hit in hit()) {
        let with = |verb| {
            let hits = vec![Hit { verb, ..hit.clone() }];
            all(&radius(&draft, &Change { hits, ..Change::default() }).facts)
        };
        let update = with(Verb::Update);
        prop_assert!(no_less(&update, &with(Verb::Create)));
        prop_assert!(no_less(&with(Verb::Disrupt), &update));
        prop_assert!(no_less(&with(Verb::Replace), &update));
        prop_assert!(no_less(&with(Verb::Delete), &update));
        prop_assert!(no_less(&with(Verb::Delete), &with(Verb::Replace)));
    }

    #[test]
    fn doing_nothing_reaches_nothing(draft in drafts(), change in changes()) {
        let mut nothing = change;
        nothing.incomplete = false;
        for hit in &mut nothing.hits {
            hit.verb = Verb::Read;
        }
        let radius = radius(&draft, &nothing);
        prop_assert_eq!(radius.facts, RadiusFacts::default());
        prop_assert!(radius.functions.is_empty() && radius.services.is_empty());
    }

    #[test]
    fn later_stages_are_no_less(draft in drafts(), change in changes()) {
        let radius = radius(&draft, &change);
        for pair in radius.stages.windows(2) {
            prop_assert!(no_less(&all(&pair[1].facts), &all(&pair[0].facts)));
        }
        if let Some(last) = radius.stages.last() {
            prop_assert_eq!(&last.facts, &radius.facts);
        }
    }

    #[test]
    fn walls_hold(mut draft in drafts(), mut change in changes(), wall in 0..UNITS as u32) {
        for service in &mut draft.services {
            service.runs_in = (0..UNITS).map(place).collect();
        }
        change.incomplete = false;
        for hit in &mut change.hits {
            hit.units = Some(vec![wall]);
        }
        let catalog = Catalog::assemble(vec![draft.clone()]).unwrap();
        let facts = Model::new(&catalog).radius(&change).facts;
        prop_assert!(facts.units.high <= 1);
        prop_assert!(facts.customers_share.high <= catalog.units()[wall as usize].customers);
    }

    #[test]
    fn order_does_not_matter(draft in drafts(), change in changes()) {
        let json = |radius: &Radius| serde_json::to_string(radius).unwrap();
        let expected = json(&radius(&draft, &change));
        let mut turned = draft.clone();
        turned.services.reverse();
        turned.functions.reverse();
        turned.groups.reverse();
        turned.needs.reverse();
        turned.regions.reverse();
        let mut hits = change.clone();
        hits.hits.reverse();
        prop_assert_eq!(&json(&radius(&turned, &change)), &expected);
        prop_assert_eq!(&json(&radius(&draft, &hits)), &expected);
    }

    #[test]
    fn names_do_not_matter(draft in drafts(), change in changes()) {
        // s0..s7 become t7..t0: other names in another order.
        let new: BTreeMap<String, String> = (0..SERVICES)
            .map(|at| (service(at), format!("t{}", SERVICES - 1 - at)))
            .collect();
        let rename = |name: &mut String| {
            if let Some(new) = new.get(name) {
                name.clone_from(new);
            }
        };
        let mut renamed = draft.clone();
        for service in &mut renamed.services {
            rename(&mut service.id);
        }
        for group in &mut renamed.groups {
            group.members.iter_mut().for_each(rename);
        }
        for need in &mut renamed.needs {
            rename(&mut need.to);
            if let Needer::Service(name) = &mut need.from {
                rename(name);
            }
        }
        let mut moved = change.clone();
        for hit in &mut moved.hits {
            if let Placement::At(nodes) = &mut hit.place {
                for node in nodes {
                    if let Node::Service(at) = node {
                        *at = SERVICES as u32 - 1 - *at;
                    }
                }
            }
        }
        prop_assert_eq!(radius(&draft, &change).facts, radius(&renamed, &moved).facts);
    }

    #[test]
    fn every_claim_has_a_path(draft in drafts(), change in changes()) {
        let catalog = Catalog::assemble(vec![draft]).unwrap();
        let radius = Model::new(&catalog).radius(&change);
        for claim in radius.functions.iter().chain(&radius.services) {
            prop_assert!(holds(&catalog, &change, claim), "{claim:?}");
        }
    }
}

/// Checks a path against the catalogue and the change alone.
fn holds(catalog: &Catalog, change: &Change, claim: &Claim) -> bool {
    let Some(first) = claim.path.first() else {
        return false;
    };
    let mut hit = change.hits.iter().flat_map(|hit| match &hit.place {
        Placement::At(nodes) => nodes.clone(),
        Placement::Nowhere | Placement::Unknown => Vec::new(),
    });
    let last = claim.path.last().is_some_and(|step| step.id == claim.id);
    last && hit.any(|node| node == first.node)
        && claim.path.windows(2).all(|pair| {
            let (need, by) = (&pair[0], &pair[1]);
            let edge = catalog
                .edges()
                .iter()
                .find(|edge| (edge.from, edge.to) == (by.node, need.node));
            match (edge, by.node) {
                (Some(edge), _) => {
                    by.needs == Some(edge.kind)
                        && (claim.impact < Impact::Down || edge.kind == NeedKind::Hard)
                        && (claim.impact < Impact::Degraded || edge.kind >= NeedKind::Soft)
                }
                (None, Node::Group(at)) => {
                    let group = &catalog.groups()[at as usize];
                    let Node::Service(member) = need.node else {
                        return false;
                    };
                    let left = group.services.len() - 1 - by.also_lost.len();
                    group.services.contains(&member)
                        && (claim.impact < Impact::Degraded || left < group.needed as usize)
                }
                _ => false,
            }
        })
}
