//! The small typed form a shell text is read into.

use std::cell::OnceCell;
use std::rc::Rc;

/// A list of commands, in order.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The pipelines and what joins each to the one before.
    pub items: Vec<Item>,
}

/// One pipeline of a list.
#[derive(Debug, Clone)]
pub struct Item {
    /// How it follows the pipeline before it.
    pub join: Join,
    /// The stages, joined by `|`.
    pub stages: Vec<Command>,
    /// Whether it starts with `!`.
    pub negated: bool,
}

/// What stands between a pipeline and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// `;`, `&`, a newline, or the start of the list.
    Always,
    /// `&&`.
    IfOk,
    /// `||`.
    IfFailed,
}

/// One stage of a pipeline.
#[derive(Debug, Clone)]
pub struct Command {
    /// What runs.
    pub kind: Kind,
    /// Where its input and output go.
    pub redirects: Vec<Redirect>,
}

/// The forms a command takes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Assignments and words.
    Simple {
        /// `NAME=value` before the words, or the operands of `export` and its kin.
        assigns: Vec<Assign>,
        /// The command word and its arguments, not yet expanded.
        words: Vec<Word>,
    },
    /// `{ … }`.
    Group(Script),
    /// `( … )`.
    Subshell(Script),
    /// `if`: conditions with their bodies, and the `else` body.
    If(Vec<(Script, Script)>, Option<Script>),
    /// `while` and `until`: the condition and the body.
    While(Script, Script),
    /// `for` and `select`: variable, words (`None`: the positional parameters), body.
    For(String, Option<Vec<Word>>, Script),
    /// `for (( … ))`.
    ArithFor(Script),
    /// `case`: the subject and each arm's patterns and body.
    Case(Word, Vec<(Vec<Word>, Script)>),
    /// `[[ … ]]` and `(( … ))`: only the substitutions inside can act.
    Test(Vec<Word>),
    /// A function definition.
    Function(String, Rc<Command>),
    /// `coproc`.
    Coproc(Box<Command>),
}

/// An assignment.
#[derive(Debug, Clone)]
pub struct Assign {
    /// The variable's name.
    pub name: String,
    /// Whether it is `+=`.
    pub append: bool,
    /// Whether one element (`a[i]=`) is meant.
    pub element: bool,
    /// What is assigned.
    pub value: AssignValue,
}

/// The right-hand side of an assignment.
#[derive(Debug, Clone)]
pub enum AssignValue {
    /// `NAME=word`.
    Scalar(Word),
    /// `NAME=(words)`.
    Array(Vec<Word>),
}

/// A redirection.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// The file descriptor in front, where one is written.
    pub fd: Option<u32>,
    /// What it does.
    pub op: RedirectOp,
}

/// What a redirection does.
#[derive(Debug, Clone)]
pub enum RedirectOp {
    /// `<` a file.
    Read(Word),
    /// `>`, `>|`, `&>` a file: emptied, then written.
    Write(Word),
    /// `>>`, `&>>` a file.
    Append(Word),
    /// `<>` a file.
    ReadWrite(Word),
    /// `>&` or `<&` another descriptor.
    Duplicate(Word),
    /// `<<` and `<<-`; filled when the body has been reached.
    HereDoc(Rc<OnceCell<Word>>),
    /// `<<<`.
    HereString(Word),
}

/// A word before expansion.
#[derive(Debug, Clone, Default)]
pub struct Word {
    /// Its parts, side by side.
    pub parts: Vec<Part>,
}

impl Word {
    /// The text, where the word is one unquoted literal.
    #[must_use]
    pub fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Lit(text)] => Some(text),
            _ => None,
        }
    }
}

/// One part of a word.
#[derive(Debug, Clone)]
pub enum Part {
    /// Unquoted text.
    Lit(String),
    /// Quoted or escaped text.
    Quoted(String),
    /// An unquoted `*`, `?`, `[` or an extended glob.
    Glob(char),
    /// A leading `~` with the name after it.
    Tilde(String),
    /// An unquoted `{`, `,` or `}` that may be a brace expansion.
    Brace(char),
    /// A parameter expansion.
    Param {
        /// The parameter's name.
        name: String,
        /// What is done to its value.
        op: ParamOp,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$( … )` or backticks.
    Substitution(Script, bool),
    /// `<( … )` or `>( … )`; true when it is read from.
    Process(Script, bool),
    /// `$(( … ))`: only substitutions inside can act.
    Arithmetic(Box<Word>),
}

/// What a parameter expansion does to the value.
#[derive(Debug, Clone)]
pub enum ParamOp {
    /// `$x`.
    Plain,
    /// `${a[@]}`, `${a[*]}`, `$@`, `$*`: every element.
    All,
    /// `${a[word]}`.
    Element(Word),
    /// `${x:-word}`, `${x-word}`, `${x:=word}`: true when it also assigns.
    Default(Word, bool),
    /// `${x:+word}`.
    Alternative(Word),
    /// `${x#word}` and `${x##word}`: true for the longest match.
    TrimStart(Word, bool),
    /// `${x%word}` and `${x%%word}`.
    TrimEnd(Word, bool),
    /// `${x/from/to}`: true for every match.
    Replace(Word, bool),
    /// `${x:offset:length}`.
    Slice(Word),
    /// `${x^^}` (true) and `${x,,}` (false); first letter only for one sign.
    Case {
        /// Upper or lower.
        upper: bool,
        /// Every letter or only the first.
        all: bool,
    },
    /// `${!x}`.
    Indirect,
    /// `${#x}` and whatever else yields no usable text.
    Opaque,
}
