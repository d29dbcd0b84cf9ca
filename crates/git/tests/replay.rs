//! What a sign-off survives, and what landed, in real repositories.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod scene;

use std::process::Command;

use countersign_core::signoff::carry::{Dropped, Landing, NeverCarried};
use countersign_core::signoff::statement::Binding;
use countersign_git::Repo;
use countersign_git::replay::LandedAs;
use countersign_testkit::GitRepo;
use scene::{CODE, JUN, SEN, Scene, edited, inserted, oid};

#[test]
fn an_honest_rebase_keeps_the_sign_off() {
    for kit in [GitRepo::new(), GitRepo::sha256(), GitRepo::reftable()] {
        let mut scene = Scene::with(kit);
        let head = scene.feature();
        scene.approve("sen", &head);
        scene.allowed(&head, "sen: kept: exactly what was signed");
        scene.advance(&[("far.txt", "further\n")]);
        scene.allowed(&head, "kept: the same commits; the target moved to");
        let rebased = scene.rebase();
        assert_ne!(head, rebased);
        scene.allowed(&rebased, "kept: identical replay on");
        scene.allowed(&rebased, "the base touched none of your 1 file");
    }
}

#[test]
fn the_signed_head_may_be_gone() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.advance(&[("far.txt", "further\n")]);
    let rebased = scene.rebase();
    scene
        .kit
        .git(&["reflog", "expire", "--expire=now", "--all"]);
    scene.kit.git(&["update-ref", "-d", "ORIG_HEAD"]);
    scene.kit.git(&["prune", "--expire=now"]);
    assert!(scene.git.resolve(&head).is_err());
    scene.allowed(&rebased, "byte for byte the same change");
}

#[test]
fn the_base_may_not_move_under_the_same_files() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    // Far enough away that git merges it without a conflict.
    let moved = CODE.replacen("end(user)\n\n", "finish(user)\n\n", 1);
    scene.advance(&[("app.py", &moved)]);
    let why = "dropped: the target branch changed `app.py`, which this change touches too";
    scene.held(&head, why);
    let rebased = scene.rebase();
    scene.held(&rebased, why);
}

#[test]
fn what_else_lands_is_named() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let more = scene.kit.commit(JUN, "more", &[("other.txt", "1\n")]);
    scene.held(&more, "dropped: `other.txt` would land with other content");
}

#[test]
fn rewording_keeps_and_regrouping_depends_on_how_it_lands() {
    let mut scene = Scene::new();
    scene.kit.branch("feature");
    scene.kit.commit(JUN, "one", &[("app.py", &edited(5))]);
    let head = scene.kit.commit(JUN, "two", &[("other.txt", "x\n")]);
    scene.approve("sen", &head);
    scene
        .kit
        .git(&["commit", "-q", "--amend", "-m", "reworded"]);
    let reworded = scene.kit.head();
    scene.allowed(&reworded, "kept: identical replay");
    scene.kit.git(&["reset", "-q", "--soft", "main"]);
    let squashed = scene.kit.commit(JUN, "both", &[]);
    scene.held(&squashed, "not one by one those that were signed");
    scene.landing = Landing::Squash;
    scene.allowed(&squashed, "kept: identical replay");
}

#[test]
fn exact_means_these_commits() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sue", &head);
    scene.say_with(
        "sen",
        countersign_core::signoff::statement::Stance::Approve,
        &head,
        |it| it.binding = Binding::Exact,
    );
    scene.advance(&[("far.txt", "further\n")]);
    scene.allowed(&head, "sen: kept: the same commits");
    let rebased = scene.rebase();
    scene.allowed(
        &rebased,
        "sen: dropped: the commits changed, and the signer",
    );
    scene.demand_exact = true;
    scene.held(
        &rebased,
        "sue: dropped: the commits changed, and the policy",
    );
}

