//! The finite space of facts that one or two policies can tell apart.
//!
//! Every fact is finite or cut into a few ranges by the thresholds that the
//! policies name, so the space can be walked cell by cell. Paths are treated
//! as free: any combination of path sets may be touched together. That can
//! only add cells, so a proof over all cells holds for all real changes.

use crate::effect::{Environment, Verb};
use crate::facts::Kind;
use crate::involvement::{Role, Verdict};
use crate::roster::Level;
use crate::usage::Maturity;

use super::condition::{Bound, Condition, effect_text};
use super::window::Span;
use super::{Observed, Outcome, Policy, Rule};

/// More cells than this are not walked.
pub(super) const MAX_CELLS: u64 = 8_000_000;

/// One fact and the values it can take.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    Kind,
    Involvement,
    Roles(Vec<u8>),
    Suppressed,
    Author(u8),
    Paths(Vec<String>),
    Owner(String),
    Tier(Vec<Option<u64>>),
    Environment,
    Effects(Vec<u8>),
    Services(Vec<Option<u64>>),
    Functions(Vec<Option<u64>>),
    Customers(Vec<Option<u64>>),
    Irreversible,
    Usage,
    Lines(Vec<u64>),
    Files(Vec<u64>),
    Window(String, Span),
}

impl Fact {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Kind => Kind::ALL.len(),
            Self::Involvement => Verdict::ALL.len(),
            Self::Roles(masks) | Self::Effects(masks) => masks.len(),
            Self::Suppressed | Self::Owner(_) | Self::Window(..) => 2,
            Self::Author(levels) => usize::from(*levels),
            Self::Paths(_) | Self::Irreversible => 3,
            Self::Tier(v) | Self::Services(v) | Self::Functions(v) | Self::Customers(v) => v.len(),
            Self::Environment => Environment::ALL.len(),
            Self::Usage => Maturity::ALL.len() + 1,
            Self::Lines(v) | Self::Files(v) => v.len(),
        }
    }

    /// The fact's name, for saying what makes a space too large.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Kind => "kind".into(),
            Self::Involvement => "involvement".into(),
            Self::Roles(_) => "roles".into(),
            Self::Suppressed => "suppressed".into(),
            Self::Author(_) => "author".into(),
            Self::Paths(globs) => format!("paths {}", globs.join(" ")),
            Self::Owner(owner) => format!("owner {owner}"),
            Self::Tier(_) => "tier".into(),
            Self::Environment => "environment".into(),
            Self::Effects(_) => "effects".into(),
            Self::Services(_) => "services".into(),
            Self::Functions(_) => "functions".into(),
            Self::Customers(_) => "customers".into(),
            Self::Irreversible => "irreversible".into(),
            Self::Usage => "usage".into(),
            Self::Lines(_) => "lines".into(),
            Self::Files(_) => "files".into(),
            Self::Window(id, _) => format!("window {id}"),
        }
    }
}

/// All facts that matter to a set of policies.
#[derive(Debug, Clone)]
pub(super) struct Space {
    pub(super) facts: Vec<Fact>,
    /// Pairs of path facts where every path of the first is one of the second.
    within: Vec<(usize, usize)>,
}

impl Space {
    /// The space that the policies' rules can tell apart together.
    pub(super) fn of(policies: &[&Policy]) -> Self {
        let mut builder = Builder::default();
        for policy in policies {
            for rule in &policy.rules {
                builder.rule(policy, rule);
            }
        }
        let levels = policies
            .iter()
            .map(|policy| policy.levels.highest().0.saturating_add(1))
            .max()
            .unwrap_or(1);
        builder.finish(levels)
    }

    /// How many cells; saturates.
    pub(super) fn cells(&self) -> u64 {
        self.facts
            .iter()
            .fold(1_u64, |n, fact| n.saturating_mul(fact.len() as u64))
    }

    /// Walks all cells. `visit` gets the choice per fact and the cell as each
    /// policy sees it; cells that cannot occur are left out.
    pub(super) fn walk(&self, policies: &[&Policy], mut visit: impl FnMut(&[usize], &[Observed])) {
        let mut choice = vec![0; self.facts.len()];
        let mut seen: Vec<Observed> = policies.iter().map(|policy| blank(policy)).collect();
        for (fact, value) in self.facts.iter().zip(&choice) {
            apply(fact, *value, policies, &mut seen);
        }
        loop {
            if seen.iter().all(is_possible) && self.paths_fit(&choice) {
                visit(&choice, &seen);
            }
            let mut place = 0;
            loop {
                let (Some(value), Some(fact)) = (choice.get_mut(place), self.facts.get(place))
                else {
                    return;
                };
                *value = (*value + 1) % fact.len();
                apply(fact, *value, policies, &mut seen);
                if *value != 0 {
                    break;
                }
                place += 1;
            }
        }
    }

