//! One row of the catalogue of markers, as the build writes it.

use countersign_core::involvement::Strength;

/// What a row's value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The numeric account id in a GitHub noreply address.
    GithubId,
    /// A GitHub login; one that ends in `[bot]` also as a display name.
    Login,
    /// A whole e-mail address.
    Mailbox,
    /// The end of the author's or committer's display name.
    NameSuffix,
    /// An agent's name at the start of a trailer value or a display name.
    Agent,
    /// A trailer key.
    Key,
    /// A trailer key whose value names someone.
    IdentityKey,
    /// Words that begin a footer line.
    Footer,
    /// The beginning of an address.
    Url,
    /// The beginning of the subject.
    Subject,
    /// The beginning of a merged branch's name.
    Branch,
    /// `path: key=value` in a file of the repository.
    Config,
}

/// Whom a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowClass {
    /// An AI agent.
    Agent,
    /// Automation without AI.
    Bot,
    /// The forge itself, such as the committer of merges made on its pages.
    Forge,
}

/// Which values of a trailer key count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Any value but an empty one.
    Any,
    /// The name of a known agent.
    Agent,
    /// A declaration: `no` and its like deny AI, anything else affirms it.
    Declaration,
    /// An `https://` address.
    Url,
    /// One of these words, whatever their case.
    OneOf(&'static [&'static str]),
}

/// One marker. All comparisons ignore ASCII case; `value` is in lower case.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The tool's identifier; empty where the marker names none.
    pub tool: &'static str,
    /// Agent, automation without AI, or forge.
    pub class: RowClass,
    /// What `value` is compared with.
    pub kind: Kind,
    /// What to compare with.
    pub value: &'static str,
    /// What it says in a trailer or line.
    pub strength: Strength,
    /// What it says as the author or committer.
    pub author: Strength,
    /// What an agent's name says when nothing but the name is given.
    pub alone: Strength,
    /// How the display name must begin; empty for any.
    pub name: &'static str,
    /// Which values of a trailer key count.
    pub values: Values,
    /// Where the marker is documented or was seen.
    pub source: &'static str,
}
