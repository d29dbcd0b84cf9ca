//! `countersign ledger`: check, seal, export and read the ledger.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use countersign_core::ledger::export::{self, MAX_LINE};
use countersign_core::ledger::{Entry, Head, Seal, Verified, Verifier, seal};
use countersign_core::roster::{self, Roster};
use countersign_core::signoff::sshsig::Proven;
use countersign_store::{Access, Store};
use jiff::Timestamp;

use super::RepoArgs;
use super::policy::read_named;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::rules::Rules;
use crate::signer::Signer;
use crate::style::{BOLD, DIM, paint};

/// Entries read at once.
const PAGE: u32 = 5_000;
/// Faults told one by one.
const MOST_FAULTS: usize = 10;

/// Check, seal, export and read the ledger of what was recorded.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    Verify(VerifyArgs),
    /// Print the end of the ledger, to be kept where its owner cannot change it.
    Head {
        #[command(flatten)]
        db: DbArgs,
    },
    Seal(SealArgs),
    Export(ExportArgs),
    Show(ShowArgs),
}

/// Check every entry, of the database or of an export.
///
/// Exits with 65 when anything was changed, dropped, added or moved. With a head
/// or a seal from before, also when the ledger was cut off or written anew.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// What `ledger export` wrote, `-` for standard input; else the database.
    file: Option<PathBuf>,
    /// The file is a later part of a ledger.
    #[arg(long, requires = "file")]
    part: bool,
    /// A head that was kept: the ledger must contain it.
    #[arg(long = "head", value_name = "SEQ:HASH")]
    heads: Vec<Head>,
    /// A seal that was kept: the ledger must contain its head.
    #[arg(long = "seal", value_name = "FILE")]
    seals: Vec<PathBuf>,
    /// The roster that says whose keys sealed.
    #[arg(long, value_name = "FILE", requires = "seals")]
    people: Option<PathBuf>,
    /// Also compare every other table of the database with the ledger.
    #[arg(long, conflicts_with = "file")]
    against_tables: bool,
    #[command(flatten)]
    db: DbArgs,
}

/// Sign the end of the ledger with your SSH key.
///
/// The seal is a short text with an SSH signature below it, which `ssh-keygen -Y
/// verify -n ledger@countersign.dev` can check too. Keep it elsewhere: a ledger
/// that was cut off or written anew no longer fits it.
#[derive(Debug, Args)]
pub(crate) struct SealArgs {
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where to write the seal; else standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    repo: RepoArgs,
    #[command(flatten)]
    db: DbArgs,
}

/// Write the ledger as text, one JSON object a line.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Where to write; else standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Begin with this entry.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    #[command(flatten)]
    db: DbArgs,
}

/// Read the latest entries, or every version of one thing.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Only this kind, such as `decision`.
    #[arg(long)]
    kind: Option<String>,
    /// Every version of this one; needs `--kind`.
    #[arg(long, requires = "kind")]
    key: Option<String>,
    /// How many of the latest.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Print the entries as `ledger export` does.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(command: &LedgerCommand) -> CliResult {
    match command {
        LedgerCommand::Verify(args) => verify(args),
        LedgerCommand::Head { db } => {
            let address = db.address()?;
            let head = with(&address, Access::Read, async |store| {
                Ok(store.head().await?)
            })?;
            writeln!(anstream::stdout().lock(), "{head}")?;
            Ok(exit::ALLOW)
        }
        LedgerCommand::Seal(args) => seal(args),
        LedgerCommand::Export(args) => export(args),
        LedgerCommand::Show(args) => show(args),
    }
}

/// A seal that was read, and whose it is.
struct Known {
    file: String,
    seal: Seal,
    proven: Proven,
}

/// Everything found wrong, as lines for a person.
#[derive(Default)]
struct Findings {
    lines: Vec<String>,
    more: u64,
}

