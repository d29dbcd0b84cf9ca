//! Rows of the labelled corpus.

use countersign_effects::command::Facts;
use countersign_effects::target::{Mapping, Targets};

/// One labelled command.
pub(crate) struct Row {
    pub(crate) destructive: bool,
    pub(crate) family: String,
    pub(crate) command: String,
    pub(crate) facts: Facts,
}

fn unescape(text: &str) -> String {
    text.replace('␤', "\n").replace('␉', "\t")
}

/// Every row of a corpus file's text.
pub(crate) fn rows(text: &str) -> Vec<Row> {
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row {
    let mut columns = line.split('\t');
    let verdict = columns.next().unwrap();
    let family = columns.next().unwrap().to_owned();
    let command = unescape(columns.next().unwrap());
    Row {
        destructive: verdict == "destructive",
        family,
        command,
        facts: facts(columns.next().unwrap_or("")),
    }
}

fn facts(context: &str) -> Facts {
    let mut facts = Facts {
        cwd: Some("/home/dev/shop".to_owned()),
        home: Some("/home/dev".to_owned()),
        project_root: Some("/home/dev/shop".to_owned()),
        ..Facts::default()
    };
    for item in context.split(" ; ").filter(|item| !item.is_empty()) {
        let (kind, rest) = item.split_once([':', '=']).unwrap();
        match kind {
            "env" => {
                let (name, value) = rest.split_once('=').unwrap();
                facts.env.insert(name.to_owned(), value.to_owned());
            }
            "file" => {
                let (path, text) = rest.split_once('=').unwrap();
                let path = match path.strip_prefix('~') {
                    Some(rest) => format!("/home/dev{rest}"),
                    None => format!("/home/dev/shop/{path}"),
                };
                facts.files.insert(path, unescape(text));
            }
            "target" => {
                let (facet, rest) = rest.split_once('=').unwrap();
                let (glob, environment) = rest.rsplit_once(':').unwrap();
                let environment = serde_json::from_value(environment.into()).unwrap();
                let mapping = Mapping {
                    facet: facet.to_owned(),
                    glob: glob.to_owned(),
                    environment,
                };
                facts.targets = Targets {
                    mappings: vec![mapping],
                };
            }
            "cwd" => facts.cwd = Some(rest.to_owned()),
            other => assert_eq!(other, "", "unknown context"),
        }
    }
    facts
}
