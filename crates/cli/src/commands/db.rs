//! `countersign db`: make, look at, copy and move the database.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_operations::sample;
use countersign_store::{Access, Address, Store};

use crate::database::{DbArgs, block_on, open, with};
use crate::error::{CliError, CliResult, exit};
use crate::review_inputs::is_sample;
use crate::style::{BOLD, DIM, paint};

/// Make, look at, copy and move the database of what was recorded.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Create the database, or bring its tables to this version.
    Migrate {
        #[command(flatten)]
        db: DbArgs,
    },
    /// What is in it.
    Status {
        #[command(flatten)]
        db: DbArgs,
    },
    /// Copy it into a new SQLite file, while others go on working.
    ///
    /// The file is a database of its own, whichever kind this one is. Its ledger
    /// is checked before the backup is called done.
    Backup {
        /// The file to write.
        file: PathBuf,
        #[command(flatten)]
        db: DbArgs,
    },
    /// Fill a new database from a backup.
    ///
    /// Goes on where an interrupted restore stopped; never mixes two ledgers.
    Restore {
        /// What `db backup` wrote.
        file: PathBuf,
        #[command(flatten)]
        db: DbArgs,
    },
    /// Copy everything into a new database of any kind, and compare the ledgers.
    Move {
        /// The new database: a file, or `postgres://…`.
        to: String,
        #[command(flatten)]
        db: DbArgs,
    },
    /// Make every table but the ledger anew, from the ledger.
    Rebuild {
        #[command(flatten)]
        db: DbArgs,
    },
}

pub(super) fn run(command: &DbCommand) -> CliResult {
    match command {
        DbCommand::Migrate { db } => migrate(&db.address()?),
        DbCommand::Status { db } => status(&db.address()?),
        DbCommand::Backup { file, db } => backup(&db.address()?, file),
        DbCommand::Restore { file, db } => {
            copy(&Address::Sqlite(file.clone()), &db.address()?, "restored")
        }
        DbCommand::Move { to, db } => {
            let to: Address = to
                .parse()
                .map_err(|error| CliError::new(exit::USAGE, format!("{error}")))?;
            copy(&db.address()?, &to, "copied")
        }
        DbCommand::Rebuild { db } => rebuild(&db.address()?),
    }
}

fn migrate(address: &Address) -> CliResult {
    let (engine, entries) = block_on(async {
        let store = Store::migrate(address).await?;
        let found = (store.engine(), store.head().await?.seq);
        store.close().await;
        Ok(found)
    })?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, format!("{address} is ready")),
        paint(DIM, format!("{engine}, {}", entries_text(entries)))
    )?;
    Ok(exit::ALLOW)
}

fn status(address: &Address) -> CliResult {
    with(address, Access::Read, async |store| {
        let head = store.head().await?;
        let schema = store.schema().await?;
        let counts = store.counts().await?;
        let sample = is_sample(store).await?;
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{}  {}",
            paint(BOLD, address),
            paint(
                DIM,
                format!("{}, tables of version {}", store.engine(), schema.version)
            )
        )?;
        writeln!(out, "  ledger  {}", entries_text(head.seq))?;
        writeln!(out, "  head    {head}")?;
        if sample {
            writeln!(out, "  {}", sample::LABEL)?;
        }
        if !counts.is_empty() {
            let title = format!("{:<16}{:>10}{:>10}", "kind", "things", "entries");
            writeln!(out, "\n  {}", paint(DIM, title))?;
        }
        for counted in counts {
            let (things, entries) = (counted.things, counted.entries);
            writeln!(out, "  {:<16}{things:>10}{entries:>10}", counted.kind)?;
        }
        Ok(exit::ALLOW)
    })
}

fn backup(address: &Address, file: &Path) -> CliResult {
    if file.exists() {
        return Err(
            CliError::new(exit::DATA, format!("`{}` exists already", file.display()))
                .hint("name a new file; a backup is never overwritten"),
        );
    }
    let head = with(address, Access::Read, async |store| {
        let total = store.head().await?.seq;
        Ok(store.backup(file, progress(total)).await?)
    })?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, format!("backed up to {}", file.display())),
        paint(DIM, format!("{}, ledger whole", entries_text(head.seq)))
    )?;
    writeln!(out, "  head {head}")?;
    Ok(exit::ALLOW)
}

fn copy(from: &Address, to: &Address, done: &str) -> CliResult {
    let copied = block_on(async {
        let source = open(from, Access::Read).await?;
        let target = Store::migrate(to).await?;
        let total = source.head().await?.seq;
        let copied = target.copy_from(&source, progress(total)).await;
        source.close().await;
        target.close().await;
        Ok(copied?)
    })?;
    let mut out = anstream::stdout().lock();
    let known = match copied.known {
        0 => String::new(),
        known => format!(", {known} were there"),
    };
    writeln!(
        out,
        "{}  {}",
        paint(
            BOLD,
            format!("{done} {} to {to}", entries_text(copied.copied))
        ),
        paint(DIM, format!("both ledgers end alike{known}"))
    )?;
    writeln!(out, "  head {}", copied.head)?;
    Ok(exit::ALLOW)
}

fn rebuild(address: &Address) -> CliResult {
    let rebuilt = with(address, Access::Write, async |store| {
        Ok(store.rebuild().await?)
    })?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "tables made anew from {}",
        entries_text(rebuilt.entries)
    )?;
    if rebuilt.unreadable > 0 {
        let unreadable = entries_text(rebuilt.unreadable);
        writeln!(out, "  {unreadable} could not be read into columns")?;
    }
    Ok(exit::ALLOW)
}

fn entries_text(n: u64) -> String {
    match n {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
}

/// A bar on a terminal, where copying takes long enough to want one.
fn progress(total: u64) -> impl FnMut(u64) {
    let bar = if std::io::stderr().is_terminal() && total > 20_000 {
        indicatif::ProgressBar::new(total)
    } else {
        indicatif::ProgressBar::hidden()
    };
    move |done| {
        bar.set_position(done);
        if done >= total {
            bar.finish_and_clear();
        }
    }
}
