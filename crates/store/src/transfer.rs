//! Copying a ledger: between engines, into a backup, out of one.
//!
//! Entries are copied as they are, with their numbers, times and hashes. The
//! copy checks the chain while it reads, and every other table is read from the
//! entries again. A copy that was interrupted goes on where it stopped.

use std::path::Path;

use countersign_core::ledger::{Entry, Fault, Head, Verifier};

use crate::append::{Writes, lock_head};
use crate::engine::Pool;
use crate::error::StoreError;
use crate::projection::sameness;
use crate::sql;
use crate::store::{Store, create_private};

/// Entries in one transaction.
const PAGE: u32 = 2_000;

/// What a copy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Entries that were there before.
    pub known: u64,
    /// Entries copied.
    pub copied: u64,
    /// The end of both ledgers.
    pub head: Head,
}

impl Store {
    /// Appends entries of another ledger as they are. They have to follow the
    /// end of this one.
    ///
    /// # Errors
    /// [`StoreError::Ledger`] when they do not; then nothing is added.
    pub async fn import(&self, entries: Vec<Entry>) -> Result<Head, StoreError> {
        let mut tx = self.write()?.pool.begin().await?;
        let (head, recorded_at) = lock_head(&mut tx).await?;
        let mut verifier = Verifier::part(&[head]);
        let mut writes = Writes::after(head, recorded_at);
        let mut end = head;
        for entry in entries {
            if entry.seq == end.seq + 1 && entry.prev != end.hash {
                return Err(Fault::Broken(entry.seq).into());
            }
            if entry.seq != end.seq + 1 {
                let (wanted, found) = (end.seq + 1, entry.seq);
                return Err(Fault::Order { wanted, found }.into());
            }
            if entry.recorded_at < recorded_at {
                return Err(Fault::Time(entry.seq).into());
            }
            verifier.push(&entry)?;
            let (seq, hash) = (entry.seq, entry.hash);
            end = Head { seq, hash };
            let same = sameness(entry.record.body());
            writes.entry(entry, same)?;
        }
        writes.put(&mut tx, true).await?;
        tx.commit().await?;
        Ok(end)
    }

    /// Copies the ledger of `from` into this database, which is empty or holds
    /// the beginning of it. Tells `progress` how many entries are done.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when this database holds something else,
    /// [`StoreError::Ledger`] when the source is damaged. What was copied before
    /// stays and is whole.
    pub async fn copy_from(
        &self,
        from: &Self,
        mut progress: impl FnMut(u64),
    ) -> Result<Copied, StoreError> {
        let start = self.head().await?;
        let goal = from.head().await?;
        self.expect_beginning_of(from, start).await?;
        let mut head = start;
        while head.seq < goal.seq {
            let mut entries = from.entries(head.seq, PAGE).await?;
            // What is appended to the source meanwhile is not ours.
            entries.retain(|entry| entry.seq <= goal.seq);
            if entries.is_empty() {
                let (last, known) = (head.seq, goal.seq);
                return Err(Fault::CutOff { last, known }.into());
            }
            head = self.import(entries).await?;
            progress(head.seq);
        }
        if head != goal {
            return Err(Fault::Rewritten(head.seq).into());
        }
        Ok(Copied {
            known: start.seq,
            copied: head.seq - start.seq,
            head,
        })
    }

    async fn expect_beginning_of(&self, from: &Self, start: Head) -> Result<(), StoreError> {
        if start.seq == 0 {
            return Ok(());
        }
        let there = from.entries(start.seq - 1, 1).await?;
        match there.first() {
            Some(entry) if entry.hash == start.hash => Ok(()),
            _ => Err(StoreError::NotEmpty(start.seq)),
        }
    }

    /// Writes a consistent copy into a new SQLite file, from either engine, while
    /// others go on working. The copy's ledger is checked before it is done.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when the file exists, [`StoreError::Ledger`] when
    /// the ledger is damaged, or what the database says.
    pub async fn backup(&self, file: &Path, progress: impl FnMut(u64)) -> Result<Head, StoreError> {
        if file.exists() {
            let message = format!("`{}` exists already", file.display());
            return Err(StoreError::Database(message));
        }
        let partial = file.with_extension("partial");
        // What an interrupted backup left behind is worth nothing.
        remove(&partial);
        let done = self.backup_into(&partial, progress).await;
        let done = match done {
            Ok(head) => keep(&partial, file).map(|()| head).map_err(|error| {
                StoreError::Database(format!("`{}` cannot be written: {error}", file.display()))
            }),
            Err(error) => Err(error),
        };
        if done.is_err() {
            remove(&partial);
        }
        done
    }

    async fn backup_into(
        &self,
        file: &Path,
        progress: impl FnMut(u64),
    ) -> Result<Head, StoreError> {
        let address = crate::Address::Sqlite(file.to_owned());
        if let Pool::Sqlite(pool) = &self.readers {
            // The engine's own copy is one consistent state, whoever writes.
            create_private(file)?;
            let name = file.to_string_lossy().into_owned();
            sqlx::query(sql::COPY_SQLITE)
                .bind(name)
                .execute(pool)
                .await?;
            let copy = Self::open(&address, crate::Access::Read).await?;
            let checked = copy.verified_head(progress).await;
            copy.close().await;
            return checked;
        }
        let copy = Self::migrate(&address).await?;
        let copied = copy.copy_from(self, progress).await;
        // One file, without a journal beside it.
        copy.close().await;
        copied.map(|copied| copied.head)
    }

    /// Checks the ledger from its first entry to its end.
    ///
    /// # Errors
    /// [`StoreError::Ledger`] with the first thing that is wrong.
    pub async fn verified_head(&self, mut progress: impl FnMut(u64)) -> Result<Head, StoreError> {
        let head = self.head().await?;
        let mut verifier = Verifier::knowing(&[head]);
        let mut after = 0;
        loop {
            let entries = self.entries(after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in &entries {
                verifier.push(entry)?;
            }
            progress(after);
        }
        match verifier.finish().1.into_iter().next() {
            Some(fault) => Err(fault.into()),
            None => Ok(head),
        }
    }
}

/// Gives a finished file its name, once it is on disk.
fn keep(partial: &Path, file: &Path) -> std::io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    std::fs::rename(partial, file)
}

fn remove(file: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}