    /// Whether path sets that contain each other are chosen consistently.
    fn paths_fit(&self, choice: &[usize]) -> bool {
        self.within.iter().all(
            |(inner, outer)| match (choice.get(*inner), choice.get(*outer)) {
                (Some(2), Some(outer)) => *outer == 2,
                (Some(1), Some(outer)) => *outer >= 1,
                _ => true,
            },
        )
    }

    /// One fact of a cell in words; `None` where it says nothing of interest.
    pub(super) fn describe(fact: &Fact, value: usize, policy: &Policy) -> Option<String> {
        let number = |v: &Option<u64>, what: &str| match v {
            Some(v) => format!("{v} {what}"),
            None => format!("unknown {what}"),
        };
        Some(match fact {
            Fact::Kind => format!("a {}", Kind::ALL.get(value)?.as_str()),
            Fact::Involvement => {
                format!("AI involvement is {}", Verdict::ALL.get(value)?.as_str())
            }
            Fact::Roles(masks) => {
                let mask = *masks.get(value)?;
                let roles = Role::ALL
                    .iter()
                    .filter(|role| mask & (1 << **role as u8) != 0);
                let words: Vec<&str> = roles.map(|role| role.as_str()).collect();
                (!words.is_empty()).then(|| format!("AI {}", words.join(" and ")))?
            }
            Fact::Suppressed => (value == 1).then(|| "AI markers are suppressed".to_owned())?,
            Fact::Author(_) => {
                let level = Level(u8::try_from(value).ok()?);
                format!("author is {}", policy.levels.name(level))
            }
            Fact::Paths(globs) => match value {
                0 => return None,
                1 => format!("touches {}", globs.join(" or ")),
                _ => format!("touches only {}", globs.join(" or ")),
            },
            Fact::Owner(owner) => (value == 1).then(|| format!("owned by {owner}"))?,
            Fact::Tier(values) => match values.get(value)? {
                Some(tier) => format!("tier {tier}"),
                None => "in no catalogue".to_owned(),
            },
            Fact::Environment => {
                format!("lands in {}", Environment::ALL.get(value)?.as_str())
            }
            Fact::Effects(masks) => {
                let mask = *masks.get(value)?;
                let verbs = Verb::ALL
                    .iter()
                    .filter(|verb| mask & (1 << **verb as u8) != 0);
                let words: Vec<&str> = verbs.map(|verb| effect_text(*verb)).collect();
                (!words.is_empty()).then(|| format!("{} something", words.join(" and ")))?
            }
            Fact::Services(values) => number(values.get(value)?, "services reached"),
            Fact::Functions(values) => number(values.get(value)?, "customer functions reached"),
            Fact::Customers(values) => number(values.get(value)?, "% of customers exposed"),
            Fact::Irreversible => match value {
                0 => return None,
                1 => "destroys state without a backup".to_owned(),
                _ => "may destroy state".to_owned(),
            },
            Fact::Usage => match value {
                0 => return None,
                n => format!("AI usage is {}", Maturity::ALL.get(n - 1)?.as_str()),
            },
            Fact::Lines(values) => format!("{} lines", values.get(value)?),
            Fact::Files(values) => format!("{} files", values.get(value)?),
            Fact::Window(id, _) => (value == 1).then(|| format!("during {id}"))?,
        })
    }
}

/// AI cannot have written what people alone made.
fn is_possible(seen: &Observed) -> bool {
    let wrote = [Role::Wrote, Role::Executed, Role::Advised]
        .iter()
        .any(|role| seen.has_role(*role));
    !wrote || seen.involvement == Verdict::Yes
}

fn blank(policy: &Policy) -> Observed {
    Observed {
        kind: Kind::Merge,
        involvement: Verdict::Unknown,
        roles: 0,
        suppressed: false,
        author_level: Level(0),
        paths_any: vec![false; policy.paths.len()],
        paths_all: vec![false; policy.paths.len()],
        owners: vec![false; policy.owners.len()],
        tier: policy.settings.unmapped_tier,
        environment: policy.settings.unknown_environment,
        effects: 0,
        services: None,
        functions: None,
        customers: None,
        irreversible: Some(false),
        usage: None,
        lines: 0,
        files: 0,
        windows: vec![false; policy.windows.len()],
    }
}

