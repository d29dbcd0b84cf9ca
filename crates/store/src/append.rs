//! Adding to the ledger: many writers, one transaction.
//!
//! One task writes. It takes all that wait at the moment, appends them in one
//! transaction, and answers each of them after the commit. So an answer means
//! that it is on disk, and a flush is shared by all who wait for it.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_core::ledger::entry::check_recorded_by;
use countersign_core::ledger::{Entry, Head, Record};
use countersign_core::signoff::Digest;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::engine::{Pool, Tx, on_tx};
use crate::error::StoreError;
use crate::projection::{ChangeRow, IncidentRow, Row, joined, project, sameness};
use crate::sql;
use crate::store::Store;

/// Jobs that may wait before callers do.
const WAITING: usize = 1024;
/// Records in one transaction, unless one caller brings more.
const MOST: usize = 4096;

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// New entries.
    pub added: u64,
    /// Records that said what was known already.
    pub unchanged: u64,
    /// The end of the ledger after it.
    pub head: Head,
}

/// What the caller believes to be the latest version of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The record's kind.
    pub kind: String,
    /// The record's key.
    pub key: String,
    /// The number of its latest entry; `None`: it was never recorded.
    pub seq: Option<u64>,
}

/// A record, and what is known of it without the database.
#[derive(Debug)]
struct Prepared {
    record: Record,
    same: Digest,
}

struct Job {
    recorded_by: String,
    records: Vec<Prepared>,
    expected: Vec<Expected>,
    reply: oneshot::Sender<Result<Appended, StoreError>>,
}

/// The task that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    task: JoinHandle<()>,
}

impl Writer {
    pub(crate) fn start(pool: Pool) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let task = tokio::spawn(write_all(pool, waiting));
        Self { jobs, task }
    }

    /// Writes what waits, then ends.
    pub(crate) async fn stop(self) {
        drop(self.jobs);
        let _ = self.task.await;
    }
}

impl Store {
    /// Appends records in order, all or none. A record that says what its latest
    /// version says already is not added again. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Body`] for a change or incident that could not be counted,
    /// or what the database says. Then nothing was added.
    pub async fn append(
        &self,
        recorded_by: &str,
        records: Vec<Record>,
    ) -> Result<Appended, StoreError> {
        self.append_if(recorded_by, records, Vec::new()).await
    }

    /// Appends records if what they build on is still the latest.
    ///
    /// # Errors
    /// As [`Self::append`], and [`StoreError::Conflict`] when someone else
    /// recorded a version in between.
    pub async fn append_if(
        &self,
        recorded_by: &str,
        records: Vec<Record>,
        expected: Vec<Expected>,
    ) -> Result<Appended, StoreError> {
        check_recorded_by(recorded_by)?;
        let writer = &self.write()?.writer;
        let records = records.into_iter().map(prepare);
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            recorded_by: recorded_by.to_owned(),
            records,
            expected,
            reply,
        };
        writer
            .jobs
            .send(job)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn prepare(record: Record) -> Result<Prepared, StoreError> {
    // What cannot be read now would silently be missing from every count.
    project(record.kind(), record.key(), 0, record.body()).map_err(|why| StoreError::Body {
        kind: record.kind().to_owned(),
        key: record.key().to_owned(),
        why,
    })?;
    let same = sameness(record.body());
    Ok(Prepared { record, same })
}

async fn write_all(pool: Pool, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.recv().await {
        let mut count = first.records.len();
        let mut group = vec![first];
        // Others who are about to ask come along.
        tokio::task::yield_now().await;
        while count < MOST
            && let Ok(job) = waiting.try_recv()
        {
            count += job.records.len();
            group.push(job);
        }
        let outcome = write_group(&pool, &mut group).await;
        for (place, job) in group.into_iter().enumerate() {
            let answer = match &outcome {
                Ok(answers) => answers
                    .get(place)
                    .cloned()
                    .unwrap_or(Err(StoreError::Closed)),
                Err(error) => Err(error.clone()),
            };
            // Whoever asked may have gone; what is written stays.
            let _ = job.reply.send(answer);
        }
    }
}

async fn write_group(
    pool: &Pool,
    group: &mut [Job],
) -> Result<Vec<Result<Appended, StoreError>>, StoreError> {
    let mut tx = pool.begin().await?;
    let (head, recorded_at) = lock_head(&mut tx).await?;
    let mut known = find_latest(&mut tx, group).await?;
    // The clock of this machine may be behind that of another one.
    let mut writes = Writes::after(head, now().max(recorded_at));
    let mut answers = Vec::with_capacity(group.len());
    for job in group.iter_mut() {
        answers.push(writes.job(job, &mut known)?);
    }
    if writes.entries.is_empty() {
        return Ok(answers);
    }
    writes.put(&mut tx, true).await?;
    tx.commit().await?;
    Ok(answers)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

/// The end of the ledger and when its last entry was recorded. No one else can
/// append until the transaction ends.
pub(crate) async fn lock_head(tx: &mut Tx) -> Result<(Head, i64), StoreError> {
    let statement = match tx {
        Tx::Sqlite(_) => sql::HEAD,
        Tx::Postgres(_) => sql::LOCK_HEAD_POSTGRES,
    };
    let (seq, hash, recorded_at): (i64, Vec<u8>, i64) =
        on_tx!(tx, c => sqlx::query_as(statement).fetch_one(c).await?);
    Ok((head(seq, &hash)?, recorded_at))
}

pub(crate) fn head(seq: i64, hash: &[u8]) -> Result<Head, StoreError> {
    Ok(Head {
        seq: number(seq)?,
        hash: digest(hash)?,
    })
}

pub(crate) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into();
    let bytes = bytes.map_err(|_| StoreError::Database("a hash has not 32 bytes".to_owned()))?;
    Ok(Digest::from_bytes(bytes))
}

pub(crate) fn number(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Database(format!("{value} is negative")))
}

