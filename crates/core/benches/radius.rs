//! Blast radius at the size of a very large organisation: 100,000 services and
//! 5,000,000 needs, next to other ways to ask the same.
//!
//! `cargo bench -p countersign-core --bench radius`. Peers in the same run:
//! petgraph's `Bfs`; where `python3` (or `$PYTHON`) is present, a recursive
//! query in SQLite and, if installed, networkx, both on a graph with a fifth of
//! the needs. Answers are compared before anything is timed.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "set-up that fails has to fail loudly"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_core::catalog::{
    Catalog, Draft, Function, Need, NeedKind, Needer, Node, Origin, Service, Share,
};
use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_core::radius::{
    Change, Graph, Hit, Level, Marks, Model, Outline, Placement, Shape, Threshold,
};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Bfs, Reversed};

const SERVICES: u32 = 100_000;
const FUNCTIONS: u32 = 512;
const UNITS: usize = 64;
const GROUPS: u32 = 50;
/// Questions to the slow peers.
const PEER_SEEDS: usize = 15;

/// xorshift64 (Marsaglia 2003): the same graph in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u32) -> u32 {
        u32::try_from((u128::from(self.roll()) * u128::from(limit)) >> 64).unwrap_or(0)
    }

    /// Low numbers far more often: some services are needed by very many.
    fn skewed(&mut self, limit: u32) -> u32 {
        let even = f64::from(self.below(limit)) / f64::from(limit);
        // Below the limit, so it fits.
        (even.powi(3) * f64::from(limit)) as u32
    }
}

/// Needs from higher to lower numbers, one in a thousand backwards, so that
/// there is a large circle.
fn needs(count: usize) -> Vec<(u32, u32, Level)> {
    let mut dice = Dice(0x5eed);
    let mut edges = Vec::with_capacity(count);
    while edges.len() < count {
        let (a, b) = (dice.below(SERVICES), dice.skewed(SERVICES));
        if a == b {
            continue;
        }
        let backwards = dice.below(1_000) == 0;
        let (from, to) = if (a > b) == backwards { (b, a) } else { (a, b) };
        let level = match dice.below(10) {
            0..=4 => Level::Hard,
            5..=7 => Level::Soft,
            _ => Level::Any,
        };
        edges.push((from, to, level));
    }
    edges.sort_unstable();
    edges
}

fn shape(edges: Vec<(u32, u32, Level)>) -> Shape {
    // Groups come after the services; each of two neighbours.
    let thresholds = (0..GROUPS).map(|at| Threshold {
        node: SERVICES + at,
        members: vec![at * 1_000, at * 1_000 + 1],
        losses: 2,
    });
    Shape {
        nodes: (SERVICES + GROUPS) as usize,
        edges,
        thresholds: thresholds.collect(),
        units: UNITS,
        places: Vec::new(),
    }
}

/// The highest numbers are needed by nobody: those are what customers see.
fn marks() -> Marks {
    Marks {
        functions: FUNCTIONS,
        function: (0..SERVICES)
            .map(|at| at.checked_sub(SERVICES - FUNCTIONS))
            .collect(),
        tier: (0..SERVICES).map(|at| u8::try_from(at % 4).ok()).collect(),
    }
}

fn seeds(count: usize) -> Vec<u32> {
    let mut dice = Dice(0xfa11);
    (0..count).map(|_| dice.below(SERVICES)).collect()
}