impl Findings {
    fn add(&mut self, line: String) {
        if self.lines.len() < MOST_FAULTS {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }
}

fn verify(args: &VerifyArgs) -> CliResult {
    let seals = args.seals.iter().map(|file| read_seal(file));
    let seals = seals.collect::<CliResult<Vec<Known>>>()?;
    let roster = args.people.as_deref().map(read_roster).transpose()?;
    let mut findings = Findings::default();
    for known in &seals {
        if let Some(roster) = &roster
            && let Err(why) = whose(known, roster)
        {
            findings.add(format!("{}: {why}", known.file));
        }
    }
    let mut heads = args.heads.clone();
    heads.extend(seals.iter().map(|known| known.seal.head));
    let verified = match &args.file {
        Some(file) => {
            let verifier = if args.part {
                Verifier::part(&heads)
            } else {
                Verifier::knowing(&heads)
            };
            verify_file(file, verifier, &mut findings)?
        }
        None => with(&args.db.address()?, Access::Read, async |store| {
            verify_database(store, heads, args.against_tables, &mut findings).await
        })?,
    };
    print_verified(&verified, &seals, roster.is_some(), &findings)?;
    Ok(if findings.lines.is_empty() {
        exit::ALLOW
    } else {
        exit::DATA
    })
}

fn verify_file(
    file: &Path,
    mut verifier: Verifier,
    findings: &mut Findings,
) -> CliResult<Verified> {
    let name = file.display().to_string();
    for_each_line(file, |number, line| {
        let place = || format!("{name}:{number}");
        if number == 1 {
            export::read_header(line).map_err(|error| {
                CliError::new(exit::DATA, format!("{}: {error}", place()))
                    .hint("give what `countersign ledger export` wrote")
            })?;
            return Ok(());
        }
        match export::read(line) {
            Ok(entry) => {
                if let Err(fault) = verifier.push(&entry) {
                    findings.add(format!("{}: {fault}", place()));
                }
            }
            Err(error) => findings.add(format!("{}: {error}", place())),
        }
        Ok(())
    })?;
    let (verified, faults) = verifier.finish();
    for fault in faults {
        findings.add(fault.to_string());
    }
    Ok(verified)
}

/// Gives each line without its end, never holding more than the longest one
/// allowed.
fn for_each_line(file: &Path, mut visit: impl FnMut(u64, &[u8]) -> CliResult<()>) -> CliResult<()> {
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = File::open(file).map_err(|error| {
            let code = match error.kind() {
                std::io::ErrorKind::NotFound => exit::NOT_FOUND,
                _ => exit::IO,
            };
            CliError::new(code, format!("{} cannot be read: {error}", file.display()))
        })?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let most = MAX_LINE as u64 + 2;
        let read = (&mut input).take(most).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() > MAX_LINE {
            let message = format!("{}:{number}: the line is too long", file.display());
            return Err(CliError::new(exit::DATA, message));
        }
        visit(number, &line)?;
    }
    if number == 0 {
        let message = format!("{} is empty", file.display());
        return Err(
            CliError::new(exit::DATA, message).hint("give what `countersign ledger export` wrote")
        );
    }
    Ok(())
}

