//! `countersign catalog graph`: the catalogue as an SVG drawing.
//!
//! Whoever needs something stands above it, so failure runs upwards. Layers
//! are the longest chain of needs below; within a layer the order is found by
//! the barycentre method (Sugiyama, Tagawa, Toda: Methods for Visual
//! Understanding of Hierarchical System Structures, 1981), so that few edges
//! cross. Same catalogue, same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::draft::NeedKind;
use super::{Catalog, Node};

const BOX_HEIGHT: usize = 40;
const GAP: usize = 18;
const LAYER: usize = 104;
const MARGIN: usize = 24;
const LEGEND: usize = 84;
/// Advance of one character of the label at 13 px, generously.
const CHARACTER: usize = 9;
/// The same for the note at 11 px.
const NOTE_CHARACTER: usize = 7;
const MAX_LABEL: usize = 28;
/// Boxes side by side before a layer is broken into two.
const MAX_ACROSS: usize = 12;
/// With more boxes than this, lines step back behind them.
const CROWDED: usize = 40;
/// Sweeps of the barycentre method: more change little.
const SWEEPS: usize = 12;

/// How a box is marked, for drawing a change's reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Could be touched at worst.
    Possible,
    /// Likely works worse.
    Degraded,
    /// Likely goes down.
    Down,
    /// The change touches it itself.
    Touched,
}

impl Mark {
    const fn class(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Touched => "touched",
        }
    }
}

struct Placed {
    node: Node,
    label: String,
    note: String,
    x: usize,
    width: usize,
    layer: usize,
}

/// Draws the catalogue; `marks` names what a change reaches, and may be empty.
/// Boxes are labelled, so colour is never the only sign.
#[must_use]
pub fn draw(catalog: &Catalog, marks: &BTreeMap<Node, Mark>) -> String {
    drawing(catalog, &nodes(catalog), marks)
}

/// Draws only what `marks` names, and the redundancy groups of it.
#[must_use]
pub fn draw_reached(catalog: &Catalog, marks: &BTreeMap<Node, Mark>) -> String {
    let reached = |node: &Node| match node {
        Node::Group(at) => catalog.groups().get(*at as usize).is_some_and(|group| {
            let mut members = group.services.iter();
            members.any(|member| marks.contains_key(&Node::Service(*member)))
        }),
        Node::Service(_) | Node::Function(_) => marks.contains_key(node),
    };
    let nodes: Vec<Node> = nodes(catalog).into_iter().filter(reached).collect();
    drawing(catalog, &nodes, marks)
}

fn drawing(catalog: &Catalog, nodes: &[Node], marks: &BTreeMap<Node, Mark>) -> String {
    let needs = needs(catalog, nodes);
    let layers = ordered(layers(nodes.len(), &needs), &needs);
    let (placed, width) = place(catalog, nodes, &layers, marks);
    let height = MARGIN * 2 + LEGEND + layers.len().max(1) * LAYER - (LAYER - BOX_HEIGHT);
    let mut svg = String::new();
    let title = "What needs what";
    let crowded = if nodes.len() > CROWDED {
        " class=\"crowded\""
    } else {
        ""
    };
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\"{crowded} role=\"img\" aria-labelledby=\"cs-title\">\n\
         <title id=\"cs-title\">{title}</title>\n<style>{STYLE}</style>\n{ARROW}\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n"
    );
    legend(&mut svg, !marks.is_empty());
    let by_node: BTreeMap<Node, &Placed> = placed.iter().map(|p| (p.node, p)).collect();
    for (from, to, class) in lines(catalog) {
        if let (Some(from), Some(to)) = (by_node.get(&from), by_node.get(&to)) {
            line(&mut svg, from, to, class);
        }
    }
    for placed in &placed {
        shape(&mut svg, catalog, placed, marks.get(&placed.node).copied());
    }
    svg.push_str("</svg>\n");
    svg
}

fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Functions first: they end up on top.
fn nodes(catalog: &Catalog) -> Vec<Node> {
    let functions = (0..catalog.functions().len()).map(|at| Node::Function(index(at)));
    let services = (0..catalog.services().len()).map(|at| Node::Service(index(at)));
    let groups = (0..catalog.groups().len()).map(|at| Node::Group(index(at)));
    functions.chain(services).chain(groups).collect()
}