pub(crate) fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Database(format!("{value} is too large")))
}

type Name = (String, String);

/// The latest version of something.
#[derive(Debug, Clone, Copy)]
struct Known {
    seq: u64,
    same: Digest,
}

async fn find_latest(tx: &mut Tx, group: &[Job]) -> Result<HashMap<Name, Known>, StoreError> {
    let records = group.iter().flat_map(|job| &job.records);
    let mut names: Vec<(&str, &str)> = records
        .map(|it| (it.record.kind(), it.record.key()))
        .chain(
            group
                .iter()
                .flat_map(|job| &job.expected)
                .map(|it| (it.kind.as_str(), it.key.as_str())),
        )
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut known = HashMap::with_capacity(names.len());
    for (statement, part) in sql::FIND_LATEST.parts(&names) {
        let rows: Vec<(String, String, i64, Vec<u8>)> = on_tx!(tx, c => {
            let mut query = sqlx::query_as(statement);
            for (kind, key) in part {
                query = query.bind(*kind).bind(*key);
            }
            query.fetch_all(c).await?
        });
        for (kind, key, seq, same) in rows {
            let (seq, same) = (number(seq)?, digest(&same)?);
            known.insert((kind, key), Known { seq, same });
        }
    }
    Ok(known)
}

/// What one transaction will write.
pub(crate) struct Writes {
    head: Head,
    recorded_at: i64,
    entries: Vec<Entry>,
    latest: BTreeMap<Name, (i64, i64, Digest)>,
    changes: BTreeMap<String, ChangeRow>,
    incidents: BTreeMap<String, IncidentRow>,
    /// Bodies whose columns could not be read.
    pub(crate) unreadable: u64,
}

impl Writes {
    /// Begins after the end of the ledger, at a time.
    pub(crate) const fn after(head: Head, recorded_at: i64) -> Self {
        Self {
            head,
            recorded_at,
            entries: Vec::new(),
            latest: BTreeMap::new(),
            changes: BTreeMap::new(),
            incidents: BTreeMap::new(),
            unreadable: 0,
        }
    }

    fn job(
        &mut self,
        job: &mut Job,
        known: &mut HashMap<Name, Known>,
    ) -> Result<Result<Appended, StoreError>, StoreError> {
        for expected in std::mem::take(&mut job.expected) {
            let name = (expected.kind, expected.key);
            if known.get(&name).map(|known| known.seq) != expected.seq {
                return Ok(Err(StoreError::Conflict { key: name.1 }));
            }
        }
        let (mut added, mut unchanged) = (0, 0);
        for Prepared { record, same } in std::mem::take(&mut job.records) {
            let name = (record.kind().to_owned(), record.key().to_owned());
            if known.get(&name).is_some_and(|known| known.same == same) {
                unchanged += 1;
                continue;
            }
            let seq = self.head.seq + 1;
            let by = job.recorded_by.clone();
            let entry = Entry::after(self.head.hash, seq, self.recorded_at, by, record);
            self.entry(entry, same)?;
            known.insert(name, Known { seq, same });
            added += 1;
        }
        let head = self.head;
        Ok(Ok(Appended {
            added,
            unchanged,
            head,
        }))
    }

