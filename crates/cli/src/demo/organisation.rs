//! Who works there, and on what.

/// A service.
pub(super) struct Service {
    pub(super) id: &'static str,
    pub(super) tier: u8,
    pub(super) team: &'static str,
    /// Of a hundred changes, how many alter it.
    pub(super) weight: u64,
}

/// Somebody who works there.
pub(super) struct Person {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) level: &'static str,
    pub(super) team: &'static str,
}

const fn service(id: &'static str, tier: u8, team: &'static str, weight: u64) -> Service {
    Service {
        id,
        tier,
        team,
        weight,
    }
}

const fn person(
    id: &'static str,
    name: &'static str,
    level: &'static str,
    team: &'static str,
) -> Person {
    Person {
        id,
        name,
        level,
        team,
    }
}

/// Services, as `files/catalog.yaml` declares them.
pub(super) const SERVICES: [Service; 12] = [
    service("checkout", 1, "shop", 11),
    service("storefront", 1, "shop", 8),
    service("payments", 1, "money", 8),
    service("prices", 1, "money", 7),
    service("accounts", 1, "identity", 7),
    service("search", 2, "discovery", 11),
    service("delivery", 2, "logistics", 9),
    service("warehouse", 2, "logistics", 8),
    service("recommendations", 3, "discovery", 10),
    service("reviews", 3, "discovery", 7),
    service("mail", 3, "logistics", 7),
    service("images", 3, "shop", 7),
];

/// People. Teams have one of each level, so that teams and levels mix.
pub(super) const PEOPLE: [Person; 16] = [
    person("jan", "Jan Junior", "junior", "shop"),
    person("mia", "Mia Mid", "mid", "shop"),
    person("sara", "Sara Senior", "senior", "shop"),
    person("max", "Max Mid", "mid", "money"),
    person("omar", "Omar Senior", "senior", "money"),
    person("joy", "Joy Junior", "junior", "money"),
    person("noor", "Noor Mid", "mid", "identity"),
    person("li", "Li Senior", "senior", "identity"),
    person("jules", "Jules Junior", "junior", "identity"),
    person("ivy", "Ivy Junior", "junior", "discovery"),
    person("theo", "Theo Mid", "mid", "discovery"),
    person("una", "Una Senior", "senior", "discovery"),
    person("ben", "Ben Junior", "junior", "logistics"),
    person("kit", "Kit Mid", "mid", "logistics"),
    person("ravi", "Ravi Senior", "senior", "logistics"),
    person("gwen", "Gwen Principal", "principal", "platform"),
];

impl Person {
    pub(super) fn email(&self) -> String {
        format!("{}@sample.example", self.id)
    }

    pub(super) fn is_senior(&self) -> bool {
        matches!(self.level, "senior" | "principal")
    }
}

/// The senior of a team, who signs off its changes; the principal where there is
/// none.
pub(super) fn senior_of(team: &str) -> &'static str {
    let seniors = PEOPLE.iter().filter(|it| it.level == "senior");
    let mut of = seniors.filter(|it| it.team == team);
    of.next().map_or("gwen", |it| it.id)
}

/// The roster, as `people.toml` holds it.
pub(super) fn roster() -> String {
    let mut text = "# SAMPLE DATA, written by `countersign demo`: nobody here exists.\n\
                    version = 1\nlevels = [\"junior\", \"mid\", \"senior\", \"principal\"]\n"
        .to_owned();
    for it in &PEOPLE {
        text.push_str(&format!(
            "\n[[person]]\nid = \"{}\"\nname = \"{}\"\nemails = [\"{}\"]\nlevel = \"{}\"\n\
             teams = [\"{}\"]\nminutes_per_week = {}\n",
            it.id,
            it.name,
            it.email(),
            it.level,
            it.team,
            if it.is_senior() { 240 } else { 60 }
        ));
    }
    text
}