/// Every line to draw, with its class.
fn lines(catalog: &Catalog) -> Vec<(Node, Node, &'static str)> {
    let mut lines: Vec<(Node, Node, &'static str)> = catalog
        .edges()
        .iter()
        .map(|edge| (edge.from, edge.to, edge.kind.as_str()))
        .collect();
    for (at, group) in catalog.groups().iter().enumerate() {
        let members = group.services.iter();
        lines.extend(members.map(|m| (Node::Group(index(at)), Node::Service(*m), "member")));
    }
    lines
}

/// For every node the positions of what it needs.
fn needs(catalog: &Catalog, nodes: &[Node]) -> Vec<Vec<usize>> {
    let positions: BTreeMap<Node, usize> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (*node, at))
        .collect();
    let mut needs = vec![Vec::new(); nodes.len()];
    for (from, to, _) in lines(catalog) {
        if let (Some(from), Some(to)) = (positions.get(&from), positions.get(&to))
            && let Some(row) = needs.get_mut(*from)
        {
            row.push(*to);
        }
    }
    needs
}

/// Layer of every node, 0 at the bottom: one above the highest thing it needs.
/// An edge that closes a circle is left out of the count.
fn layers(nodes: usize, needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut layer: Vec<Option<usize>> = vec![None; nodes];
    let mut open = vec![false; nodes];
    for root in 0..nodes {
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.pop() {
            if layer.get(node).copied().flatten().is_some() {
                continue;
            }
            if let Some(open) = open.get_mut(node) {
                *open = true;
            }
            let row = needs.get(node).map_or(&[][..], Vec::as_slice);
            let pending = row.iter().enumerate().skip(next).find(|(_, need)| {
                layer.get(**need).copied().flatten().is_none()
                    && !open.get(**need).copied().unwrap_or(true)
            });
            if let Some((at, need)) = pending {
                path.push((node, at + 1));
                path.push((*need, 0));
                continue;
            }
            let below = row
                .iter()
                .filter_map(|need| layer.get(*need).copied().flatten());
            let own = below.max().map_or(0, |below| below + 1);
            if let Some(layer) = layer.get_mut(node) {
                *layer = Some(own);
            }
        }
    }
    let mut layer: Vec<usize> = layer.into_iter().map(Option::unwrap_or_default).collect();
    raise(&mut layer, needs);
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for (node, layer) in layer.into_iter().enumerate() {
        if rows.len() <= layer {
            rows.resize(layer + 1, Vec::new());
        }
        if let Some(row) = rows.get_mut(layer) {
            row.push(node);
        }
    }
    rows
}

/// Moves every node up to right below the lowest one that needs it, so that a
/// database stands under its service and not at the bottom with all the others.
fn raise(layer: &mut [usize], needs: &[Vec<usize>]) {
    let mut needers: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (from, row) in needs.iter().enumerate() {
        for to in row {
            if let Some(row) = needers.get_mut(*to) {
                row.push(from);
            }
        }
    }
    let mut order: Vec<usize> = (0..layer.len()).collect();
    order.sort_by_key(|node| std::cmp::Reverse(layer.get(*node).copied()));
    for node in order {
        let own = layer.get(node).copied().unwrap_or(0);
        let above = needers.get(node).into_iter().flatten();
        let above = above.filter_map(|needer| layer.get(*needer).copied());
        // One that is not above closes a circle.
        let lowest = above.filter(|needer| *needer > own).min();
        if let (Some(lowest), Some(own)) = (lowest, layer.get_mut(node)) {
            *own = lowest - 1;
        }
    }
}

/// Orders every layer by the mean position of its neighbours, and breaks
/// layers that are too wide.
fn ordered(mut rows: Vec<Vec<usize>>, needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut neighbours: Vec<Vec<usize>> = needs.to_vec();
    for (from, row) in needs.iter().enumerate() {
        for to in row {
            if let Some(row) = neighbours.get_mut(*to) {
                row.push(from);
            }
        }
    }
    for _ in 0..SWEEPS {
        let mut position = vec![0.0_f64; needs.len()];
        for row in &rows {
            for (at, node) in row.iter().enumerate() {
                if let Some(position) = position.get_mut(*node) {
                    // Layers of different widths are compared by their share.
                    *position = (at as f64 + 0.5) / row.len() as f64;
                }
            }
        }
        let place = |node: usize| position.get(node).copied().unwrap_or(0.5);
        let mean = |node: usize| {
            let row = neighbours.get(node).map_or(&[][..], Vec::as_slice);
            let sum: f64 = row.iter().map(|other| place(*other)).sum();
            (sum + place(node)) / (row.len() as f64 + 1.0)
        };
        for row in &mut rows {
            row.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)).then(a.cmp(b)));
        }
    }
    rows.iter()
        .flat_map(|row| row.chunks(MAX_ACROSS).map(<[usize]>::to_vec))
        .collect()
}