/// Times each call; answers sorted.
fn times<T>(inputs: &[T], mut ask: impl FnMut(&T)) -> Vec<Duration> {
    let mut times: Vec<Duration> = inputs
        .iter()
        .map(|input| {
            let start = Instant::now();
            ask(input);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn quantile(times: &[Duration], percent: usize) -> Duration {
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

fn main() {
    let edges = needs(5_000_000);
    println!(
        "{SERVICES} services, {} needs, {FUNCTIONS} functions, {UNITS} units, {GROUPS} groups",
        edges.len()
    );
    let (graph, outline) = build(&edges);
    ask_outline(&graph, &outline);
    exact(&graph, "exact list, 5,000,000 needs");
    against_petgraph(&graph, &edges);
    drop(edges);
    against_python();
    whole_radius();
}

fn build(edges: &[(u32, u32, Level)]) -> (Graph, Outline) {
    let mut best: Option<(Duration, Duration, Graph, Outline)> = None;
    for _ in 0..5 {
        let shape = shape(edges.to_vec());
        let start = Instant::now();
        let graph = Graph::new(shape);
        let rows = start.elapsed();
        let outline = Outline::new(&graph, &marks());
        let total = start.elapsed();
        if best.as_ref().is_none_or(|(_, best, ..)| total < *best) {
            best = Some((rows, total, graph, outline));
        }
    }
    let (rows, total, graph, outline) = best.expect("five builds");
    println!(
        "build                          {total:?} (rows {rows:?}, components and outline {:?}); wanted < 1 s",
        total - rows
    );
    (graph, outline)
}

fn ask_outline(graph: &Graph, outline: &Outline) {
    let all = seeds(20 * 2_000);
    let changes: Vec<&[u32]> = all.chunks(20).collect();
    let mut shadow = outline.shadow();
    for seeds in &changes {
        outline.down(graph, seeds, &mut shadow);
    }
    for (name, both) in [("down", false), ("down and possible", true)] {
        let start = Instant::now();
        let mut found = 0;
        for _ in 0..50 {
            for seeds in &changes {
                outline.down(graph, seeds, &mut shadow);
                found += shadow.function_count();
                if both {
                    outline.touched(seeds, &mut shadow);
                    found += shadow.function_count();
                }
            }
        }
        black_box(found);
        let each = start.elapsed() / (50 * 2_000);
        println!(
            "20-seed change, {name:<17} {each:?} for functions, units and tiers; wanted < 1 µs"
        );
    }
}

/// Times the exact list of one seed.
fn exact(graph: &Graph, name: &str) {
    for (level, what) in [(Level::Hard, "hard"), (Level::Any, "any")] {
        let times = times(&seeds(400), |seed| {
            black_box(graph.reach(&[*seed], level));
        });
        let (median, p99) = (quantile(&times, 50), quantile(&times, 99));
        println!("{name}, {what:<4} p50 {median:?}, p99 {p99:?}; wanted p50 < 10 ms");
    }
}

/// The median for the questions that the slow peers are asked.
fn own(graph: &Graph) -> Duration {
    let times = times(&seeds(PEER_SEEDS), |seed| {
        black_box(graph.reach(&[*seed], Level::Any));
    });
    quantile(&times, 50)
}

fn against_petgraph(graph: &Graph, edges: &[(u32, u32, Level)]) {
    let mut peer: DiGraph<(), (), u32> = DiGraph::with_capacity(SERVICES as usize, edges.len());
    for _ in 0..SERVICES + GROUPS {
        peer.add_node(());
    }
    for (from, to, _) in edges {
        peer.add_edge(
            NodeIndex::new(*from as usize),
            NodeIndex::new(*to as usize),
            (),
        );
    }
    for at in 0..GROUPS {
        for member in [at * 1_000, at * 1_000 + 1] {
            let group = NodeIndex::new((SERVICES + at) as usize);
            peer.add_edge(group, NodeIndex::new(member as usize), ());
        }
    }
    let reach = |seed: u32| {
        let reversed = Reversed(&peer);
        let mut search = Bfs::new(reversed, NodeIndex::new(seed as usize));
        let mut count = 0;
        while search.next(reversed).is_some() {
            count += 1;
        }
        count
    };
    for seed in seeds(3) {
        assert_eq!(reach(seed), graph.reach(&[seed], Level::Any).len());
    }
    let times = times(&seeds(PEER_SEEDS), |seed| {
        black_box(reach(*seed));
    });
    ratio("petgraph Bfs", quantile(&times, 50), own(graph));
}

fn ratio(name: &str, peer: Duration, own: Duration) {
    let times = peer.as_secs_f64() / own.as_secs_f64();
    println!("{name:<30} p50 {peer:?}, ours {own:?} on the same questions: {times:.0} ×");
}

/// Reads the edges, asks SQLite and networkx the same questions, and prints
/// for each its name, the median in seconds and the sizes of the answers.
const PEERS: &str = r#"
import sys, time, sqlite3, statistics
edges = [tuple(map(int, line.split())) for line in open(sys.argv[1])]
seeds = [int(s) for s in sys.argv[2].split(",")]
def ask(name, reach):
    times, sizes = [], []
    for seed in seeds:
        start = time.perf_counter()
        sizes.append(reach(seed))
        times.append(time.perf_counter() - start)
    print(name, statistics.median(times), *sizes)
db = sqlite3.connect(":memory:")
db.execute("create table needs (f integer, t integer)")
db.executemany("insert into needs values (?, ?)", edges)
db.execute("create index by_t on needs (t, f)")
ask("SQLite", lambda s: db.execute(
    "with recursive r(n) as (values(?) union select f from needs join r on t = n) select count(*) from r",
    (s,)).fetchone()[0])
try:
    import networkx
except ImportError:
    sys.exit()
graph = networkx.DiGraph((t, f) for f, t in edges)
ask("networkx", lambda s: len(networkx.descendants(graph, s)) + 1 if s in graph else 1)
"#;

fn against_python() {
    let edges = needs(1_000_000);
    let graph = Graph::new(Shape {
        nodes: SERVICES as usize,
        edges: edges.clone(),
        units: 1,
        ..Shape::default()
    });
    exact(&graph, "exact list, 1,000,000 needs");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("edges.txt");
    let mut text = String::new();
    for (from, to, _) in &edges {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{from} {to}");
    }
    std::fs::write(&file, text).expect("a written file");
    let asked = seeds(PEER_SEEDS);
    let list: Vec<String> = asked.iter().map(u32::to_string).collect();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python)
        .args(["-c", PEERS])
        .arg(&file)
        .arg(list.join(","))
        .output();
    let Ok(output) = output else {
        println!("SQLite, networkx               skipped: no python3");
        return;
    };
    let expected: Vec<String> = asked
        .iter()
        .map(|seed| graph.reach(&[*seed], Level::Any).len().to_string())
        .collect();
    let lines = String::from_utf8_lossy(&output.stdout);
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, median, sizes @ ..] = words.as_slice() else {
            panic!("a peer printed `{line}`");
        };
        assert_eq!(*sizes, expected, "{name} finds something else");
        let median: f64 = median.parse().expect("a time");
        ratio(name, Duration::from_secs_f64(median), own(&graph));
    }
    if !lines.contains("networkx") {
        println!("networkx                       skipped: not installed");
    }
}

/// The whole vector with witnesses, as `check` and `plan` ask for it, over a
/// sparse catalogue of 5,000 services.
fn whole_radius() {
    let mut dice = Dice(0xca7a);
    let count = 5_000;
    let id = |at: u32| format!("s{at}");
    let mut draft = Draft::default();
    for at in 0..count {
        draft.services.push(Service {
            id: id(at),
            ..Service::default()
        });
        for _ in 0..3 {
            let kind = match dice.below(3) {
                0 => NeedKind::Hard,
                1 => NeedKind::Soft,
                _ => NeedKind::Async,
            };
            let (from, to) = (Needer::Service(id(at)), id(dice.skewed(count)));
            draft
                .needs
                .push(Need::said(from, to, kind, Origin::Declared));
        }
    }
    for at in 0..50 {
        let from = Needer::Function(format!("f{at}"));
        draft.needs.push(Need::said(
            from,
            id(dice.below(count)),
            NeedKind::Hard,
            Origin::Declared,
        ));
        draft.functions.push(Function {
            id: format!("f{at}"),
            tier: Some(u8::try_from(at % 4).unwrap_or(0)),
            customers: Some(Share::from_ppm(u64::from(dice.below(1_000_000)))),
            ..Function::default()
        });
    }
    let Ok(catalog) = Catalog::assemble(vec![draft]) else {
        panic!("the catalogue is sound");
    };
    let start = Instant::now();
    let model = Model::new(&catalog);
    println!(
        "whole radius, 5,000 services   model built in {:?}",
        start.elapsed()
    );
    let changes: Vec<Change> = (0..200)
        .map(|_| Change {
            hits: vec![Hit {
                object: "x".to_owned(),
                verb: Verb::Delete,
                state: StateLoss::None,
                environment: Environment::Production,
                place: Placement::At(vec![Node::Service(dice.below(count))]),
                units: None,
                witness: "x".to_owned(),
            }],
            ..Change::default()
        })
        .collect();
    let times = times(&changes, |change| {
        black_box(model.radius(change));
    });
    println!(
        "whole radius, with witnesses   p50 {:?}, p99 {:?}",
        quantile(&times, 50),
        quantile(&times, 99)
    );
}
