//! Copies: backups, restores, moves between the engines.

use countersign_core::ledger::Fault;
use countersign_store::{Access, Address, Store, StoreError};
use serde_json::json;

use crate::support::{Db, change, incident, note, on_both_engines, run};

async fn fill(store: &Store) {
    let records = (0..40).flat_map(|n| {
        [
            change(&format!("c{n}"), "03-02", &json!({ "lines": n })),
            incident(&format!("i{n}"), "03-03", &json!({})),
            note("same", &format!("{n}")),
        ]
    });
    store.append("ann", records.collect()).await.unwrap();
}

async fn same(one: &Store, two: &Store) {
    assert_eq!(one.head().await.unwrap(), two.head().await.unwrap());
    assert_eq!(
        one.entries(0, 500).await.unwrap(),
        two.entries(0, 500).await.unwrap()
    );
    let weeks = one.weeks().await.unwrap().unwrap();
    assert_eq!(
        one.exposure(weeks).await.unwrap(),
        two.exposure(weeks).await.unwrap()
    );
    assert_eq!(two.differences().await.unwrap(), []);
}

on_both_engines! {
    async fn a_backup_is_the_same_and_can_be_restored(db) {
        let store = db.open().await;
        fill(&store).await;
        let file = db.dir.path().join("backup.db");
        let head = store.backup(&file, |_| {}).await.unwrap();
        assert_eq!(head, store.head().await.unwrap());
        // What comes later is not in it.
        store.append("ann", vec![note("later", "x")]).await.unwrap();
        assert!(store.backup(&file, |_| {}).await.is_err(), "it exists");

        let names: Vec<_> = std::fs::read_dir(db.dir.path()).unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("backup"))
            .collect();
        assert_eq!(names, ["backup.db"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else may read it");
        }
        let address = Address::Sqlite(file);
        let backup = Store::open(&address, Access::Read).await.unwrap();
        assert_eq!(backup.head().await.unwrap(), head);

        let fresh = Db::bare_sqlite();
        let restored = Store::migrate(&fresh.address).await.unwrap();
        let copied = restored.copy_from(&backup, |_| {}).await.unwrap();
        assert_eq!((copied.known, copied.copied), (0, 120));
        same(&backup, &restored).await;
        // And recording goes on.
        let done = restored.append("ben", vec![note("more", "x")]).await.unwrap();
        assert_eq!(done.head.seq, 121);
        assert!(restored.verified_head(|_| {}).await.is_ok());
        for store in [store, backup, restored] {
            store.close().await;
        }
    }

    async fn a_copy_goes_on_where_it_stopped_and_never_mixes(db) {
        let source = db.open().await;
        fill(&source).await;
        let fresh = Db::bare_sqlite();
        let target = Store::migrate(&fresh.address).await.unwrap();
        let part = source.entries(0, 50).await.unwrap();
        target.import(part).await.unwrap();
        let copied = target.copy_from(&source, |_| {}).await.unwrap();
        assert_eq!((copied.known, copied.copied), (50, 70));
        same(&source, &target).await;
        assert_eq!(target.copy_from(&source, |_| {}).await.unwrap().copied, 0);

        target.append("ben", vec![note("own", "x")]).await.unwrap();
        source.append("ann", vec![note("other", "x")]).await.unwrap();
        let refused = target.copy_from(&source, |_| {}).await;
        assert!(matches!(refused, Err(StoreError::NotEmpty(121))));
        source.close().await;
        target.close().await;
    }

    async fn a_damaged_source_is_not_copied(db) {
        let source = db.open().await;
        fill(&source).await;
        db.lift().await;
        db.tamper("UPDATE ledger SET key = 'x' WHERE seq = 30").await;
        let fresh = Db::bare_sqlite();
        let target = Store::migrate(&fresh.address).await.unwrap();
        let refused = target.copy_from(&source, |_| {}).await;
        assert!(matches!(refused, Err(StoreError::Ledger(Fault::Changed(30)))));
        assert_eq!(target.head().await.unwrap().seq, 0);
        let file = db.dir.path().join("backup.db");
        assert!(source.backup(&file, |_| {}).await.is_err());
        assert!(!file.exists(), "no backup is better than a wrong one");
        source.close().await;
        target.close().await;
    }

    async fn entries_that_do_not_follow_are_not_imported(db) {
        let store = db.open().await;
        fill(&store).await;
        let fresh = Db::bare_sqlite();
        let target = Store::migrate(&fresh.address).await.unwrap();
        let late = store.entries(3, 2).await.unwrap();
        let refused = target.import(late).await;
        assert!(matches!(refused, Err(StoreError::Ledger(Fault::Order { wanted: 1, found: 4 }))));
        let mut cut = store.entries(0, 3).await.unwrap();
        cut[0].prev = cut[1].hash;
        assert!(target.import(cut).await.is_err());
        assert_eq!(target.head().await.unwrap().seq, 0);
        store.close().await;
        target.close().await;
    }
}

#[test]
fn between_the_engines_and_back() {
    let Some(server) = Db::postgres() else { return };
    let (first, back) = (Db::sqlite(), Db::sqlite());
    run(async {
        let sqlite = first.open().await;
        fill(&sqlite).await;
        let postgres = server.open().await;
        let copied = postgres.copy_from(&sqlite, |_| {}).await.unwrap();
        assert_eq!(copied.copied, 120);
        same(&sqlite, &postgres).await;
        let again = back.open().await;
        again.copy_from(&postgres, |_| {}).await.unwrap();
        same(&sqlite, &again).await;
        for store in [sqlite, postgres, again] {
            store.close().await;
        }
    });
}