fn label(catalog: &Catalog, node: Node) -> String {
    let id = catalog.id(node);
    if id.chars().count() <= MAX_LABEL {
        return id.to_owned();
    }
    let mut short: String = id.chars().take(MAX_LABEL - 1).collect();
    short.push('…');
    short
}

fn place(
    catalog: &Catalog,
    nodes: &[Node],
    layers: &[Vec<usize>],
    marks: &BTreeMap<Node, Mark>,
) -> (Vec<Placed>, usize) {
    let mut placed = Vec::new();
    let mut widths = Vec::new();
    for (layer, row) in layers.iter().rev().enumerate() {
        let mut x = 0;
        for node in row.iter().filter_map(|at| nodes.get(*at)) {
            let label = label(catalog, *node);
            let note = note(catalog, *node, marks.get(node).copied());
            let label_width = label.chars().count() * CHARACTER;
            let note_width = note.chars().count() * NOTE_CHARACTER;
            let width = label_width.max(note_width).max(72) + 24;
            placed.push(Placed {
                node: *node,
                label,
                note,
                x,
                width,
                layer,
            });
            x += width + GAP;
        }
        widths.push(x.saturating_sub(GAP));
    }
    // The legend needs some room of its own.
    let widest = widths.iter().copied().max().unwrap_or(0).max(760);
    for placed in &mut placed {
        let own = widths.get(placed.layer).copied().unwrap_or(0);
        placed.x += MARGIN + (widest - own) / 2;
    }
    (placed, widest + MARGIN * 2)
}

/// What is said under the label.
fn note(catalog: &Catalog, node: Node, mark: Option<Mark>) -> String {
    let mut note = match node {
        Node::Function(at) => {
            let function = catalog.functions().get(at as usize);
            let tier = function.map_or(0, |function| catalog.function_tier(function));
            match function.and_then(|function| function.customers) {
                Some(share) => format!("tier {tier} · {share}"),
                None => format!("tier {tier} · everyone"),
            }
        }
        Node::Service(at) => {
            let service = catalog.services().get(at as usize);
            let tier = service.map_or(0, |service| catalog.tier(service));
            let keeps = service.is_some_and(|service| service.stateful == Some(true));
            format!("tier {tier}{}", if keeps { " · state" } else { "" })
        }
        Node::Group(at) => {
            let group = catalog.groups().get(at as usize);
            let (needed, of) = group.map_or((0, 0), |g| (g.needed, g.services.len()));
            format!("{needed} of {of} needed")
        }
    };
    if let Some(mark) = mark {
        note.push_str(" · ");
        note.push_str(mark.class());
    }
    note
}

impl Placed {
    fn y(&self) -> usize {
        MARGIN + LEGEND + self.layer * LAYER
    }
}

fn line(svg: &mut String, from: &Placed, to: &Placed, class: &str) {
    let (x1, x2) = (from.x + from.width / 2, to.x + to.width / 2);
    let down = from.layer < to.layer;
    // From the edge that faces the other box; within a layer, below both.
    let (y1, y2) = if down {
        (from.y() + BOX_HEIGHT, to.y())
    } else if from.layer == to.layer {
        (from.y() + BOX_HEIGHT, to.y() + BOX_HEIGHT)
    } else {
        (from.y(), to.y() + BOX_HEIGHT)
    };
    let (c1, c2) = if down {
        (y1 + LAYER / 3, y2 - LAYER / 3)
    } else if from.layer == to.layer {
        (y1 + LAYER / 3, y2 + LAYER / 3)
    } else {
        (y1 - LAYER / 3, y2 + LAYER / 3)
    };
    let _ = writeln!(
        svg,
        "<path class=\"{class}\" d=\"M{x1} {y1}C{x1} {c1} {x2} {c2} {x2} {y2}\" marker-end=\"url(#cs-arrow)\">\
         <title>{} → {} ({class})</title></path>",
        escape(&from.label),
        escape(&to.label),
    );
}