#[test]
fn some_paths_are_never_carried() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    for (path, content, kind) in [
        ("sub/.gitattributes", "* -diff\n", NeverCarried::Attributes),
        ("big.bin", pointer, NeverCarried::LfsPointer),
        ("", "", NeverCarried::Submodule),
    ] {
        let mut scene = Scene::new();
        scene.kit.branch("feature");
        let head = if path.is_empty() {
            let entry = format!("160000,{},lib", scene.target_tip);
            scene
                .kit
                .git(&["update-index", "--add", "--cacheinfo", &entry]);
            scene.kit.git(&["commit", "-q", "-m", "submodule"]);
            scene.kit.head()
        } else {
            scene.kit.commit(JUN, "special", &[(path, content)])
        };
        scene.approve("sen", &head);
        assert_eq!(scene.proposed(&head).never_carried[0].1, kind);
        scene.kit.git(&["stash", "-q", "-u"]);
        scene.advance(&[("far.txt", "further\n")]);
        let tree = scene.proposed(&head).content.result.unwrap().tree;
        let (tip, tree) = (scene.target_tip.clone(), tree.to_string());
        // The same change on the new base, made without a work tree.
        let made = Command::new("git")
            .current_dir(scene.kit.path())
            .args(["merge-tree", "--write-tree", &tip, &head])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(made.stdout).unwrap().trim(), tree);
        let rebased = scene
            .kit
            .git(&["commit-tree", &tree, "-p", &tip, "-m", "special"]);
        scene.allowed(&head, "kept: the same commits");
        scene.held(&rebased, "which is never carried");
    }
}

#[test]
fn a_conflict_cannot_be_approved_and_ends_an_approval() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.advance(&[("app.py", &inserted(5, "    return False"))]);
    let today = scene.proposed(&head);
    assert_eq!(today.conflicts, ["app.py"]);
    assert_eq!(today.content.result, None);
    scene.held(
        &head,
        "dropped: the change conflicts with the target branch now",
    );
}

/// `git merge-tree` called directly is the oracle for what would land.
#[test]
fn the_result_is_what_git_merges() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.advance(&[("far.txt", "further\n"), ("new.txt", "new\n")]);
    let today = scene.proposed(&head);
    let oracle = scene
        .kit
        .git(&["merge-tree", "--write-tree", &scene.target_tip, &head]);
    assert_eq!(today.content.result.unwrap().tree.to_string(), oracle);
    assert_eq!(today.paths, ["app.py"]);
    assert_eq!(today.content.commits.len(), 1);
}

#[test]
fn a_push_in_quarantine_can_be_judged() {
    let mut scene = Scene::new();
    scene.advance(&[("far.txt", "further\n")]);
    let server = GitRepo::bare();
    let url = server.path().to_str().unwrap().to_owned();
    scene.kit.git(&["push", "-q", &url, "main"]);
    let head = scene.feature();
    // Objects as `pre-receive` sees them: apart from the repository.
    let quarantine = tempfile::TempDir::new().unwrap();
    let objects = server.path().join("objects");
    let pack = scene.kit.path().join("pack");
    let list = format!("{head}\n^{}\n", scene.target_tip);
    let mut child = scene
        .kit
        .command()
        .args(["pack-objects", "--revs", "-q", pack.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), list.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    std::fs::create_dir(quarantine.path().join("pack")).unwrap();
    for file in std::fs::read_dir(scene.kit.path()).unwrap().flatten() {
        let name = file.file_name().into_string().unwrap();
        if name.starts_with("pack-") {
            std::fs::copy(file.path(), quarantine.path().join("pack").join(name)).unwrap();
        }
    }
    let exe = std::env::current_exe().unwrap();
    let done = Command::new(exe)
        .args(["--exact", "judge_in_quarantine"])
        .env("GIT_OBJECT_DIRECTORY", quarantine.path())
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects)
        .env("SCENE_SERVER", server.path())
        .env("SCENE_HEAD", &head)
        .env("SCENE_TIP", &scene.target_tip)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    // Nothing was written into the repository.
    assert!(Repo::open(server.path()).unwrap().resolve(&head).is_err());
}

