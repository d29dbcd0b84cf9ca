//! Predicted radii against planted faults: how much is found, how much is
//! claimed in vain, and how often the truth lies within the bounds.
//!
//! `cargo test -p countersign-testkit --test radius -- --nocapture` prints the
//! table.
#![expect(clippy::expect_used, reason = "set-up that fails has to fail loudly")]

use countersign_core::catalog::{Catalog, Node, Share};
use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_core::radius::{Change, Hit, Model, Placement, SetScore};
use countersign_testkit::simulator::{Dice, Drift, Fault, World, random_catalogue};

const CATALOGUES: u64 = 40;
const FAULTS: usize = 25;
const SERVICES: usize = 60;

/// What came of many faults.
#[derive(Default)]
struct Report {
    services: SetScore,
    functions: SetScore,
    faults: u32,
    services_within: u32,
    functions_within: u32,
    customers_within: u32,
    /// Sum of the widths of the customers' bounds, in parts per million.
    width: u64,
}

fn run(drift: Drift) -> Report {
    let mut report = Report::default();
    for seed in 0..CATALOGUES {
        let mut dice = Dice::new(seed);
        let draft = random_catalogue(&mut dice, SERVICES);
        let catalog = Catalog::assemble(vec![draft.clone()]).expect("a catalogue");
        let model = Model::new(&catalog);
        let world = World::new(&draft, drift, &mut dice);
        for _ in 0..FAULTS {
            let fault = fault(&mut dice);
            let actual = world.plant(&fault, &mut dice);
            let radius = model.radius(&change(&catalog, &fault));
            let score = radius.score(&actual);
            report.services = report.services.plus(score.services);
            report.functions = report.functions.plus(score.functions);
            report.faults += 1;
            report.services_within += u32::from(score.services_within);
            report.functions_within += u32::from(score.functions_within);
            let bounds = radius.facts.customers_share;
            // Customers are counted on a sample: allow four standard errors.
            let seen = u64::from(actual.customers.unwrap_or_default().ppm());
            let within = seen <= u64::from(bounds.high.ppm()) + 45_000
                && seen + 45_000 >= u64::from(bounds.low.ppm());
            report.customers_within += u32::from(within);
            report.width += u64::from(bounds.high.ppm() - bounds.low.ppm());
        }
    }
    report
}

fn fault(dice: &mut Dice) -> Fault {
    let count = 1 + dice.below(2);
    let services = (0..count).map(|_| format!("service-{:03}", dice.below(SERVICES)));
    Fault {
        services: services.collect(),
        unit: dice.chance(50).then(|| "eu-a".to_owned()),
    }
}

fn change(catalog: &Catalog, fault: &Fault) -> Change {
    let unit = fault.unit.as_ref().map(|name| {
        let at = catalog.units().iter().position(|unit| unit.id == *name);
        vec![u32::try_from(at.expect("a unit")).expect("a small number")]
    });
    let place = |id: &String| match catalog.resolve(id) {
        Some(node @ Node::Service(_)) => Placement::At(vec![node]),
        _ => Placement::Unknown,
    };
    let hits = fault.services.iter().map(|id| Hit {
        object: id.clone(),
        verb: Verb::Delete,
        state: StateLoss::None,
        environment: Environment::Production,
        place: place(id),
        units: unit.clone(),
        witness: "planted".to_owned(),
    });
    Change {
        hits: hits.collect(),
        ..Change::default()
    }
}

fn print(name: &str, report: &Report) {
    let share = |share: Option<Share>| match share {
        Some(share) => format!("{:5.1} %", f64::from(share.ppm()) / 1e4),
        None => "-".to_owned(),
    };
    let part = |part: u32| f64::from(part) * 100.0 / f64::from(report.faults.max(1));
    println!(
        "{name:<22} {} {} | {} {} | {:5.1} % {:5.1} % {:5.1} % | {:4.1}",
        share(report.services.recall()),
        share(report.services.precision()),
        share(report.functions.recall()),
        share(report.functions.precision()),
        part(report.services_within),
        part(report.functions_within),
        part(report.customers_within),
        report.width as f64 / 1e4 / f64::from(report.faults.max(1)),
    );
}

#[test]
fn radii_against_planted_faults() {
    let exact = run(Drift::default());
    let some = run(Drift {
        undeclared: 2,
        hard_is_soft: 10,
        others_are_hard: 5,
        failover_broken: 10,
    });
    let much = run(Drift {
        undeclared: 10,
        hard_is_soft: 25,
        others_are_hard: 20,
        failover_broken: 30,
    });
    println!(
        "{} planted faults in {CATALOGUES} catalogues each",
        exact.faults
    );
    println!(
        "catalogue              services rec prec | functions rec prec | within: services, functions, customers | mean width"
    );
    print("exact", &exact);
    print("some drift", &some);
    print("much drift", &much);
    // A catalogue that tells the truth is predicted without a miss.
    assert_eq!((exact.services.missed, exact.services.spurious), (0, 0));
    assert_eq!((exact.functions.missed, exact.functions.spurious), (0, 0));
    assert_eq!(exact.services_within, exact.faults);
    assert_eq!(exact.functions_within, exact.faults);
    assert_eq!(exact.customers_within, exact.faults);
    // Without undeclared needs the bounds hold however the declared ones behave.
    let closed = run(Drift {
        undeclared: 0,
        hard_is_soft: 25,
        others_are_hard: 20,
        failover_broken: 30,
    });
    print("much, all declared", &closed);
    assert_eq!(closed.services_within, closed.faults);
    assert_eq!(closed.functions_within, closed.faults);
    assert_eq!(closed.customers_within, closed.faults);
    // With them, most still is: bounds that never fail would say nothing.
    assert!(some.services.recall() > Share::from_percent(80.0).ok());
    assert!(some.services_within * 10 > some.faults * 8);
}
