//! Planted faults as ground truth for blast radii.
//!
//! A [`World`] is what a catalogue would be if someone could look inside:
//! instances of services that call each other and pass on failure message by
//! message. It shares no code with the radius: no graph, no reach, no bits.
//! [`Drift`] says how far the world has moved away from what the catalogue
//! claims, because no catalogue is ever quite right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countersign_core::catalog::{
    Cell, Draft, Function, Group, Need, NeedKind, Needer, Origin, Region, Service, Share,
};
use countersign_core::radius::Actual;

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, OOPSLA'14): the same numbers everywhere from the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        let wide = u128::from(self.roll()) * limit.max(1) as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// True in `percent` of 100 rolls.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// How far the world is from its catalogue, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drift {
    /// Needs that nobody declared, as a share of the declared ones.
    pub undeclared: usize,
    /// Declared hard needs that turn out soft.
    pub hard_is_soft: usize,
    /// Soft, async and unknown needs that turn out hard.
    pub others_are_hard: usize,
    /// Redundancy groups whose failover does not work.
    pub failover_broken: usize,
}

/// A random shop: `services` in layers, each needing some of a lower layer.
#[must_use]
pub fn random_catalogue(dice: &mut Dice, services: usize) -> Draft {
    let mut draft = Draft {
        regions: regions(),
        ..Draft::default()
    };
    let layer = |at: usize| at * 5 / services.max(1);
    for at in 0..services {
        let everywhere = dice.chance(80);
        draft.services.push(Service {
            id: format!("service-{at:03}"),
            tier: Some(u8::try_from(layer(at)).unwrap_or(4)),
            runs_in: if everywhere {
                vec!["eu".to_owned(), "us".to_owned()]
            } else {
                vec!["eu".to_owned()]
            },
            ..Service::default()
        });
    }
    for group in 0..services / 10 {
        let first = services - 1 - dice.below(services / 5 + 1);
        let members: BTreeSet<usize> = [first, first.saturating_sub(1)].into();
        draft.groups.push(Group {
            id: format!("group-{group}"),
            members: members
                .into_iter()
                .map(|m| format!("service-{m:03}"))
                .collect(),
            needed: 1,
        });
    }
    for at in 0..services {
        let from = Needer::Service(format!("service-{at:03}"));
        for _ in 0..=dice.below(3) {
            let to = at + 1 + dice.below(services / 5 + 1);
            if to < services {
                draft.needs.push(need(dice, &from, to));
            }
        }
        if dice.chance(15) && layer(at) < 3 && !draft.groups.is_empty() {
            let group = format!("group-{}", dice.below(draft.groups.len()));
            draft
                .needs
                .push(Need::said(from, group, NeedKind::Hard, Origin::Declared));
        }
    }
    for at in 0..6 {
        let id = format!("function-{at}");
        for _ in 0..=dice.below(2) {
            let to = dice.below(services / 4 + 1);
            let from = Needer::Function(id.clone());
            draft.needs.push(need(dice, &from, to));
        }
        draft.functions.push(Function {
            id,
            name: None,
            tier: Some(u8::try_from(at / 2).unwrap_or(2)),
            customers: Share::from_percent((10 + dice.below(90)) as f64).ok(),
        });
    }
    draft
}

fn regions() -> Vec<Region> {
    let cell = |id: &str| Cell {
        id: id.to_owned(),
        customers: None,
    };
    let region = |id: &str, percent: f64, cells| Region {
        id: id.to_owned(),
        customers: Share::from_percent(percent).ok(),
        cells,
    };
    vec![
        region("eu", 60.0, vec![cell("eu-a"), cell("eu-b")]),
        region("us", 40.0, vec![]),
    ]
}

fn need(dice: &mut Dice, from: &Needer, to: usize) -> Need {
    let kind = match dice.below(10) {
        0..=4 => NeedKind::Hard,
        5..=7 => NeedKind::Soft,
        8 => NeedKind::Async,
        _ => NeedKind::Unknown,
    };
    Need::said(
        from.clone(),
        format!("service-{to:03}"),
        kind,
        Origin::Declared,
    )
}

/// Who calls whom in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The caller fails with it.
    Fatal,
    /// The caller works worse without it.
    Worse,
    /// The caller does not notice.
    Harmless,
}

/// One call of an instance to any of several others.
#[derive(Debug, Clone)]
struct Call {
    manner: Manner,
    /// The ways in which the need is met, each one instance set: the need is
    /// unmet when fewer than `needed` ways have an instance left.
    ways: Vec<BTreeSet<usize>>,
    needed: usize,
}

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Well,
    Worse,
    Gone,
}

