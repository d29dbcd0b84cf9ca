//! How far what failed stands from what was changed, by who needs whom.

use std::collections::{BTreeMap, VecDeque};

use countersign_core::catalog::{Catalog, NeedKind, Node};

/// Failure is not followed further than this.
const FAR: u32 = 6;

/// How far the services behind an incident are: the number of needs between
/// what failed and each, and whether every one of them is a hard need.
#[derive(Debug, Default)]
pub(super) struct Distances(BTreeMap<Node, (u32, bool)>);

impl Distances {
    /// From everything that failed, by id or alias, towards what it needs.
    /// Names that the catalogue does not have are left out.
    pub(super) fn of<'a>(
        catalog: &Catalog,
        needs: &Needs,
        services: impl IntoIterator<Item = &'a String>,
        functions: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let mut found: BTreeMap<Node, (u32, bool)> = BTreeMap::new();
        let mut queue = VecDeque::new();
        let named = services
            .into_iter()
            .filter_map(|name| catalog.resolve(name));
        let function = |name: &String| {
            let place = catalog
                .functions()
                .binary_search_by(|it| it.id.as_str().cmp(name))
                .ok()?;
            u32::try_from(place).ok().map(Node::Function)
        };
        for start in named.chain(functions.into_iter().filter_map(function)) {
            found.insert(start, (0, true));
            queue.push_back((start, 0, true));
        }
        while let Some((node, distance, hard)) = queue.pop_front() {
            if distance == FAR {
                continue;
            }
            for (next, kind, step) in needs.0.get(&node).into_iter().flatten() {
                let reached = (distance + step, hard && *kind == NeedKind::Hard);
                let better = found.get(next).is_none_or(|known| {
                    reached.0 < known.0 || (reached.0 == known.0 && reached.1 && !known.1)
                });
                if better {
                    found.insert(*next, reached);
                    queue.push_back((*next, reached.0, reached.1));
                }
            }
        }
        Self(found)
    }

    /// The distance of a service, if failure can come from it.
    pub(super) fn to(&self, node: Node) -> Option<(u32, bool)> {
        self.0.get(&node).copied()
    }
}

/// Who needs what, ready to be followed.
#[derive(Debug, Default)]
pub(super) struct Needs(BTreeMap<Node, Vec<(Node, NeedKind, u32)>>);

impl Needs {
    /// Of a catalogue. Members of a redundancy group stand where it stands.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut needs: BTreeMap<Node, Vec<_>> = BTreeMap::new();
        for edge in catalog.edges() {
            needs
                .entry(edge.from)
                .or_default()
                .push((edge.to, edge.kind, 1));
        }
        for (place, group) in (0u32..).zip(catalog.groups()) {
            let members = group
                .services
                .iter()
                .map(|it| (Node::Service(*it), NeedKind::Hard, 0));
            needs.entry(Node::Group(place)).or_default().extend(members);
        }
        Self(needs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_comes_from_what_is_needed_and_not_the_other_way() {
        let text = r"
version: 1
services:
  - id: web
    depends_on: [cart]
  - id: cart
    depends_on: [{service: db, kind: soft}]
  - id: db
functions:
  - id: buy
    needs: [web]
";
        let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
        let needs = Needs::of(&catalog);
        let own = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let to = |services: &[&str], functions: &[&str], name: &str| {
            let found = Distances::of(&catalog, &needs, &own(services), &own(functions));
            catalog.resolve(name).and_then(|node| found.to(node))
        };
        for (name, wanted) in [("web", (0, true)), ("cart", (1, true)), ("db", (2, false))] {
            assert_eq!(to(&["web"], &[], name), Some(wanted), "{name}");
        }
        assert_eq!(to(&[], &["buy"], "cart"), Some((2, true)));
        assert_eq!(to(&["db"], &[], "web"), None);
    }
}