fn shape(svg: &mut String, catalog: &Catalog, placed: &Placed, mark: Option<Mark>) {
    let (x, y, width) = (placed.x, placed.y(), placed.width);
    let (class, radius) = match placed.node {
        Node::Function(at) => {
            let function = catalog.functions().get(at as usize);
            let tier = function.map_or(0, |function| catalog.function_tier(function));
            (format!("box t{}", tier.min(4)), BOX_HEIGHT / 2)
        }
        Node::Service(at) => {
            let service = catalog.services().get(at as usize);
            let tier = service.map_or(0, |service| catalog.tier(service));
            (format!("box t{}", tier.min(4)), 6)
        }
        Node::Group(_) => ("box group".to_owned(), 6),
    };
    let marked = mark.map_or_else(String::new, |mark| format!(" {}", mark.class()));
    let (cx, y1, y2) = (x + width / 2, y + 17, y + 32);
    let _ = writeln!(
        svg,
        "<g class=\"{class}{marked}\"><title>{}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>\
         <text x=\"{cx}\" y=\"{y1}\">{}</text><text class=\"note\" x=\"{cx}\" y=\"{y2}\">{}</text></g>",
        escape(catalog.id(placed.node)),
        escape(&placed.label),
        escape(&placed.note),
    );
}

fn legend(svg: &mut String, marked: bool) {
    let mut x = MARGIN;
    let y = MARGIN;
    for (tier, text) in ["tier 0", "tier 1", "tier 2", "tier 3", "lower"]
        .iter()
        .enumerate()
    {
        let _ = writeln!(
            svg,
            "<g class=\"box t{tier}\"><rect x=\"{x}\" y=\"{y}\" width=\"18\" height=\"14\" rx=\"3\"/>\
             <text class=\"key\" x=\"{}\" y=\"{}\">{text}</text></g>",
            x + 24,
            y + 12
        );
        x += 76;
    }
    x += 12;
    let kinds = [
        (NeedKind::Hard.as_str(), "hard"),
        (NeedKind::Soft.as_str(), "soft"),
        (NeedKind::Async.as_str(), "async"),
        (NeedKind::Unknown.as_str(), "unknown"),
    ];
    for (class, text) in kinds {
        let _ = writeln!(
            svg,
            "<path class=\"{class}\" d=\"M{x} {0}H{1}\" marker-end=\"url(#cs-arrow)\"/>\
             <text class=\"key\" x=\"{2}\" y=\"{3}\">{text}</text>",
            y + 7,
            x + 26,
            x + 36,
            y + 12
        );
        x += 90;
    }
    let mut text = vec!["arrows point at what is needed, so failure runs against them"];
    text.push(if marked {
        "round: customer function · dashed: redundancy group · heavy outline: reached by the change"
    } else {
        "round: customer function · dashed: redundancy group"
    });
    for (line, text) in text.iter().enumerate() {
        let y = y + 36 + line * 17;
        let _ = writeln!(
            svg,
            "<text class=\"key\" x=\"{MARGIN}\" y=\"{y}\">{text}</text>"
        );
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not allowed in XML at all.
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

const ARROW: &str = "<defs><marker id=\"cs-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"head\" d=\"M0 0.8 7.4 4 0 7.2z\"/></marker></defs>";

const STYLE: &str = "\
.page{fill:#fff}text{font:600 13px system-ui,sans-serif;fill:#1b1f24;text-anchor:middle}\
.note{font-weight:400;font-size:11px;fill:#47505a}.key{font-weight:400;font-size:12px;fill:#47505a;text-anchor:start}\
.box rect{stroke-width:1.2}.t0 rect{fill:#ffd9d6;stroke:#c0392b}.t1 rect{fill:#ffe8c7;stroke:#b9770e}\
.t2 rect{fill:#fdf6c4;stroke:#9a8412}.t3 rect{fill:#dcecfb;stroke:#2e6da4}.t4 rect{fill:#eceff2;stroke:#76808a}\
.group rect{fill:#f4effa;stroke:#7b4fa3;stroke-dasharray:5 3}\
.possible rect{stroke-width:2;stroke-dasharray:2 3}.degraded rect{stroke-width:3;stroke-dasharray:8 3}\
.down rect{stroke-width:3.5}.touched rect{stroke-width:5}\
path{fill:none;stroke:#5d6771;stroke-width:1.5}path.soft{stroke-dasharray:7 4}path.async{stroke-dasharray:2 4}\
path.unknown{stroke:#a9b1b9}path.member{stroke:#7b4fa3}path.head{fill:#5d6771;stroke:none}\
.crowded path{opacity:.5;stroke-width:1.2}.crowded .head{opacity:1}path:hover{opacity:1;stroke-width:3.5}\
@media(prefers-color-scheme:dark){.page{fill:#14181d}text{fill:#eef1f4}.note,.key{fill:#b6bfc8}\
.t0 rect{fill:#5a1f1b;stroke:#ff8a80}.t1 rect{fill:#573c10;stroke:#f5b855}.t2 rect{fill:#4a430f;stroke:#e2cf4f}\
.t3 rect{fill:#173a59;stroke:#7dbcf0}.t4 rect{fill:#2b3138;stroke:#949ea8}.group rect{fill:#33254a;stroke:#b78fe0}\
path{stroke:#98a3ae}path.unknown{stroke:#5a646e}path.member{stroke:#b78fe0}path.head{fill:#98a3ae}}";

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "
version: 1
functions:
  - {id: buy, tier: 0, customers: 80, needs: [checkout]}
  - {id: browse, tier: 1, needs: [web, {service: ads, kind: soft}]}
services:
  - {id: web, tier: 1, depends_on: [catalogue, {service: ads, kind: soft}]}
  - {id: checkout, tier: 0, depends_on: [cart, {service: mail, kind: async}]}
  - {id: cart, tier: 1, depends_on: [cart-store]}
  - {id: catalogue, tier: 2, depends_on: [web]}
  - {id: ads, tier: 3}
  - {id: mail, tier: 4}
  - {id: redis-a, tier: 1, stateful: true}
  - {id: redis-b, tier: 1, stateful: true}
redundancy: [{id: cart-store, members: [redis-a, redis-b]}]
";

    #[test]
    fn a_shop_is_drawn() {
        let catalog = Catalog::parse(SHOP, "catalog.yaml").unwrap();
        let marks = BTreeMap::from([(Node::Service(2), Mark::Touched)]);
        insta::assert_snapshot!(draw(&catalog, &marks));
    }

    #[test]
    fn only_what_is_reached_is_drawn() {
        let catalog = Catalog::parse(SHOP, "catalog.yaml").unwrap();
        let marked = ["redis-a", "cart"].map(|id| (catalog.resolve(id).unwrap(), Mark::Down));
        let svg = draw_reached(&catalog, &BTreeMap::from(marked));
        let drawn = ["redis-a", "cart", "cart-store", "redis-b", "web"]
            .map(|id| svg.contains(&format!("<title>{id}</title>")));
        assert_eq!(drawn, [true, true, true, false, false]);
    }

    #[test]
    fn every_need_points_down_unless_it_closes_a_circle() {
        let catalog = Catalog::parse(SHOP, "catalog.yaml").unwrap();
        let nodes = nodes(&catalog);
        let needs = needs(&catalog, &nodes);
        let rows = layers(nodes.len(), &needs);
        let layer = |node: usize| rows.iter().position(|row| row.contains(&node)).unwrap();
        let up = (0..nodes.len())
            .flat_map(|from| needs[from].iter().map(move |to| (from, *to)))
            .filter(|(from, to)| layer(*from) <= layer(*to));
        assert_eq!(up.count(), 1);
    }

    #[test]
    fn names_cannot_break_out() {
        let text = "version: 1\nservices: [{id: '<script>&\"'}]\n";
        let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
        let svg = draw(&catalog, &BTreeMap::new());
        assert!(!svg.contains("<script>"));
        assert!(svg.contains("&lt;script&gt;&amp;&quot;"));
        let empty = Catalog::parse("version: 1\n", "catalog.yaml").unwrap();
        assert!(draw(&empty, &BTreeMap::new()).ends_with("</svg>\n"));
    }
}
