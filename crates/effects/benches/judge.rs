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
    "a-tool-nobody-knows --now 'rm -rf /srv/data'",
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

/// The longest text that is read (131,072 bytes) in every shape that makes a
/// reader work hardest, and 1 MB, which is held unread.
const SHAPES: &[&str] = &[
    "words",
    "statements",
    "nested",
    "quotes",
    "copies",
    "scripts",
    "braces",
    "substitutions",
    "long word",
    "here-documents",
    "parameters",
    "wrappers",
    "carried",
    "loops",
    "code",
    "sql",
    "megabyte",
];

#[divan::bench(args = SHAPES)]
fn judge_large(bencher: divan::Bencher<'_, '_>, shape: &str) {
    let text = match shape {
        "words" => "a ".repeat(65_000),
        "statements" => "a;".repeat(65_000),
        "nested" => "$(".repeat(65_000),
        "copies" => "x=".to_owned() + &"a ".repeat(32_000) + &";echo $x".repeat(8_000),
        "scripts" => "x='".to_owned() + &"a;".repeat(32_000) + "'" + &";eval $x".repeat(8_000),
        "braces" => "echo ".to_owned() + &"{a,b}".repeat(26_000),
        "substitutions" => "echo $(echo a) ".repeat(8_600),
        "long word" => "echo ".to_owned() + &"a".repeat(131_000),
        "here-documents" => "cat <<E\na\nE\n".repeat(10_000),
        "parameters" => "${x:-".repeat(26_000),
        "wrappers" => "sudo ".repeat(26_000) + "ls",
        "carried" => "unknown ".to_owned() + &"'rm -rf /srv' ".repeat(9_000),
        "loops" => "for a in {1..500}; do for b in {1..500}; do ls; done; done;".repeat(2_000),
        "code" => "python3 -c \"".to_owned() + &"os.system('ls');".repeat(8_000) + "\"",
        "sql" => "psql -c \"".to_owned() + &"DELETE FROM a WHERE b = 1;".repeat(5_000) + "\"",
        "megabyte" => "ls ".repeat(350_000),
        _ => "'\"".repeat(65_000),
    };
    let facts = Facts::default();
    bencher.bench_local(|| judge_command(divan::black_box(&text), &facts));
}
