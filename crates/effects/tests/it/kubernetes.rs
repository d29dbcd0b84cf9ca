//! Manifests, `kubectl diff` and dry runs.

use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_effects::kubernetes::{read_diff, read_manifests, read_objects, service_calls};
use countersign_effects::reading::{FindingKind, PlanReading};
use proptest::prelude::*;

use crate::support::{describe, invariants, name, samples};

fn manifests(old: &str, new: &str) -> PlanReading {
    let reading = read_manifests(
        &[("old.yaml", old.as_bytes())],
        &[("new.yaml", new.as_bytes())],
        Environment::Production,
    )
    .unwrap();
    invariants(&reading);
    reading
}

const OLD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop, generation: 3, finalizers: [acme.io/drain]}
spec:
  replicas: 3
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: c, image: 'cart:1', env: [{name: DB, value: 'postgres://u:p@db:5432/x'}]}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: d, image: 'pg:16'}]}}
  volumeClaimTemplates: [{metadata: {name: data}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: cart, namespace: shop}
spec: {minAvailable: 2}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: files, namespace: shop}, spec: {storageClassName: slow}}
- {apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {name: nightly, namespace: shop}, spec: {source: {persistentVolumeClaimName: files}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- {apiVersion: acme.io/v1, kind: Widget, metadata: {name: w, namespace: other}}
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.acme.io}, spec: {group: acme.io, names: {kind: Widget}}}
";

