//! What one judgement costs.

use countersign_effects::command::{Facts, judge_command};

fn main() {
    divan::main();
}

const COMMANDS: &[&str] = &[
    "ls -la",
    "npm test && git push origin feature/login",
    "cd infra && AWS_PROFILE=prod terraform destroy -auto-approve",
    "kubectl --context prod-eu delete ns payments",
    "aws --region us-east-1 rds delete-db-instance --db-instance-identifier prod --skip-final-snapshot",
    "sudo bash -c \"$(echo cm0gLXJmIC9zcnY= | base64 -d)\"",
    "python3 -c \"import shutil; shutil.rmtree('/srv/data')\"",
];

#[divan::bench(args = COMMANDS)]
fn judge(bencher: divan::Bencher<'_, '_>, command: &str) {
    let facts = Facts {
        cwd: Some("/home/dev/shop".to_owned()),
        home: Some("/home/dev".to_owned()),
        project_root: Some("/home/dev/shop".to_owned()),
        ..Facts::default()
    };
    bencher.bench_local(|| judge_command(divan::black_box(command), &facts));
}

#[divan::bench(args = ["words", "statements", "nested", "quotes", "copies", "scripts"])]
fn judge_large(bencher: divan::Bencher<'_, '_>, shape: &str) {
    let text = match shape {
        "words" => "a ".repeat(65_000),
        "statements" => "a;".repeat(65_000),
        "nested" => "$(".repeat(65_000),
        "copies" => "x=".to_owned() + &"a ".repeat(32_000) + &";echo $x".repeat(8_000),
        "scripts" => "x='".to_owned() + &"a;".repeat(32_000) + "'" + &";eval $x".repeat(8_000),
        _ => "'\"".repeat(65_000),
    };
    let facts = Facts::default();
    bencher.bench_local(|| judge_command(divan::black_box(&text), &facts));
}
