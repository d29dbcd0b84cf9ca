//! The catalogue from all its sources.

use std::cell::RefCell;
use std::collections::BTreeMap;

use countersign_core::catalog::{self, Catalog, Draft};
use countersign_core::problem::{Problem, Source};

use crate::error::{CliError, CliResult};
use crate::rules::CATALOG;

/// Backstage's own file.
pub(crate) const BACKSTAGE: &str = "catalog-info.yaml";

/// What the sources say, most trusted first.
pub(crate) struct Said {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) warnings: Vec<Problem>,
}

/// Reads the declared catalogue and Backstage's; `load` gives the files that
/// Backstage's locations lead to.
pub(crate) fn drafts(
    declared: Option<String>,
    backstage: Option<String>,
    load: impl Fn(&str) -> CliResult<Option<String>>,
) -> CliResult<Said> {
    let (mut drafts, mut warnings) = (Vec::new(), Vec::new());
    if let Some(text) = declared {
        let draft = catalog::parse(&text, CATALOG)
            .map_err(|problems| CliError::file(CATALOG, &text, problems))?;
        drafts.push(draft);
    }
    if let Some(text) = backstage {
        let loaded = RefCell::new(BTreeMap::new());
        let failed = RefCell::new(None);
        let start = Source {
            file: BACKSTAGE,
            text: &text,
        };
        let read = catalog::from_backstage(start, |path| match load(path) {
            Ok(text) => {
                if let Some(text) = &text {
                    loaded.borrow_mut().insert(path.to_owned(), text.clone());
                }
                text
            }
            Err(error) => {
                failed.borrow_mut().get_or_insert(error);
                None
            }
        });
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        let (draft, said) = read.map_err(|problems| {
            let file = problems
                .first()
                .map_or(BACKSTAGE, |problem| &problem.file)
                .to_owned();
            let loaded = loaded.borrow();
            let text = loaded.get(&file).unwrap_or(&text);
            let here = problems.into_iter().filter(|problem| problem.file == file);
            CliError::file(&file, text, here.collect())
        })?;
        drafts.push(draft);
        warnings.extend(said);
    }
    Ok(Said { drafts, warnings })
}

/// Merges what the sources say; without any there is no catalogue.
pub(crate) fn assemble(drafts: Vec<Draft>) -> CliResult<Option<Catalog>> {
    if drafts.is_empty() {
        return Ok(None);
    }
    Catalog::assemble(drafts)
        .map(Some)
        .map_err(|problems| CliError::file(CATALOG, "", problems))
}
