//! A small organisation whose true risks are known.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{
    By, Event, Exposure, History, Incident, Link, Options, SizeBucket, Stratum,
};
use countersign_operations::week::Week;
use countersign_stats::Random;
use jiff::Timestamp;

pub(crate) struct World {
    pub(crate) exposure: Exposure,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) events: Vec<Event>,
    pub(crate) random: Random,
}

pub(crate) fn week(text: &str) -> Week {
    text.parse().unwrap()
}

/// Questions about parts cost time that a simulation has not.
pub(crate) fn whole_only() -> Options {
    Options {
        by: Vec::new(),
        ..Options::default()
    }
}

/// Noon of a day of a week.
pub(crate) fn at(week: Week, day: u64) -> Timestamp {
    let monday: Timestamp = format!("{}T12:00:00Z", week.monday()).parse().unwrap();
    Timestamp::from_second(monday.as_second() + 86_400 * day as i64).unwrap()
}

impl World {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            exposure: Exposure::default(),
            incidents: Vec::new(),
            events: Vec::new(),
            random: Random::seeded(seed),
        }
    }

    pub(crate) fn stratum(
        &mut self,
        service: &str,
        size: SizeBucket,
        involvement: Involvement,
    ) -> Stratum {
        let names = &mut self.exposure.names;
        Stratum {
            service: names.name(service),
            tier: names.name("tier-1"),
            team: names.name("shop"),
            author_level: names.name("mid"),
            size,
            involvement,
        }
    }

    /// Ships changes, of which exactly so many fail in the same week.
    pub(crate) fn ship(&mut self, week: Week, stratum: Stratum, changes: u64, failing: u64) {
        self.exposure.ship(week, stratum, changes);
        for _ in 0..failing {
            self.fail(week, stratum, 3);
        }
    }

    /// An incident linked to a change of a stratum.
    pub(crate) fn fail(&mut self, week: Week, stratum: Stratum, severity: u8) {
        let day = self.random.below(7);
        self.incidents.push(Incident {
            id: format!("inc-{}", self.incidents.len()),
            severity,
            at: at(week, day),
            services: vec![stratum.service],
            links: vec![Link {
                stratum,
                week,
                confidence: 0.9,
            }],
            ai: stratum.involvement,
        });
    }

    pub(crate) fn event(&mut self, name: &str, week: Week) {
        self.events.push(Event {
            name: name.to_owned(),
            week,
            affects: Vec::new(),
        });
    }

    /// A Poisson number (Knuth's product of uniforms; fine for small means).
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        let (limit, mut product, mut number) = ((-mean).exp(), self.random.uniform(), 0);
        while product > limit {
            product *= self.random.uniform();
            number += 1;
        }
        number
    }

    pub(crate) fn history(self) -> History {
        History::new(self.exposure, self.incidents, self.events, (None, None)).unwrap()
    }
}

/// How many of a steady `mean` a week fall into one: no luck, the sum is exact.
pub(crate) fn steady(mean: f64, week: i32) -> u64 {
    let before = (mean * f64::from(week)).floor();
    ((mean * f64::from(week + 1)).floor() - before) as u64
}

/// Two years in which every week ships the same and the rate doubles halfway.
pub(crate) fn doubled() -> World {
    let mut world = World::seeded(1);
    let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Unknown);
    for number in 0..104 {
        let mean = if number < 52 { 3.0 } else { 6.0 };
        let failing = world.poisson(mean);
        world.ship(week("2024-W01").plus(number), stratum, 200, failing);
    }
    world
}

pub(crate) fn by_all() -> Vec<By> {
    vec![By::Severity, By::Service, By::Involvement]
}
