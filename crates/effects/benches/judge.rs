//! What one judgement costs.

mod shapes;

use countersign_effects::command::{Facts, judge_command};
use shapes::{SHAPES, shape};

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

/// What makes a reader work hardest; see `shapes`.
#[divan::bench(args = SHAPES)]
fn judge_large(bencher: divan::Bencher<'_, '_>, name: &str) {
    let text = shape(name);
    let facts = Facts::default();
    bencher.bench_local(|| judge_command(divan::black_box(&text), &facts));
}