/// An instance of a service in a unit, or a function as customers of a unit
/// see it.
#[derive(Debug, Clone)]
struct Instance {
    owner: Owner,
    unit: usize,
    calls: Vec<Call>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Service(String),
    Function(String),
}

/// What really runs.
#[derive(Debug, Clone)]
pub struct World {
    instances: Vec<Instance>,
    callers: Vec<Vec<usize>>,
    /// Share of customers in every unit, in percent.
    units: Vec<(String, usize)>,
    /// Share of customers of every function, in percent.
    users: BTreeMap<String, usize>,
}

/// What the fault is planted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Services that are gone.
    pub services: Vec<String>,
    /// The one unit where they are gone; `None`: everywhere.
    pub unit: Option<String>,
}

impl World {
    /// The world that a catalogue describes, after some drift.
    #[must_use]
    pub fn new(draft: &Draft, drift: Drift, dice: &mut Dice) -> Self {
        let units = vec![
            ("eu-a".to_owned(), 30),
            ("eu-b".to_owned(), 30),
            ("us".to_owned(), 40),
        ];
        let mut world = Self {
            instances: Vec::new(),
            callers: Vec::new(),
            users: draft
                .functions
                .iter()
                .map(|f| {
                    (
                        f.id.clone(),
                        f.customers.map_or(100, |s| s.ppm() as usize / 10_000),
                    )
                })
                .collect(),
            units,
        };
        world.settle(draft);
        let broken: BTreeSet<String> = draft
            .groups
            .iter()
            .filter(|_| dice.chance(drift.failover_broken))
            .map(|group| group.id.clone())
            .collect();
        for need in &draft.needs {
            let manner = manner(need.kind, drift, dice);
            world.connect(draft, &need.from, &need.to, manner, &broken);
        }
        for _ in 0..draft.needs.len() * drift.undeclared / 100 {
            let (from, to) = (
                dice.below(draft.services.len()),
                dice.below(draft.services.len()),
            );
            if let (Some(from), Some(to)) = (draft.services.get(from), draft.services.get(to)) {
                let from = Needer::Service(from.id.clone());
                world.connect(draft, &from, &to.id, Manner::Fatal, &broken);
            }
        }
        world.callers = vec![Vec::new(); world.instances.len()];
        for (caller, instance) in world.instances.iter().enumerate() {
            let ways = instance.calls.iter().flat_map(|call| &call.ways);
            for called in ways.flatten() {
                if let Some(callers) = world.callers.get_mut(*called) {
                    callers.push(caller);
                }
            }
        }
        world
    }

    fn settle(&mut self, draft: &Draft) {
        for service in &draft.services {
            for (unit, (name, _)) in self.units.iter().enumerate() {
                let region = name.split('-').next().unwrap_or_default();
                if service.runs_in.iter().any(|place| place == region) {
                    self.instances.push(Instance {
                        owner: Owner::Service(service.id.clone()),
                        unit,
                        calls: Vec::new(),
                    });
                }
            }
        }
        for function in &draft.functions {
            for unit in 0..self.units.len() {
                self.instances.push(Instance {
                    owner: Owner::Function(function.id.clone()),
                    unit,
                    calls: Vec::new(),
                });
            }
        }
    }

    fn connect(
        &mut self,
        draft: &Draft,
        from: &Needer,
        to: &str,
        manner: Manner,
        broken: &BTreeSet<String>,
    ) {
        let owner = match from {
            Needer::Service(id) => Owner::Service(id.clone()),
            Needer::Function(id) => Owner::Function(id.clone()),
        };
        let group = draft.groups.iter().find(|group| group.id == to);
        let (targets, needed): (Vec<&str>, usize) = match group {
            Some(group) if broken.contains(&group.id) => (
                group.members.iter().map(String::as_str).collect(),
                group.members.len(),
            ),
            Some(group) => (
                group.members.iter().map(String::as_str).collect(),
                group.needed as usize,
            ),
            None => (vec![to], 1),
        };
        let homes: Vec<Vec<(usize, usize)>> =
            targets.iter().map(|target| self.homes(target)).collect();
        for instance in self.instances.iter_mut().filter(|i| i.owner == owner) {
            // The instance next door if there is one, else any far away.
            let ways = homes.iter().map(|homes| {
                let near = homes.iter().filter(|(_, unit)| *unit == instance.unit);
                let near: BTreeSet<usize> = near.map(|(at, _)| *at).collect();
                if near.is_empty() {
                    homes.iter().map(|(at, _)| *at).collect()
                } else {
                    near
                }
            });
            let ways = ways.collect();
            instance.calls.push(Call {
                manner,
                ways,
                needed,
            });
        }
    }

