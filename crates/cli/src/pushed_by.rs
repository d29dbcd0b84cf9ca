//! Who pushed or opened a change, as someone else says (`--pushed-by`, or the
//! server of a gate): they count among those who made it, since a commit can name
//! any mailbox as its author's.

use countersign_core::roster::Roster;

use crate::collect::Also;
use crate::error::{CliError, CliResult, exit};

/// Who it is, as one of those who made a change; `None` for a forge's app, which
/// makes nothing. Someone unknown counts as a person that nobody has identified.
///
/// `said` is an id or a mailbox of the roster, `Name <mailbox>`, or
/// `FORGE:ACCOUNT`, where the account is a login, a numeric id, or `ID+LOGIN`.
/// Logins are chosen by whoever has them, so only `accounts` say whose they are.
pub(crate) fn find(said: &str, roster: &Roster) -> CliResult<Option<Also>> {
    let said = said.trim();
    let account = said.split_once(':');
    let login = account.map_or(said, |(_, account)| {
        account.split_once('+').map_or(account, |(_, login)| login)
    });
    if login.is_empty() {
        let message = "who pushed is not said: `--pushed-by` is empty";
        return Err(CliError::new(exit::DATA, message)
            .hint("name a person, a mailbox or an account, such as `github:octocat`"));
    }
    let index = match account {
        Some((forge, account)) => account
            .split_once('+')
            .and_then(|(id, _)| roster.by_account(forge, id))
            .or_else(|| roster.by_account(forge, login)),
        None => roster
            .by_email(mailbox(said))
            .or_else(|| roster.index_of(said)),
    };
    let person = index.and_then(|index| roster.person(index));
    // No person can have such a login.
    let is_app = account.is_some_and(|(forge, _)| forge == "github") && login.ends_with("[bot]");
    if person.is_none() && is_app {
        return Ok(None);
    }
    let unknown = || account.map_or(said.to_owned(), |(forge, _)| format!("{forge}:{login}"));
    Ok(Some(Also {
        who: person.map_or_else(unknown, |person| person.id.clone()),
        part: "pusher",
    }))
}

/// The mailbox in `Name <mailbox>`, or all of it.
pub(crate) fn mailbox(said: &str) -> &str {
    said.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(said, |(email, _)| email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::roster;

    #[test]
    fn people_are_named_in_many_ways() {
        let people = "version = 1\n[[person]]\nid = \"sen\"\nemails = [\"sen@example.com\"]\naccounts = [\"github:senior\", \"gitlab:7\"]\n[[person]]\nid = \"senior\"\n";
        let roster = roster::parse(people, "people.toml").unwrap();
        for (said, wanted) in [
            ("sen", Some("sen")),
            ("SEN@example.com", Some("sen")),
            ("Sen Senior <sen@example.com>", Some("sen")),
            ("github:senior", Some("sen")),
            ("github:1+Senior", Some("sen")),
            ("gitlab:7+anything", Some("sen")),
            ("senior", Some("senior")),
            // Whoever registers a login is not the person with that id.
            ("gitlab:senior", Some("gitlab:senior")),
            ("github:9+mallory", Some("github:mallory")),
            ("nobody", Some("nobody")),
            ("github:49699333+dependabot[bot]", None),
            ("gitlab:dependabot[bot]", Some("gitlab:dependabot[bot]")),
        ] {
            let found = find(said, &roster).unwrap();
            assert_eq!(found.as_ref().map(|it| it.who.as_str()), wanted, "{said}");
        }
        for said in ["", " ", "github:", "github:+"] {
            assert!(find(said, &roster).is_err(), "{said}");
        }
    }
}