async fn verify_database(
    store: &Store,
    mut heads: Vec<Head>,
    against_tables: bool,
    findings: &mut Findings,
) -> CliResult<Verified> {
    // What is appended while this runs is not looked at.
    let end = store.head().await?;
    heads.push(end);
    let mut verifier = Verifier::knowing(&heads);
    let mut after = 0;
    loop {
        let entries = store.entries(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in entries.iter().filter(|entry| entry.seq <= end.seq) {
            if let Err(fault) = verifier.push(entry) {
                findings.add(fault.to_string());
            }
        }
        if after >= end.seq {
            break;
        }
    }
    let (verified, faults) = verifier.finish();
    for fault in faults {
        findings.add(fault.to_string());
    }
    if against_tables {
        for difference in store.differences().await? {
            findings.add(format!(
                "table `{}` does not say what the ledger says: {}",
                difference.table, difference.what
            ));
        }
    }
    Ok(verified)
}

fn read_seal(file: &Path) -> CliResult<Known> {
    let text = read_named(file)?;
    let file = file.display().to_string();
    let (seal, proven) =
        Seal::open(&text).map_err(|error| CliError::new(exit::DATA, format!("{file}: {error}")))?;
    Ok(Known { file, seal, proven })
}

fn read_roster(file: &Path) -> CliResult<Roster> {
    let text = read_named(file)?;
    let name = file.display().to_string();
    roster::parse(&text, &name).map_err(|problems| CliError::file(&name, &text, problems))
}

/// Checks that the key belongs to the person that the seal names.
fn whose(known: &Known, roster: &Roster) -> Result<(), String> {
    let claimed = &known.seal.person;
    match roster.by_key(&known.proven.key) {
        Some((person, key)) if person.id == *claimed => {
            if key.is_valid_at(known.seal.sealed_at) {
                Ok(())
            } else {
                Err(format!("the key of {claimed} was not valid when it sealed"))
            }
        }
        Some((person, _)) => Err(format!("it says {claimed}, and {} sealed it", person.id)),
        None => Err(format!(
            "the key that sealed it is not on the roster (it says {claimed})"
        )),
    }
}

fn print_verified(
    verified: &Verified,
    seals: &[Known],
    checked: bool,
    findings: &Findings,
) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let entries = verified.kinds.values().sum::<u64>();
    let verdict = if findings.lines.is_empty() {
        "WHOLE  nothing was changed, dropped, added or moved"
    } else {
        "DAMAGED  this is not what was recorded"
    };
    writeln!(out, "{}", paint(BOLD, verdict))?;
    for line in &findings.lines {
        writeln!(out, "  {line}")?;
    }
    if findings.more > 0 {
        writeln!(out, "  and {} more", findings.more)?;
    }
    let kinds = verified.kinds.iter();
    let kinds: Vec<String> = kinds.map(|(kind, n)| format!("{n} {kind}")).collect();
    let kinds = if kinds.is_empty() {
        String::new()
    } else {
        format!(": {}", kinds.join(", "))
    };
    writeln!(out, "  entries {entries}{kinds}")?;
    if verified.first > 1 {
        let (first, before) = (verified.first, verified.first - 1);
        writeln!(out, "  from    {first}, after {before}:{}", verified.prev)?;
    }
    writeln!(out, "  head    {}", verified.head)?;
    for known in seals {
        let key = if checked {
            String::new()
        } else {
            format!(
                ", {} (give `--people` to check whose key)",
                known.proven.fingerprint
            )
        };
        let (seq, at) = (known.seal.head.seq, known.seal.sealed_at);
        writeln!(out, "  sealed  {seq} at {at} by {}{key}", known.seal.person)?;
    }
    if seals.is_empty() {
        let hint = "whether its end was cut off, only a head or seal kept elsewhere can tell";
        writeln!(out, "  {}", paint(DIM, hint))?;
    }
    Ok(())
}

fn seal(args: &SealArgs) -> CliResult {
    let repo = args.repo.open()?;
    let rules = Rules::at(&repo, super::protected(&repo)?.as_ref())?;
    let signer = Signer::find(&repo, &rules, args.key.as_deref())?;
    let address = args.db.address()?;
    // A damaged ledger must not be given anyone's name.
    let head = with(&address, Access::Read, async |store| {
        Ok(store.verified_head(|_| {}).await?)
    })?;
    let now = Timestamp::now();
    let seal = Seal {
        head,
        sealed_at: now.round(jiff::Unit::Second).unwrap_or(now),
        person: signer.person.id.clone(),
    };
    let signature = crate::signer::sign(&signer.key, seal::NAMESPACE, seal.text().as_bytes())?;
    let file = seal.file(&signature);
    // What we would not accept, nobody else will.
    Seal::open(&file).map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
    match &args.out {
        None => anstream::stdout().lock().write_all(file.as_bytes())?,
        Some(path) => {
            write_new(path)?.write_all(file.as_bytes())?;
            let mut out = anstream::stdout().lock();
            writeln!(
                out,
                "sealed entries 1 to {} as {}  {}",
                head.seq,
                paint(BOLD, &signer.person.id),
                paint(DIM, path.display())
            )?;
        }
    }
    Ok(exit::ALLOW)
}