    fn homes(&self, service: &str) -> Vec<(usize, usize)> {
        let all = self.instances.iter().enumerate();
        all.filter(|(_, i)| matches!(&i.owner, Owner::Service(id) if id == service))
            .map(|(at, instance)| (at, instance.unit))
            .collect()
    }

    /// Plants a fault, lets the messages run, and looks at what is left.
    #[must_use]
    pub fn plant(&self, fault: &Fault, dice: &mut Dice) -> Actual {
        let mut health = vec![Health::Well; self.instances.len()];
        let mut messages = VecDeque::new();
        for (at, instance) in self.instances.iter().enumerate() {
            let hit = match &instance.owner {
                Owner::Service(id) => fault.services.contains(id),
                Owner::Function(_) => false,
            };
            let unit = self.units.get(instance.unit).map(|(name, _)| name);
            if hit && (fault.unit.is_none() || fault.unit.as_ref() == unit) {
                set(&mut health, at, Health::Gone);
                messages.push_back(at);
            }
        }
        while let Some(sender) = messages.pop_front() {
            for caller in self.callers.get(sender).into_iter().flatten() {
                let before = get(&health, *caller);
                let after = self.feels(*caller, &health).max(before);
                if after > before {
                    set(&mut health, *caller, after);
                    messages.push_back(*caller);
                }
            }
        }
        self.look(&health, dice)
    }

    /// How an instance is, given how the ones it calls are.
    fn feels(&self, at: usize, health: &[Health]) -> Health {
        let calls = self
            .instances
            .get(at)
            .map_or(&[][..], |i| i.calls.as_slice());
        let of = |call: &Call| {
            let left = |limit: Health| {
                let ways = call.ways.iter();
                ways.filter(|way| way.iter().any(|i| get(health, *i) < limit))
                    .count()
            };
            match call.manner {
                Manner::Harmless => Health::Well,
                Manner::Fatal if left(Health::Gone) < call.needed => Health::Gone,
                _ if left(Health::Worse) < call.needed => Health::Worse,
                _ => Health::Well,
            }
        };
        calls.iter().map(of).max().unwrap_or(Health::Well)
    }

    /// What an observer writes down, customers counted one by one.
    fn look(&self, health: &[Health], dice: &mut Dice) -> Actual {
        const CUSTOMERS: usize = 2_000;
        let mut actual = Actual::default();
        let mut down: BTreeSet<(&str, usize)> = BTreeSet::new();
        for (at, instance) in self.instances.iter().enumerate() {
            match (&instance.owner, get(health, at)) {
                (_, Health::Well) | (Owner::Service(_), Health::Worse) => {}
                (Owner::Service(id), Health::Gone) => {
                    actual.services.insert(id.clone());
                }
                (Owner::Function(id), state) => {
                    actual.functions.insert(id.clone());
                    if state == Health::Gone {
                        down.insert((id, instance.unit));
                    }
                }
            }
        }
        let noticing = (0..CUSTOMERS).filter(|_| {
            let mut place = dice.below(100);
            let unit = self.units.iter().position(|(_, share)| {
                let here = place < *share;
                place = place.saturating_sub(*share);
                here
            });
            self.users.iter().any(|(function, share)| {
                dice.chance(*share) && unit.is_some_and(|unit| down.contains(&(function, unit)))
            })
        });
        let ppm = noticing.count() * 1_000_000 / CUSTOMERS;
        actual.customers = Some(Share::from_ppm(ppm as u64));
        actual
    }
}

fn manner(kind: NeedKind, drift: Drift, dice: &mut Dice) -> Manner {
    match kind {
        NeedKind::Hard if dice.chance(drift.hard_is_soft) => Manner::Worse,
        NeedKind::Hard => Manner::Fatal,
        _ if dice.chance(drift.others_are_hard) => Manner::Fatal,
        NeedKind::Soft => Manner::Worse,
        NeedKind::Async | NeedKind::Unknown => Manner::Harmless,
    }
}

fn get(health: &[Health], at: usize) -> Health {
    health.get(at).copied().unwrap_or(Health::Well)
}

fn set(health: &mut [Health], at: usize, to: Health) {
    if let Some(health) = health.get_mut(at) {
        *health = to;
    }
}