fn apply(fact: &Fact, value: usize, policies: &[&Policy], seen: &mut [Observed]) {
    for (policy, seen) in policies.iter().zip(seen) {
        match fact {
            Fact::Kind => seen.kind = pick(&Kind::ALL, value, Kind::Merge),
            Fact::Involvement => {
                seen.involvement = pick(&Verdict::ALL, value, Verdict::Unknown);
            }
            Fact::Roles(masks) => seen.roles = pick(masks, value, 0),
            Fact::Suppressed => seen.suppressed = value == 1,
            Fact::Author(_) => seen.author_level = Level(u8::try_from(value).unwrap_or(u8::MAX)),
            Fact::Paths(globs) => {
                let sets = policy.paths.iter().enumerate();
                for (place, _) in sets.filter(|(_, set)| set.globs == *globs) {
                    set(&mut seen.paths_any, place, value > 0);
                    set(&mut seen.paths_all, place, value == 2);
                }
            }
            Fact::Owner(owner) => {
                if let Some(place) = policy.owners.iter().position(|o| o == owner) {
                    set(&mut seen.owners, place, value == 1);
                }
            }
            Fact::Tier(values) => {
                seen.tier = pick(values, value, None).unwrap_or(policy.settings.unmapped_tier);
            }
            Fact::Environment => {
                seen.environment = match pick(&Environment::ALL, value, Environment::Unknown) {
                    Environment::Unknown => policy.settings.unknown_environment,
                    known => known,
                };
            }
            Fact::Effects(masks) => seen.effects = pick(masks, value, 0),
            Fact::Services(values) => seen.services = pick(values, value, None),
            Fact::Functions(values) => seen.functions = pick(values, value, None),
            Fact::Customers(values) => seen.customers = pick(values, value, None),
            Fact::Irreversible => {
                seen.irreversible = pick(&[Some(false), Some(true), None], value, None);
            }
            Fact::Usage => {
                seen.usage = value
                    .checked_sub(1)
                    .and_then(|n| Maturity::ALL.get(n).copied());
            }
            Fact::Lines(values) => seen.lines = pick(values, value, 0),
            Fact::Files(values) => seen.files = pick(values, value, 0),
            Fact::Window(_, span) => {
                let windows = policy.windows.iter().enumerate();
                for (place, _) in windows.filter(|(_, window)| window.span == *span) {
                    set(&mut seen.windows, place, value == 1);
                }
            }
        }
    }
}

fn pick<T: Copy>(values: &[T], place: usize, otherwise: T) -> T {
    values.get(place).copied().unwrap_or(otherwise)
}

fn set(list: &mut [bool], place: usize, value: bool) {
    if let Some(entry) = list.get_mut(place) {
        *entry = value;
    }
}

#[derive(Default)]
struct Builder {
    facts: Vec<Fact>,
    roles: u8,
    /// The lists of verbs that conditions ask for.
    effects: Vec<Vec<Verb>>,
    cuts: [Vec<u64>; 6],
}

const TIER: usize = 0;
const SERVICES: usize = 1;
const FUNCTIONS: usize = 2;
const CUSTOMERS: usize = 3;
const LINES: usize = 4;
const FILES: usize = 5;

