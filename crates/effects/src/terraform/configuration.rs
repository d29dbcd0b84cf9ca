//! Dependencies from the `configuration` of a plan: references of one resource
//! to others, through module variables and outputs.
//!
//! References inside `locals` are not in the plan, so dependencies through them
//! show only where the prior state lists them.

use std::collections::{BTreeSet, HashMap};

use super::address::resource_address;
use crate::document::Value;
use crate::reading::Edge;

/// Most steps from one reference through variables and outputs to a resource.
const MAX_STEPS: usize = 64;

/// One module call in the tree, with its parent.
struct Module<'v, 'a> {
    /// `""`, or `module.a.module.b.`, ready to stand before a name.
    prefix: String,
    body: &'v Value<'a>,
    call: &'v Value<'a>,
    parent: usize,
    children: HashMap<&'v str, usize>,
}

struct Tree<'v, 'a> {
    modules: Vec<Module<'v, 'a>>,
    known: HashMap<(usize, &'v str), BTreeSet<String>>,
}

/// The edges between the resources of a configuration, without instance keys.
pub(super) fn edges(configuration: &Value<'_>) -> Vec<Edge> {
    let mut tree = Tree {
        modules: Vec::new(),
        known: HashMap::new(),
    };
    tree.add(configuration.at("root_module"), &Value::Null, "", 0);
    let mut edges = Vec::new();
    for at in 0..tree.modules.len() {
        tree.module_edges(at, &mut edges);
    }
    edges
}

impl<'v, 'a> Tree<'v, 'a> {
    /// Adds a module and all below it; depth is bounded by the parser.
    fn add(
        &mut self,
        body: &'v Value<'a>,
        call: &'v Value<'a>,
        prefix: &str,
        parent: usize,
    ) -> usize {
        let at = self.modules.len();
        self.modules.push(Module {
            prefix: prefix.to_owned(),
            body,
            call,
            parent,
            children: HashMap::new(),
        });
        for (name, call) in body.at("module_calls").entries() {
            let child = self.add(
                call.at("module"),
                call,
                &format!("{prefix}module.{name}."),
                at,
            );
            if let Some(module) = self.modules.get_mut(at) {
                module.children.insert(name, child);
            }
        }
        at
    }

    fn module_edges(&mut self, at: usize, edges: &mut Vec<Edge>) {
        let Some((body, inherited)) = self.modules.get(at).map(|m| (m.body, self.inherited(at)))
        else {
            return;
        };
        for resource in body.at("resources").items() {
            let Some(from) = self.name(at, resource) else {
                continue;
            };
            let mut references = Vec::new();
            collect(resource, &mut references);
            let mut needed = BTreeSet::new();
            for reference in references {
                needed.extend(self.resolve(at, reference, MAX_STEPS));
            }
            for (module, reference) in &inherited {
                needed.extend(self.resolve(*module, reference, MAX_STEPS));
            }
            needed.remove(&from);
            edges.extend(needed.into_iter().map(|to| Edge {
                from: from.clone(),
                to,
            }));
        }
    }

    /// `depends_on` of the module calls around a module: all in it needs them.
    fn inherited(&self, mut at: usize) -> Vec<(usize, &'v str)> {
        let mut found = Vec::new();
        while let Some(module) = self.modules.get(at).filter(|_| at != 0) {
            let listed = module.call.at("depends_on").items();
            found.extend(
                listed
                    .iter()
                    .filter_map(|r| plain(r).map(|r| (module.parent, r))),
            );
            at = module.parent;
        }
        found
    }

    fn name(&self, at: usize, resource: &Value<'_>) -> Option<String> {
        let address = resource.at("address").as_str()?;
        Some(format!("{}{address}", self.modules.get(at)?.prefix))
    }

    /// The resources a reference leads to.
    fn resolve(&mut self, at: usize, reference: &'v str, steps: usize) -> BTreeSet<String> {
        if let Some(known) = self.known.get(&(at, reference)) {
            return known.clone();
        }
        // Also ends a circle: what is being looked up leads nowhere new.
        self.known.insert((at, reference), BTreeSet::new());
        let found = if steps == 0 {
            BTreeSet::new()
        } else {
            self.follow(at, reference, steps - 1)
        };
        self.known.insert((at, reference), found.clone());
        found
    }

    fn follow(&mut self, at: usize, reference: &'v str, steps: usize) -> BTreeSet<String> {
        let plain = resource_address(reference);
        let words: Vec<_> = plain.split('.').collect();
        let Some(module) = self.modules.get(at) else {
            return BTreeSet::new();
        };
        match words.as_slice() {
            ["var", name, ..] => {
                let (parent, given) = (module.parent, module.call.path("expressions").at(name));
                self.all(parent, given, steps)
            }
            ["module", name, rest @ ..] => {
                let Some(child) = module.children.get(name).copied() else {
                    return BTreeSet::new();
                };
                match rest {
                    [] => self.whole(child),
                    [output, ..] => {
                        let given = self
                            .modules
                            .get(child)
                            .map(|m| m.body.at("outputs").at(output));
                        given.map_or_else(BTreeSet::new, |given| self.all(child, given, steps))
                    }
                }
            }
            [
                "local" | "each" | "count" | "path" | "self" | "terraform",
                ..,
            ] => BTreeSet::new(),
            ["data", kind, name, ..] => {
                BTreeSet::from([format!("{}data.{kind}.{name}", module.prefix)])
            }
            [kind, name, ..] => BTreeSet::from([format!("{}{kind}.{name}", module.prefix)]),
            _ => BTreeSet::new(),
        }
    }

    /// Everything the references below `value` lead to.
    fn all(&mut self, at: usize, value: &'v Value<'a>, steps: usize) -> BTreeSet<String> {
        let mut references = Vec::new();
        collect(value, &mut references);
        let mut found = BTreeSet::new();
        for reference in references {
            found.extend(self.resolve(at, reference, steps));
        }
        found
    }

    /// Every resource of a module, for `depends_on = [module.a]`.
    fn whole(&self, at: usize) -> BTreeSet<String> {
        let Some(module) = self.modules.get(at) else {
            return BTreeSet::new();
        };
        let own = module.body.at("resources").items().iter();
        let mut found: BTreeSet<_> = own.filter_map(|r| self.name(at, r)).collect();
        for child in module.children.values() {
            found.extend(self.whole(*child));
        }
        found
    }
}

/// A reference; old versions wrote `"${a.b}"`.
fn plain<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    let text = value.as_str()?;
    let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    Some(inner.unwrap_or(text))
}

/// The strings in every `references` and `depends_on` list below `value`.
fn collect<'v>(value: &'v Value<'_>, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter() {
                match (key, value) {
                    ("references" | "depends_on", Value::Array(items)) => {
                        found.extend(items.iter().filter_map(plain));
                    }
                    // A constant is no reference, whatever it says.
                    ("constant_value", _) => {}
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