    /// Takes an entry that follows the ones before it.
    pub(crate) fn entry(&mut self, entry: Entry, same: Digest) -> Result<(), StoreError> {
        let record = &entry.record;
        let name = (record.kind().to_owned(), record.key().to_owned());
        match project(record.kind(), record.key(), entry.seq, record.body()) {
            Ok(Some(Row::Change(row))) => {
                self.changes.insert(name.1.clone(), *row);
            }
            Ok(Some(Row::Incident(row))) => {
                self.incidents.insert(name.1.clone(), *row);
            }
            Ok(None) => {}
            Err(_) => self.unreadable += 1,
        }
        self.latest
            .insert(name, (record.at(), signed(entry.seq)?, same));
        self.head = Head {
            seq: entry.seq,
            hash: entry.hash,
        };
        self.recorded_at = entry.recorded_at;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes it. Without `ledger`, only what is read from the ledger.
    pub(crate) async fn put(self, tx: &mut Tx, ledger: bool) -> Result<(), StoreError> {
        if ledger {
            put_ledger(tx, &self.entries).await?;
        }
        let latest: Vec<_> = self.latest.into_iter().collect();
        for (statement, part) in sql::PUT_LATEST.parts(&latest) {
            on_tx!(tx, c => {
                let mut query = sqlx::query(statement);
                for ((kind, key), (at, seq, same)) in part {
                    query = query.bind(kind.as_str()).bind(key.as_str());
                    query = query.bind(*at).bind(*seq).bind(same.as_bytes().as_slice());
                }
                query.execute(c).await?;
            });
        }
        let changes: Vec<_> = self.changes.into_values().collect();
        put_changes(tx, &changes).await?;
        let incidents: Vec<_> = self.incidents.into_values().collect();
        put_incidents(tx, &incidents).await?;
        if ledger {
            let (seq, hash) = (signed(self.head.seq)?, self.head.hash);
            on_tx!(tx, c => {
                let query = sqlx::query(sql::SET_HEAD).bind(seq).bind(hash.as_bytes().as_slice());
                query.bind(self.recorded_at).execute(c).await?;
            });
        }
        Ok(())
    }
}

async fn put_ledger(tx: &mut Tx, entries: &[Entry]) -> Result<(), StoreError> {
    for (statement, part) in sql::PUT_LEDGER.parts(entries) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement);
            for entry in part {
                let record = &entry.record;
                query = query.bind(signed(entry.seq)?).bind(entry.recorded_at);
                query = query.bind(entry.recorded_by.as_str()).bind(record.kind());
                query = query.bind(record.key()).bind(record.at()).bind(record.body());
                query = query.bind(entry.hash.as_bytes().as_slice());
            }
            query.execute(c).await?;
        });
    }
    Ok(())
}

async fn put_changes(tx: &mut Tx, rows: &[ChangeRow]) -> Result<(), StoreError> {
    for (statement, part) in sql::PUT_CHANGE.parts(rows) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement);
            for row in part {
                query = query.bind(row.key.as_str()).bind(row.seq).bind(row.shipped_at);
                query = query.bind(row.week).bind(row.repository.as_str());
                query = query.bind(row.kind.as_str()).bind(row.team.as_str());
                query = query.bind(row.author_level.as_str()).bind(joined(&row.services));
                query = query.bind(row.tier).bind(row.lines).bind(row.size).bind(row.files);
                query = query.bind(row.involvement.as_str()).bind(row.verdict.as_str());
                query = query.bind(row.environment.as_str()).bind(i64::from(row.bypassed));
            }
            query.execute(c).await?;
        });
    }
    for (statement, part) in sql::DROP_CHANGE_SERVICE.parts(rows) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement);
            for row in part {
                query = query.bind(row.key.as_str());
            }
            query.execute(c).await?;
        });
    }
    let services: Vec<(&ChangeRow, &str)> = rows
        .iter()
        .flat_map(|row| {
            row.services
                .iter()
                .map(move |service| (row, service.as_str()))
        })
        .collect();
    for (statement, part) in sql::PUT_CHANGE_SERVICE.parts(&services) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement);
            for (row, service) in part {
                query = query.bind(row.key.as_str()).bind(*service).bind(row.week);
                query = query.bind(row.involvement.as_str());
            }
            query.execute(c).await?;
        });
    }
    Ok(())
}

async fn put_incidents(tx: &mut Tx, rows: &[IncidentRow]) -> Result<(), StoreError> {
    for (statement, part) in sql::PUT_INCIDENT.parts(rows) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement);
            for row in part {
                query = query.bind(row.key.as_str()).bind(signed(row.seq)?);
                query = query.bind(row.started_at).bind(row.week).bind(row.detected_at);
                query = query.bind(row.mitigated_at).bind(row.resolved_at);
                query = query.bind(row.severity.map_or(0, i64::from));
                query = query.bind(row.status.as_str()).bind(i64::from(row.counts));
                query = query.bind(joined(&row.services)).bind(row.ai.as_str());
            }
            query.execute(c).await?;
        });
    }
    Ok(())
}