impl Builder {
    fn add(&mut self, fact: Fact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    fn window(&mut self, policy: &Policy, place: usize) {
        if let Some(window) = policy.windows.get(place) {
            let known = self
                .facts
                .iter()
                .any(|fact| matches!(fact, Fact::Window(_, span) if *span == window.span));
            if !known {
                self.facts
                    .push(Fact::Window(window.id.clone(), window.span.clone()));
            }
        }
    }

    fn rule(&mut self, policy: &Policy, rule: &Rule) {
        if let Some(window) = rule.pack {
            self.window(policy, window);
        }
        if let Outcome::Require(requirements) = &rule.outcome
            && requirements
                .iter()
                .any(|requirement| requirement.above_author)
        {
            self.add(Fact::Author(0));
        }
        for condition in rule.when.iter().chain(&rule.unless) {
            self.condition(policy, condition);
        }
    }

    fn condition(&mut self, policy: &Policy, condition: &Condition) {
        match condition {
            Condition::Kind(_) => self.add(Fact::Kind),
            Condition::Involvement(_) => self.add(Fact::Involvement),
            Condition::Roles(roles) => {
                self.add(Fact::Involvement);
                for role in roles {
                    self.roles |= 1 << *role as u8;
                }
            }
            Condition::Suppressed(_) => self.add(Fact::Suppressed),
            Condition::Author(_) => self.add(Fact::Author(0)),
            Condition::Paths(place) | Condition::OnlyPaths(place) => {
                if let Some(set) = policy.paths.get(*place) {
                    self.add(Fact::Paths(set.globs.clone()));
                }
            }
            Condition::Owners(places) => {
                for owner in places.iter().filter_map(|place| policy.owners.get(*place)) {
                    self.add(Fact::Owner(owner.clone()));
                }
            }
            Condition::Tier(bound) => {
                self.cut(TIER, *bound);
                self.cut_at(TIER, policy.settings.unmapped_tier);
            }
            Condition::Environment(_) => self.add(Fact::Environment),
            Condition::Effects(verbs) => self.effects.push(verbs.clone()),
            Condition::Services(bound) => self.cut(SERVICES, *bound),
            Condition::Functions(bound) => self.cut(FUNCTIONS, *bound),
            Condition::Customers(bound) => self.cut(CUSTOMERS, *bound),
            Condition::Irreversible(_) => self.add(Fact::Irreversible),
            Condition::Usage(_) => self.add(Fact::Usage),
            Condition::Lines(bound) => self.cut(LINES, *bound),
            Condition::Files(bound) => self.cut(FILES, *bound),
            Condition::During(places) => {
                for place in places {
                    self.window(policy, *place);
                }
            }
        }
    }

    fn cut_at(&mut self, fact: usize, at: u64) {
        if let Some(cuts) = self.cuts.get_mut(fact) {
            cuts.push(at);
        }
    }

    fn cut(&mut self, fact: usize, bound: Bound) {
        self.cut_at(fact, 0);
        if let Some(least) = bound.at_least {
            self.cut_at(fact, least);
        }
        if let Some(most) = bound.at_most {
            self.cut_at(fact, most.saturating_add(1));
        }
    }

    fn finish(mut self, levels: u8) -> Space {
        for fact in &mut self.facts {
            if let Fact::Author(count) = fact {
                *count = levels;
            }
        }
        if self.roles != 0 {
            let mentioned = self.roles;
            let masks = (0..16_u8).filter(|mask| mask & !mentioned == 0).collect();
            self.facts.push(Fact::Roles(masks));
        }
        if !self.effects.is_empty() {
            self.facts.push(Fact::Effects(effect_masks(&self.effects)));
        }
        for (place, mut cuts) in self.cuts.into_iter().enumerate() {
            if cuts.is_empty() {
                continue;
            }
            cuts.sort_unstable();
            cuts.dedup();
            let maybe: Vec<Option<u64>> = cuts.iter().copied().map(Some).chain([None]).collect();
            self.facts.push(match place {
                TIER => Fact::Tier(maybe),
                SERVICES => Fact::Services(maybe),
                FUNCTIONS => Fact::Functions(maybe),
                CUSTOMERS => Fact::Customers(maybe),
                LINES => Fact::Lines(cuts),
                _ => Fact::Files(cuts),
            });
        }
        let within = containments(&self.facts);
        Space {
            facts: self.facts,
            within,
        }
    }
}

/// Sets of verbs, as bits, that the lists can tell apart. Verbs that stand in
/// the same lists are the same to them, so one of each kind is enough; what
/// nobody can read is a kind of its own.
fn effect_masks(lists: &[Vec<Verb>]) -> Vec<u8> {
    let kind = |verb: Verb| -> Vec<bool> { lists.iter().map(|it| it.contains(&verb)).collect() };
    let mut kinds: Vec<Vec<bool>> = Vec::new();
    let mut examples = 1_u8 << Verb::Unknown as u8;
    // The verb that takes away most stands for its kind.
    for verb in Verb::ALL.into_iter().rev() {
        let kind = kind(verb);
        if verb != Verb::Unknown && kind.contains(&true) && !kinds.contains(&kind) {
            kinds.push(kind);
            examples |= 1 << verb as u8;
        }
    }
    (0..=u8::MAX).filter(|mask| mask & !examples == 0).collect()
}

fn containments(facts: &[Fact]) -> Vec<(usize, usize)> {
    let mut within = Vec::new();
    for (inner, a) in facts.iter().enumerate() {
        for (outer, b) in facts.iter().enumerate() {
            if let (Fact::Paths(a), Fact::Paths(b)) = (a, b)
                && inner != outer
                && a.iter()
                    .all(|glob| b.iter().any(|other| is_within(glob, other)))
            {
                within.push((inner, outer));
            }
        }
    }
    within
}

/// Whether every path that `glob` matches is certainly matched by `outer`.
/// Knows equal globs, plain paths, and everything below a plain directory.
fn is_within(glob: &str, outer: &str) -> bool {
    let is_plain = |text: &str| !text.contains(['*', '?', '[', '{', '\\']);
    if glob == outer || outer == "**" {
        return true;
    }
    outer.strip_suffix("**").is_some_and(|directory| {
        directory.ends_with('/') && is_plain(directory) && glob.starts_with(directory)
    })
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn containment_is_never_claimed_by_mistake() {
        for (glob, outer, wanted) in [
            ("a/b", "a/**", true),
            ("a/*.rs", "a/**", true),
            ("a/b/**", "a/**", true),
            ("a/**", "a/**", true),
            ("x", "**", true),
            ("ab/c", "a/**", false),
            ("a/b", "a/*", false),
            ("**/x", "a/**", false),
            ("{a,b}/x", "a/**", false),
        ] {
            assert_eq!(is_within(glob, outer), wanted, "{glob} in {outer}");
        }
    }
}