/// Creates a file that does not exist yet.
fn write_new(path: &Path) -> CliResult<File> {
    File::create_new(path).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        CliError::new(exit::IO, message)
    })
}

fn export(args: &ExportArgs) -> CliResult {
    let address = args.db.address()?;
    with(&address, Access::Read, async |store| match &args.out {
        None => export_to(store, args.from, &mut std::io::stdout().lock()).await,
        Some(path) => {
            let mut out = std::io::BufWriter::new(write_new(path)?);
            let code = export_to(store, args.from, &mut out).await?;
            out.flush()?;
            Ok(code)
        }
    })
}

async fn export_to(store: &Store, from: u64, out: &mut impl Write) -> CliResult {
    let end = store.head().await?.seq;
    out.write_all(export::header().as_bytes())?;
    let mut after = from.saturating_sub(1);
    while after < end {
        let entries = store.entries(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in entries.iter().filter(|entry| entry.seq <= end) {
            out.write_all(line(entry)?.as_bytes())?;
        }
    }
    Ok(exit::ALLOW)
}

fn line(entry: &Entry) -> CliResult<String> {
    export::write(entry).map_err(|error| CliError::new(exit::INTERNAL, error.to_string()))
}

fn show(args: &ShowArgs) -> CliResult {
    let address = args.db.address()?;
    with(&address, Access::Read, async |store| {
        let entries = find(store, args).await?;
        let mut out = anstream::stdout().lock();
        for entry in entries {
            if args.json {
                out.write_all(line(&entry)?.as_bytes())?;
                continue;
            }
            writeln!(
                out,
                "{:>7}  {}  {:<14}{}  {}",
                entry.seq,
                time(entry.recorded_at),
                entry.record.kind(),
                paint(BOLD, entry.record.key()),
                paint(DIM, format!("by {}", entry.recorded_by))
            )?;
            if args.key.is_some() {
                writeln!(out, "         {}", entry.record.body())?;
            }
        }
        Ok(exit::ALLOW)
    })
}

/// The entries to show, oldest first.
async fn find(store: &Store, args: &ShowArgs) -> CliResult<Vec<Entry>> {
    let end = store.head().await?.seq;
    let limit = args.limit.max(1) as usize;
    if let (Some(kind), Some(key)) = (&args.kind, &args.key) {
        let mut found = Vec::new();
        for version in store.history(kind, key, 0, args.limit).await? {
            found.extend(store.entries(version.seq - 1, 1).await?);
        }
        if found.is_empty() {
            let message = format!("nothing is recorded of {kind} `{key}`");
            return Err(CliError::new(exit::NOT_FOUND, message));
        }
        return Ok(found);
    }
    // Backwards, so that the latest are found without reading all.
    let (mut until, mut found) = (end, Vec::new());
    while until > 0 && found.len() < limit {
        let from = until.saturating_sub(u64::from(PAGE));
        let mut page = store.entries(from, PAGE).await?;
        page.retain(|entry| {
            entry.seq <= until
                && args
                    .kind
                    .as_ref()
                    .is_none_or(|kind| entry.record.kind() == kind)
        });
        page.extend(found);
        found = page;
        until = from;
    }
    let skip = found.len().saturating_sub(limit);
    Ok(found.split_off(skip))
}

fn time(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
