//! Who pushes, as the server says.
//!
//! Only a variable that whoever runs the server has named is read: others may be
//! set by the client. GitLab sets `GL_USERNAME`, Gitea `GITEA_PUSHER_NAME`, git
//! itself `GIT_PUSH_CERT_SIGNER` for signed pushes.

use countersign_core::roster::Roster;

use crate::collect::{Also, is_person};
use crate::error::{CliError, CliResult, exit};
use crate::pushed_by::mailbox;

/// Who pushes, and how that is known.
pub(super) struct Pusher {
    /// The id on the roster, else as the server says.
    pub(super) who: String,
    pub(super) on_roster: bool,
    variable: String,
}

impl Pusher {
    /// Reads the variable. A gate that was told to ask and gets no answer lets
    /// nothing through.
    pub(super) fn find(variable: Option<&str>, roster: &Roster) -> CliResult<Option<Self>> {
        let Some(variable) = variable else {
            return Ok(None);
        };
        let said = std::env::var(variable).unwrap_or_default();
        if said.trim().is_empty() {
            let message = format!("the server does not say who pushes: {variable} is empty");
            return Err(CliError::new(exit::DATA, message)
                .hint("name another variable with `countersign hook install --pusher`, or none"));
        }
        if variable.starts_with("GIT_PUSH_CERT") {
            let status = std::env::var("GIT_PUSH_CERT_STATUS").unwrap_or_default();
            if status != "G" {
                let message = "the push has no good signature (git push --signed)";
                return Err(CliError::new(exit::DATA, message));
            }
        }
        let index = mapped(variable, &said, roster);
        let person = index.and_then(|index| roster.person(index));
        Ok(Some(Self {
            who: person.map_or_else(|| said.trim().to_owned(), |person| person.id.clone()),
            on_roster: person.is_some(),
            variable: variable.to_owned(),
        }))
    }

    /// As one of those who made the change; nobody for a program such as a
    /// merge bot, which makes nothing.
    pub(super) fn also(&self) -> Option<Also> {
        let named = countersign_git::Identity {
            name: self.who.clone(),
            email: String::new(),
            time: 0,
        };
        (self.on_roster || is_person(&named)).then(|| Also {
            who: self.who.clone(),
            part: "pusher",
        })
    }

    /// In a line for whoever pushes.
    pub(super) fn text(&self) -> String {
        let known = if self.on_roster {
            ""
        } else {
            ", who is not on the roster"
        };
        format!("pushed by {}{known} (says {})", self.who, self.variable)
    }
}

/// The person that a name, a mailbox, `Name <mailbox>` or an account belongs to.
fn mapped(variable: &str, said: &str, roster: &Roster) -> Option<usize> {
    let said = said.trim();
    let forge = match variable {
        name if name.starts_with("GL_") => "gitlab",
        name if name.starts_with("GITEA_") => "gitea",
        name if name.starts_with("FORGEJO_") => "forgejo",
        name if name.starts_with("GITHUB_") => "github",
        _ => "",
    };
    roster
        .by_account(forge, said)
        .or_else(|| roster.by_email(mailbox(said)))
        .or_else(|| roster.index_of(said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::roster;

    #[test]
    fn servers_name_people_in_many_ways() {
        let people = "version = 1\n[[person]]\nid = \"sen\"\nemails = [\"sen@example.com\"]\naccounts = [\"gitlab:senior\"]\n[[person]]\nid = \"senior\"\n";
        let roster = roster::parse(people, "people.toml").unwrap();
        for (variable, said, wanted) in [
            ("GL_USERNAME", "senior", Some(0)),
            ("REMOTE_USER", "senior", Some(1)),
            ("REMOTE_USER", "sen", Some(0)),
            (
                "GIT_PUSH_CERT_SIGNER",
                "Sen Senior <sen@example.com>",
                Some(0),
            ),
            ("X", "SEN@example.com", Some(0)),
            ("X", "nobody", None),
        ] {
            assert_eq!(mapped(variable, said, &roster), wanted, "{variable}={said}");
        }
    }
}