#[test]
fn changes_of_workloads() {
    let new = OLD
        .replace("replicas: 3", "replicas: 0\n  strategy: {type: Recreate}")
        .replace("cart:1", "cart:2")
        .replace(
            ", generation: 3, finalizers: [acme.io/drain]",
            ", generation: 4",
        )
        .replace("serviceName: db", "serviceName: db2")
        .replace("minAvailable: 2", "minAvailable: 0");
    insta::assert_snapshot!(describe(&manifests(OLD, &new)), @r#"
    seen 9, unchanged 6, unknown 0, hint None
    disrupt Deployment Deployment/shop/cart None: changes `metadata.finalizers`, `spec.replicas`, `spec.strategy`, `spec.template.spec`; from 3 to 0 replicas; its pods are replaced all at once: strategy `Recreate`; finalizer `acme.io/drain` removed: what it cleans up or guards is skipped
    replace StatefulSet StatefulSet/shop/db None: changes `spec.serviceName`; `spec.serviceName` cannot be changed: the object must be deleted and made anew
    update PodDisruptionBudget PodDisruptionBudget/shop/cart None: changes `spec.minAvailable`; protection removed: the disruption budget lets every pod go
    ! ProtectionRemoved Deployment/shop/cart: finalizer `acme.io/drain` removed: what it cleans up or guards is skipped
    ! Rollout Deployment/shop/cart: a rollout stops all pods at once: strategy `Recreate`
    ! ProtectionRemoved PodDisruptionBudget/shop/cart: protection removed: the disruption budget lets every pod go
    ! Rollout PodDisruptionBudget/shop/cart: the disruption budget lets every pod go at once
    "#);
}

#[test]
fn what_goes_along_with_namespaces_and_definitions() {
    let kept: String = OLD
        .split_inclusive("- {")
        .collect::<String>()
        .lines()
        .filter(|l| !l.contains("kind: Namespace") && !l.contains("CustomResourceDefinition"))
        .map(|l| format!("{l}\n"))
        .collect();
    let reading = manifests(OLD, &kept);
    insta::assert_snapshot!(describe(&reading), @r#"
    seen 9, unchanged 0, unknown 0, hint None
    delete Namespace Namespace/shop Unknown: no backup of it is known
    delete CustomResourceDefinition CustomResourceDefinition/widgets.acme.io Unknown: no backup of it is known
    delete PersistentVolumeClaim PersistentVolumeClaim/shop/files Destroyed: goes with `Namespace/shop`; no backup of it is known; its volume goes too, unless the storage class says `Retain`; its backup goes too: VolumeSnapshot/shop/nightly
    delete Service Service/shop/db None: goes with `Namespace/shop`
    delete Widget Widget/other/w Unknown: goes with `CustomResourceDefinition/widgets.acme.io`; nothing is known about this kind
    delete Deployment Deployment/shop/cart None: goes with `Namespace/shop`
    delete StatefulSet StatefulSet/shop/db Unknown: goes with `Namespace/shop`; the claims of its volumes are in the namespace and go too
    delete PodDisruptionBudget PodDisruptionBudget/shop/cart None: goes with `Namespace/shop`
    delete VolumeSnapshot VolumeSnapshot/shop/nightly Destroyed: goes with `Namespace/shop`; it is itself a backup
    ! Cascade Namespace/shop: everything in the namespace goes with it, also what is not in these manifests
    ! Cascade CustomResourceDefinition/widgets.acme.io: every object of this kind goes with its definition, in every namespace
    ! BackupDestroyed PersistentVolumeClaim/shop/files: `VolumeSnapshot/shop/nightly`, a backup of it, is destroyed in the same change
    "#);
    let claim = reading
        .effects
        .iter()
        .find(|e| e.kind == "PersistentVolumeClaim")
        .unwrap();
    assert_eq!(claim.state, StateLoss::Destroyed);
    let edges: Vec<_> = reading
        .edges
        .iter()
        .map(|e| format!("{} -> {}", e.from, e.to))
        .collect();
    assert_eq!(
        edges,
        [
            "Deployment/shop/cart -> Service/shop/db",
            "Service/shop/db -> StatefulSet/shop/db"
        ]
    );
}

#[test]
fn a_volume_that_is_kept() {
    let class = "\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow}\nprovisioner: x\nreclaimPolicy: Retain\n";
    let old = format!("{OLD}{class}");
    let reading = manifests(&old, class);
    let claim = reading
        .effects
        .iter()
        .find(|e| e.kind == "PersistentVolumeClaim")
        .unwrap();
    assert_eq!((claim.verb, claim.state), (Verb::Delete, StateLoss::None));
}

#[test]
fn files_that_are_no_manifests() {
    let kustomization =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n";
    let reading = read_manifests(
        &[],
        &[
            ("kustomization.yaml", kustomization.as_bytes()),
            ("chart.yaml", b"{{ if .Values.x }}\na: b"),
            ("values.yaml", b"a: b"),
            ("empty.yaml", b"# nothing\n"),
            ("ok.yaml", OLD.as_bytes()),
        ],
        Environment::Staging,
    )
    .unwrap();
    invariants(&reading);
    assert_eq!(reading.unknown, 2);
    assert_eq!(reading.findings[0].kind, FindingKind::Skipped);
    assert!(
        read_manifests(
            &[],
            &[("chart.yaml", b"{{ if .Values.x }}\na: b")],
            Environment::Staging
        )
        .is_err()
    );
}

const DIFF: &str = "Warning: a beta API
diff -u -N /tmp/LIVE-1/apps.v1.Deployment.shop.cart /tmp/MERGED-2/apps.v1.Deployment.shop.cart
--- /tmp/LIVE-1/apps.v1.Deployment.shop.cart\t2026-01-01 00:00:00 +0000
+++ /tmp/MERGED-2/apps.v1.Deployment.shop.cart\t2026-01-01 00:00:00 +0000
@@ -3,9 +3,8 @@
   finalizers:
-  - acme.io/drain
   name: cart
 spec:
-  generation: 3
-  replicas: 3
+  replicas: 0
diff -u -N /tmp/LIVE-1/v1.Namespace..shop.old /tmp/MERGED-2/v1.Namespace..shop.old
--- /tmp/LIVE-1/v1.Namespace..shop.old\t2026
+++ /tmp/MERGED-2/v1.Namespace..shop.old\t2026
@@ -1,2 +0,0 @@
-apiVersion: v1
-kind: Namespace
diff -u -N /tmp/LIVE-1/networking.k8s.io.v1.Ingress.shop.web /tmp/MERGED-2/networking.k8s.io.v1.Ingress.shop.web
--- /tmp/LIVE-1/networking.k8s.io.v1.Ingress.shop.web\t2026
+++ /tmp/MERGED-2/networking.k8s.io.v1.Ingress.shop.web\t2026
@@ -0,0 +1,2 @@
+apiVersion: networking.k8s.io/v1
+kind: Ingress
--- /tmp/LIVE-1/odd\t2026
+++ /tmp/MERGED-2/odd\t2026
@@ -1 +1 @@
-a: 1
+a: 2
";

#[test]
fn kubectl_diff_in_words() {
    let reading = read_diff(DIFF.as_bytes(), Environment::Production).unwrap();
    invariants(&reading);
    insta::assert_snapshot!(describe(&reading), @r#"
    seen 4, unchanged 0, unknown 1, hint None
    disrupt Deployment Deployment/shop/cart None: from 3 to 0 replicas; finalizer `acme.io/drain` removed: what it cleans up or guards is skipped
    delete Namespace Namespace/shop.old Unknown: no backup of it is known
    create Ingress Ingress/shop/web None: 
    unknown manifest odd Unknown: the file name does not tell the object
    ! ProtectionRemoved Deployment/shop/cart: finalizer `acme.io/drain` removed: what it cleans up or guards is skipped
    ! Cascade Namespace/shop.old: what is in it goes too, also what is not in this diff
    ! Skipped -: 1 lines are not part of a diff, such as warnings
    "#);
    assert!(read_diff(b"nothing", Environment::Production).is_err());
}

#[test]
fn dry_run_output() {
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "prod", "resourceVersion": "7"}, "spec": {"replicas": 0}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b", "namespace": "prod"}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "prod", "deletionTimestamp": "x"}}]}"#;
    let reading = read_objects(&[("out.json", list.as_bytes())], Environment::Unknown).unwrap();
    invariants(&reading);
    let verbs: Vec<_> = reading
        .effects
        .iter()
        .map(|e| (e.object.as_str(), e.verb))
        .collect();
    assert_eq!(
        verbs,
        [
            ("PersistentVolumeClaim/prod/c", Verb::Delete),
            ("Service/prod/b", Verb::Create),
            ("Deployment/prod/a", Verb::Disrupt),
        ]
    );
    assert_eq!(
        reading.environment_hint.unwrap().environment,
        Environment::Production
    );
}

#[test]
fn online_boutique() {
    let Some(files) = samples("online-boutique") else {
        return;
    };
    let read: Vec<_> = files
        .iter()
        .map(|f| (name(f), std::fs::read(f).unwrap()))
        .collect();
    let set: Vec<_> = read.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    // 17 calls, of which one (the shopping assistant) leads nowhere.
    let calls = service_calls(&set).unwrap();
    assert_eq!(calls.len(), 17, "{calls:#?}");
    let all = read_manifests(&[], &set, Environment::Unknown).unwrap();
    invariants(&all);
    assert_eq!(all.unknown, 0);
    let services: Vec<_> = all
        .effects
        .iter()
        .filter(|e| e.kind == "Service")
        .filter_map(|e| e.object.strip_prefix("Service/"))
        .collect();
    let dangling: Vec<_> = calls
        .iter()
        .filter(|c| !services.contains(&c.to.as_str()))
        .collect();
    assert_eq!(dangling.len(), 1, "{dangling:?}");
    // Every document became an effect: counted as lines of text.
    let kinds = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let own = |l: &&str| l.starts_with("kind:") && !l.contains("Kustomization");
        text.lines().filter(own).count()
    };
    let documents: usize = read.iter().map(|(_, bytes)| kinds(bytes)).sum();
    assert_eq!(all.changes_seen, documents);
    // Nothing changes against itself, everything goes against nothing.
    let same = read_manifests(&set, &set, Environment::Unknown).unwrap();
    assert_eq!((same.effects.len(), same.unchanged), (0, all.effects.len()));
    let gone = read_manifests(&set, &[], Environment::Unknown).unwrap();
    assert!(gone.effects.iter().all(|e| e.verb == Verb::Delete));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_input_never_panics(at in 0..4000usize, byte in 32..127u8) {
        let damage = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let len = bytes.len();
            bytes[at % len] = byte;
            bytes
        };
        let new = damage(OLD);
        if let Ok(reading) = read_manifests(&[("a", OLD.as_bytes())], &[("b", &new)], Environment::Unknown) {
            invariants(&reading);
        }
        if let Ok(reading) = read_diff(&damage(DIFF), Environment::Unknown) {
            invariants(&reading);
        }
    }
}
