//! Every method, on both engines.

use countersign_core::ledger::Verifier;
use countersign_store::projection::week_of;
use countersign_store::{Access, Appended, Expected, Range, Store, StoreError, Weeks};
use serde_json::json;

use crate::support::{change, incident, noon, note, on_both_engines};

on_both_engines! {
    async fn what_is_appended_is_found(db) {
        let store = db.open().await;
        let records = vec![note("a", "one"), note("b", "two")];
        let done = store.append("ann", records).await.unwrap();
        assert_eq!((done.added, done.unchanged, done.head.seq), (2, 0, 2));
        assert_eq!(store.head().await.unwrap(), done.head);

        let found = store.latest("note", "a").await.unwrap().unwrap();
        assert_eq!((found.seq, found.recorded_by.as_str()), (1, "ann"));
        assert_eq!(found.record, note("a", "one"));
        assert_eq!(store.latest("note", "c").await.unwrap(), None);
        assert_eq!(store.latest("other", "a").await.unwrap(), None);

        let reading = Store::open(&db.address, Access::Read).await.unwrap();
        assert!(reading.latest("note", "b").await.unwrap().is_some());
        let refused = reading.append("ann", vec![note("c", "three")]).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)));
        reading.close().await;
        store.close().await;
    }

    async fn a_correction_keeps_history(db) {
        let store = db.open().await;
        store.append("ann", vec![note("a", "one")]).await.unwrap();
        store.append("ann", vec![note("b", "other")]).await.unwrap();
        let done = store.append("ben", vec![note("a", "two")]).await.unwrap();
        assert_eq!((done.added, done.head.seq), (1, 3));
        let found = store.latest("note", "a").await.unwrap().unwrap();
        assert_eq!((found.seq, found.recorded_by.as_str()), (3, "ben"));

        let history = store.history("note", "a", 0, 10).await.unwrap();
        let history: Vec<(u64, &str)> =
            history.iter().map(|it| (it.seq, it.record.body())).collect();
        assert_eq!(history, [(1, r#"{"text":"one"}"#), (3, r#"{"text":"two"}"#)]);
        assert_eq!(store.history("note", "a", 1, 10).await.unwrap().len(), 1);
        assert_eq!(store.history("note", "a", 0, 1).await.unwrap()[0].seq, 1);
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.len(), counts[0].entries, counts[0].things), (1, 3, 2));
        store.close().await;
    }

    async fn the_same_again_adds_nothing(db) {
        let store = db.open().await;
        let first = change("c1", "03-02", &json!({}));
        store.append("ann", vec![first.clone(), first.clone()]).await.unwrap();
        let later = json!({ "noted": { "at": "2026-07-01T00:00:00Z", "by": "history" } });
        let again = change("c1", "03-02", &later);
        assert_ne!(again, first);
        let done = store.append("ben", vec![again]).await.unwrap();
        assert_eq!((done.added, done.unchanged, done.head.seq), (0, 1, 1));
        // Back to what it was before is a change too.
        let other = change("c1", "03-02", &json!({ "lines": 41 }));
        let done = store.append("ben", vec![other, first]).await.unwrap();
        assert_eq!((done.added, done.head.seq), (2, 3));
        let none = store.append("ben", Vec::new()).await.unwrap();
        assert_eq!((none.added, none.unchanged, none.head.seq), (0, 0, 3));
        store.close().await;
    }

    async fn what_cannot_be_counted_adds_nothing(db) {
        let store = db.open().await;
        let wrong = change("c2", "03-02", &json!({ "shipped_at": "soon" }));
        let refused = store.append("ann", vec![note("a", "one"), wrong]).await;
        let Err(StoreError::Body { key, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(key, "c2");
        assert_eq!(store.head().await.unwrap().seq, 0);
        assert!(store.append("", vec![note("a", "one")]).await.is_err());
        store.close().await;
    }

    async fn two_people_do_not_overwrite_each_other(db) {
        let store = db.open().await;
        let seen = |seq| vec![Expected { kind: "note".into(), key: "a".into(), seq }];
        let first = store.append_if("ann", vec![note("a", "one")], seen(None)).await.unwrap();
        assert_eq!(first.head.seq, 1);
        // Both have read entry 1; one is faster.
        store.append_if("ben", vec![note("a", "two")], seen(Some(1))).await.unwrap();
        let slower = store.append_if("ann", vec![note("a", "three")], seen(Some(1))).await;
        assert!(matches!(slower, Err(StoreError::Conflict { ref key }) if key == "a"));
        assert_eq!(store.latest("note", "a").await.unwrap().unwrap().seq, 2);
        store.close().await;
    }

    async fn many_writers_make_one_chain(db) {
        // Two programs, each with many tasks.
        let stores = [db.open().await, db.open().await];
        let stores = stores.map(std::sync::Arc::new);
        let mut tasks = Vec::new();
        for number in 0..80_u32 {
            let store = std::sync::Arc::clone(&stores[number as usize % 2]);
            tasks.push(tokio::spawn(async move {
                let mine = note(&format!("n{number}"), "mine");
                let shared = note("shared", &format!("{number}"));
                store.append(&format!("w{number}"), vec![mine, shared]).await.unwrap()
            }));
        }
        let mut heads = std::collections::BTreeSet::new();
        for task in tasks {
            let done: Appended = task.await.unwrap();
            assert_eq!(done.added, 2);
            assert!(heads.insert(done.head.seq), "everyone has an end of their own");
        }
        let [one, two] = stores.map(|store| std::sync::Arc::into_inner(store).unwrap());
        assert_eq!(one.verified_head(|_| {}).await.unwrap().seq, 160);
        assert_eq!(one.head().await.unwrap(), two.head().await.unwrap());
        assert_eq!(one.differences().await.unwrap(), []);
        one.close().await;
        two.close().await;
    }

    async fn lists_come_in_pages_by_time(db) {
        let store = db.open().await;
        let days = ["03-04", "03-02", "03-03", "03-02", "03-09"];
        let records = days.iter().enumerate();
        let records = records.map(|(n, day)| incident(&format!("i{n}"), day, &json!({})));
        store.append("ann", records.collect()).await.unwrap();
        // Corrected: it happened on another day.
        store.append("ann", vec![incident("i4", "03-05", &json!({}))]).await.unwrap();

        let keys = |page: &countersign_store::Page| -> Vec<String> {
            page.items.iter().map(|it| it.record.key().to_owned()).collect()
        };
        let all = store.page("incident", Range::ALL, None, 100).await.unwrap();
        assert_eq!(keys(&all), ["i1", "i3", "i2", "i0", "i4"]);
        assert_eq!(all.next, None);

        let range = Range { from: noon("03-02"), until: noon("03-05") };
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = store.page("incident", range, after.as_ref(), 2).await.unwrap();
            found.extend(keys(&page));
            after = page.next;
            if after.is_none() { break }
        }
        assert_eq!(found, ["i1", "i3", "i2", "i0"]);
        assert!(store.page("change", Range::ALL, None, 2).await.unwrap().items.is_empty());
        store.close().await;
    }

    async fn changes_are_counted_by_week_and_stratum(db) {
        let store = db.open().await;
        assert_eq!(store.weeks().await.unwrap(), None);
        // 2026-03-01 is a Sunday: the week before.
        let records = vec![
            change("c1", "03-01", &json!({})),
            change("c2", "03-02", &json!({})),
            change("c3", "03-08", &json!({})),
            change("c4", "03-03", &json!({ "services": ["pay", "checkout"], "lines": 51 })),
            change("c5", "03-03", &json!({ "services": [], "tier": null, "involvement": "unknown" })),
        ];
        store.append("ann", records).await.unwrap();
        let week = week_of(noon("03-02"));
        assert_eq!(
            store.weeks().await.unwrap(),
            Some(Weeks { from: week - 1, until: week })
        );
        let weeks = Weeks { from: week, until: week };
        let rows = store.exposure(weeks).await.unwrap();
        let shown: Vec<_> = rows.iter().map(|row| {
            let services: Vec<&str> = row.services.iter().map(String::as_str).collect();
            (services.join("+"), row.tier, row.size, row.involvement.as_str(), row.changes)
        }).collect();
        assert_eq!(shown, [
            (String::new(), None, 0, "unknown", 1),
            ("checkout".to_owned(), Some(1), 0, "yes", 2),
            ("checkout+pay".to_owned(), Some(1), 1, "yes", 1),
        ]);
        assert!(rows.iter().all(|row| row.team == "checkout" && row.author_level == "mid"));
        assert!(rows.iter().all(|row| row.environment == "production" && row.week == week));

        let by_service = store.service_exposure(weeks).await.unwrap();
        let by_service: Vec<_> =
            by_service.iter().map(|row| (row.service.as_str(), row.changes)).collect();
        assert_eq!(by_service, [("checkout", 3), ("pay", 1)]);

        // A correction moves a change, it does not add one.
        let corrected = change("c4", "03-01", &json!({ "services": ["pay"] }));
        store.append("ann", vec![corrected]).await.unwrap();
        let total: u64 = store.exposure(weeks).await.unwrap().iter().map(|row| row.changes).sum();
        assert_eq!(total, 3);
        let by_service = store.service_exposure(weeks).await.unwrap();
        assert_eq!(by_service.len(), 1);
        assert_eq!(store.differences().await.unwrap(), []);
        store.close().await;
    }

    async fn every_version_of_a_kind_is_read_in_pages(db) {
        let store = db.open().await;
        assert_eq!(store.head_at(i64::MAX).await.unwrap().map(|head| head.seq), None);
        for (key, text) in [("b", "one"), ("a", "one"), ("b", "two"), ("a", "two"), ("c", "one")] {
            store.append("ann", vec![note(key, text)]).await.unwrap();
        }
        store.append("ann", vec![incident("i1", "03-02", &json!({}))]).await.unwrap();
        let mut found = Vec::new();
        let mut after = (String::new(), 0);
        loop {
            let rows = store.versions("note", (&after.0, after.1), 2).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = (last.record.key().to_owned(), last.seq);
            found.extend(rows.iter().map(|row| (row.record.key().to_owned(), row.seq)));
        }
        let expected = [("a", 2), ("a", 4), ("b", 1), ("b", 3), ("c", 5)];
        assert_eq!(found, expected.map(|(key, seq)| (key.to_owned(), seq)));
        assert_eq!(store.head_at(i64::MAX).await.unwrap(), Some(store.head().await.unwrap()));
        assert_eq!(store.head_at(0).await.unwrap().map(|head| head.seq), None);
        let third = store.history("note", "b", 0, 9).await.unwrap()[1].recorded_at;
        assert!(store.head_at(third).await.unwrap().unwrap().seq >= 3);
        store.close().await;
    }

    async fn shipped_and_bypassed_changes_are_counted(db) {
        let store = db.open().await;
        let records = vec![
            change("c1", "03-01", &json!({})),
            change("c2", "03-02", &json!({ "bypassed": true })),
            change("c3", "03-03", &json!({ "bypassed": true })),
            change("c4", "03-08", &json!({})),
        ];
        store.append("ann", records).await.unwrap();
        let week = week_of(noon("03-02"));
        let both = Weeks { from: week - 1, until: week };
        assert_eq!(store.shipped(both).await.unwrap(), [(week - 1, 1), (week, 3)]);
        let all = Range { from: noon("03-01"), until: noon("03-09") };
        let (count, keys) = store.bypassed(all, 1).await.unwrap();
        assert_eq!((count, keys), (2, vec!["c2".to_owned()]));
        let later = Range { from: noon("03-02") + 1, until: noon("03-09") };
        assert_eq!(store.bypassed(later, 9).await.unwrap(), (1, vec!["c3".to_owned()]));
        store.close().await;
    }

    async fn counts_are_as_they_were_known_at_a_moment(db) {
        let store = db.open().await;
        let noted = |day: &str, fields: serde_json::Value| {
            let mut fields = fields;
            fields["noted"] = json!({ "at": format!("2026-{day}T00:00:00Z"), "by": "history" });
            fields
        };
        store.append("ann", vec![
            change("c1", "03-02", &noted("04-01", json!({}))),
            change("c2", "03-02", &noted("04-01", json!({ "bypassed": true }))),
            incident("i1", "03-02", &noted("04-01", json!({}))),
            change("c3", "03-03", &noted("05-01", json!({ "bypassed": true }))),
            change("c1", "03-02", &noted("04-02", json!({ "team": "search" }))),
            change("c1", "03-12", &noted("05-01", json!({ "services": ["search"] }))),
            change("c2", "03-02", &noted("05-01", json!({}))),
            incident("i1", "03-10", &noted("05-01", json!({ "status": "dismissed" }))),
            incident("i2", "03-02", &noted("05-02", json!({}))),
        ]).await.unwrap();
        let (first, second) = (week_of(noon("03-02")), week_of(noon("03-12")));
        let weeks = Weeks { from: first, until: second };
        let all = Range::ALL;
        let then = noon("04-15");
        let later = store.noted_after(then).await.unwrap();
        let shipped = store.shipped(weeks).await.unwrap();
        assert_eq!(shipped, [(first, 2), (second, 1)]);
        assert_eq!(later.shipped(weeks, shipped), [(first, 2)]);
        let services = store.service_exposure(weeks).await.unwrap();
        let services = later.service_exposure(weeks, services);
        let services: Vec<_> = services.iter().map(|it| (it.service.as_str(), it.changes)).collect();
        assert_eq!(services, [("checkout", 2)]);
        let exposure = later.exposure(weeks, store.exposure(weeks).await.unwrap());
        let exposure: Vec<_> = exposure.iter().map(|it| (it.team.as_str(), it.changes)).collect();
        assert_eq!(exposure, [("checkout", 1), ("search", 1)]);
        let incidents = later.incidents(all, store.incidents(all).await.unwrap());
        let incidents: Vec<_> =
            incidents.iter().map(|it| (it.key.as_str(), it.started_at, it.counts)).collect();
        assert_eq!(incidents, [("i1", noon("03-02"), true)]);
        let year = Range { from: noon("01-01"), until: noon("12-01") };
        let bypassed = store.bypassed(year, 9).await.unwrap();
        assert_eq!(bypassed, (1, vec!["c3".to_owned()]));
        assert_eq!(later.bypassed(year, bypassed), (1, vec!["c2".to_owned()]));
        // before anything and after everything
        let nothing = store.noted_after(noon("01-01")).await.unwrap();
        assert_eq!(nothing.shipped(weeks, store.shipped(weeks).await.unwrap()), []);
        assert!(store.noted_after(i64::MAX).await.unwrap().is_empty());
        store.close().await;
    }

    async fn incidents_have_columns(db) {
        let store = db.open().await;
        let records = vec![
            incident("i1", "03-02", &json!({ "detected": "2026-03-02T12:05:00Z" })),
            incident("i2", "03-03", &json!({ "severity": null, "duplicate_of": "i1" })),
            incident("i3", "03-04", &json!({ "status": "dismissed", "ai": ["executed", "wrote"] })),
        ];
        store.append("ann", records).await.unwrap();
        let rows = store.incidents(Range::ALL).await.unwrap();
        let shown: Vec<_> = rows.iter().map(|row| {
            (row.key.as_str(), row.severity, row.counts, row.ai.as_str(), row.seq)
        }).collect();
        assert_eq!(shown, [
            ("i1", Some(2), true, "unknown", 1),
            ("i2", None, false, "unknown", 2),
            ("i3", Some(2), false, "executed wrote", 3),
        ]);
        assert_eq!(rows[0].detected_at, Some(noon("03-02") + 300_000_000));
        assert_eq!((rows[0].mitigated_at, rows[0].started_at), (None, noon("03-02")));
        assert!(rows[0].services.contains("checkout"));
        let range = Range { from: noon("03-03"), until: noon("03-04") };
        assert_eq!(store.incidents(range).await.unwrap().len(), 1);
        store.close().await;
    }

    async fn tables_can_be_made_anew(db) {
        let store = db.open().await;
        let records = vec![
            change("c1", "03-02", &json!({ "services": ["a", "b"] })),
            incident("i1", "03-02", &json!({})),
            note("n1", "one"),
            note("n1", "two"),
        ];
        store.append("ann", records).await.unwrap();
        let weeks = store.weeks().await.unwrap().unwrap();
        let before = (store.exposure(weeks).await.unwrap(), store.incidents(Range::ALL).await.unwrap());
        let rebuilt = store.rebuild().await.unwrap();
        assert_eq!((rebuilt.entries, rebuilt.unreadable), (4, 0));
        let after = (store.exposure(weeks).await.unwrap(), store.incidents(Range::ALL).await.unwrap());
        assert_eq!(before, after);
        assert_eq!(store.differences().await.unwrap(), []);
        assert_eq!(store.latest("note", "n1").await.unwrap().unwrap().seq, 4);
        store.close().await;
    }

    async fn the_ledger_reads_in_parts(db) {
        let store = db.open().await;
        let records = (0..130).map(|n| note(&format!("n{n}"), "x")).collect();
        store.append("ann", records).await.unwrap();
        let mut verifier = Verifier::default();
        for after in [0, 50, 100] {
            for entry in store.entries(after, 50).await.unwrap() {
                verifier.push(&entry).unwrap();
            }
        }
        let (verified, faults) = verifier.finish();
        assert_eq!((verified.head, faults), (store.head().await.unwrap(), vec![]));
        assert!(store.entries(130, 50).await.unwrap().is_empty());
        store.close().await;
    }

    async fn text_of_any_kind_comes_back(db) {
        let store = db.open().await;
        let text = "\u{0}\u{1}'\"\\;--\u{202e}日本 \u{1f600}$1 ?";
        store.append("ann", vec![note("'; DROP TABLE ledger; --", text)]).await.unwrap();
        let found = store.latest("note", "'; DROP TABLE ledger; --").await.unwrap().unwrap();
        assert_eq!(found.record, note("'; DROP TABLE ledger; --", text));
        assert_eq!(store.verified_head(|_| {}).await.unwrap().seq, 1);
        store.close().await;
    }
}

/// The bodies that this project writes are those that columns are read from.
#[test]
fn what_operations_writes_has_columns() {
    use countersign_core::effect::Environment;
    use countersign_core::facts::Kind;
    use countersign_operations::change::{Change, ChangeRef};
    use countersign_operations::incident::{Incident, Severity, Status};
    use countersign_operations::noted::Noted;
    use countersign_operations::record::Record;

    let at = "2026-03-02T12:00:00Z".parse().unwrap();
    let reference = ChangeRef::new("shop", "c1");
    let mut change = Change::new(reference, Kind::Merge, at, Noted::by("ann", at));
    change.services = ["checkout".to_owned()].into();
    change.tier = Some(1);
    change.environment = Environment::Production;
    change.lines = 60;
    let mut incident = Incident::new("i1".into(), "Down".into(), at, Noted::by("ann", at));
    incident.severity = Some(Severity::Sev2);
    incident.status = Status::Dismissed;
    let entry = |record: &Record| {
        let (kind, key) = (record.kind().as_str().to_owned(), record.key());
        let at = record.at().as_microsecond();
        let body = record.to_json().unwrap();
        countersign_core::ledger::Record::from_parts(kind, key, at, body).unwrap()
    };
    let db = crate::support::Db::sqlite();
    crate::support::run(async {
        let store = db.open().await;
        let records = vec![entry(&change.into()), entry(&incident.into())];
        store.append("ann", records).await.unwrap();
        let weeks = store.weeks().await.unwrap().unwrap();
        let row = &store.exposure(weeks).await.unwrap()[0];
        assert_eq!((row.tier, row.size, row.changes), (Some(1), 1, 1));
        assert_eq!(
            (row.environment.as_str(), row.team.as_str()),
            ("production", "unknown")
        );
        let row = &store.incidents(Range::ALL).await.unwrap()[0];
        assert_eq!(
            (row.severity, row.counts, row.ai.as_str()),
            (Some(2), false, "unknown")
        );
        store.close().await;
    });
}