/// The part of the test above that runs with the hook's environment.
#[test]
fn judge_in_quarantine() {
    if std::env::var_os("SCENE_SERVER").is_none() {
        return;
    }
    let var = |name: &str| std::env::var(name).unwrap();
    let repo = Repo::open(var("SCENE_SERVER").as_ref()).unwrap();
    let found = repo
        .proposed(&oid(&var("SCENE_TIP")), &oid(&var("SCENE_HEAD")))
        .unwrap();
    assert_eq!(found.paths, ["app.py"]);
}

#[test]
fn every_way_to_land_is_proven() {
    let mut scene = Scene::new();
    scene.kit.branch("feature");
    scene.kit.commit(JUN, "one", &[("app.py", &edited(5))]);
    let head = scene.kit.commit(JUN, "two", &[("other.txt", "x\n")]);
    let signed = scene.proposed(&head).content;
    let before = scene.advance(&[("far.txt", "further\n")]);
    let land = |how: &dyn Fn(&Scene)| {
        scene.kit.git(&["reset", "-q", "--hard", &before]);
        how(&scene);
        let units = scene
            .git
            .explain_landing(&oid(&before), &oid(&scene.kit.head()), &[&signed])
            .unwrap();
        assert_eq!(units.len(), 1);
        units[0].proof.clone()
    };
    let merged = land(&|it| {
        it.kit.merge("feature", "merge");
    });
    assert_eq!(merged, Ok((0, LandedAs::Merge)));
    let squashed = land(&|it| {
        it.kit.squash("feature", SEN, "squash");
    });
    assert_eq!(squashed, Ok((0, LandedAs::OneCommit)));
    let rebased = land(&|it| {
        it.kit.git(&["cherry-pick", "main..feature"]);
    });
    assert_eq!(rebased, Ok((0, LandedAs::EveryCommit)));
    // A merge that carries more than what was signed.
    let evil = land(&|it| {
        it.kit
            .git(&["merge", "-q", "--no-commit", "--no-ff", "feature"]);
        it.kit.write("far.txt", "evil\n");
        it.kit.git(&["commit", "-q", "-a", "-m", "merge"]);
    });
    assert_eq!(evil, Err(Some(Dropped::Different(Vec::new()))));
}

#[test]
fn a_queue_lands_several_in_order() {
    let mut scene = Scene::new();
    let mut signed = Vec::new();
    for (name, path) in [("a", "a.txt"), ("b", "b.txt"), ("c", "c.txt")] {
        scene.kit.switch("main");
        scene.kit.branch(name);
        let head = scene.kit.commit(JUN, name, &[(path, "new\n")]);
        signed.push(scene.proposed(&head).content);
    }
    let before = scene.advance(&[("far.txt", "further\n")]);
    scene.kit.squash("b", SEN, "b");
    scene.kit.merge("a", "a");
    scene.kit.commit(SEN, "by hand", &[("hand.txt", "x\n")]);
    scene.kit.git(&["cherry-pick", "c"]);
    let refs: Vec<_> = signed.iter().collect();
    let units = scene
        .git
        .explain_landing(&oid(&before), &oid(&scene.kit.head()), &refs)
        .unwrap();
    let proofs: Vec<_> = units.into_iter().map(|unit| unit.proof).collect();
    assert_eq!(
        proofs,
        [
            Ok((1, LandedAs::OneCommit)),
            Ok((0, LandedAs::Merge)),
            Err(None),
            Ok((2, LandedAs::OneCommit)),
        ]
    );
    // Twice the same content is not covered by one signature.
    let again = scene.kit.head();
    scene.kit.git(&["rm", "-q", "c.txt"]);
    scene.kit.commit(SEN, "undo", &[]);
    scene.kit.commit(SEN, "redo", &[("c.txt", "new\n")]);
    let units = scene
        .git
        .explain_landing(&oid(&again), &oid(&scene.kit.head()), &[])
        .unwrap();
    assert!(units.iter().all(|unit| unit.proof == Err(None)));
}
