//! The same command on a production and on a local or development target:
//! held there, let through here, by every way a target is named.

use std::collections::BTreeMap;

use countersign_core::effect::Environment;
use countersign_effects::command::{Danger, Facts, judge_command};
use countersign_effects::target::{Mapping, Targets};

/// A command with what is at hand: `env:NAME=value`, `file:path=text`,
/// `target:facet=glob:environment`, `cwd:path`.
type Case<'a> = (&'a str, &'a [&'a str]);

fn held((command, context): &Case<'_>) -> bool {
    let mut facts = Facts {
        cwd: Some("/home/dev/shop".to_owned()),
        home: Some("/home/dev".to_owned()),
        project_root: Some("/home/dev/shop".to_owned()),
        ..Facts::default()
    };
    let mut files = BTreeMap::new();
    for item in *context {
        let (kind, rest) = item.split_once(':').unwrap();
        match kind {
            "cwd" => facts.cwd = Some(rest.to_owned()),
            "env" => {
                let (name, value) = rest.split_once('=').unwrap();
                facts.env.insert(name.to_owned(), value.to_owned());
            }
            "file" => {
                let (path, text) = rest.split_once('=').unwrap();
                files.insert(path.to_owned(), text.to_owned());
            }
            _ => {
                let (facet, rest) = rest.split_once('=').unwrap();
                let (glob, environment) = rest.rsplit_once(':').unwrap();
                facts.targets = Targets {
                    mappings: vec![Mapping {
                        facet: facet.to_owned(),
                        glob: glob.to_owned(),
                        environment: serde_json::from_value(environment.into()).unwrap(),
                    }],
                };
            }
        }
    }
    facts.files = files;
    judge_command(command, &facts).danger_above(Environment::Development) > Danger::None
}

const KUBE_PROD: &str = "file:/home/dev/.kube/config=apiVersion: v1\ncurrent-context: prod-eu\n";
const KUBE_KIND: &str = "file:/home/dev/.kube/config=apiVersion: v1\ncurrent-context: kind-ci\n";

/// Name, the production form, the local or development form.
const PAIRS: &[(&str, Case<'_>, Case<'_>)] = &[
    (
        "profile option",
        ("aws --profile prod s3 rb s3://a --force", &[]),
        ("aws --profile dev s3 rb s3://a --force", &[]),
    ),
    (
        "profile variable",
        ("aws s3 rb s3://a --force", &["env:AWS_PROFILE=prod"]),
        ("aws s3 rb s3://a --force", &["env:AWS_PROFILE=sandbox"]),
    ),
    (
        "profile in the command",
        ("AWS_PROFILE=prod aws s3 rb s3://a", &[]),
        ("AWS_PROFILE=dev aws s3 rb s3://a", &[]),
    ),
    (
        "profile by mapping",
        (
            "aws --profile shop1 s3 rb s3://a",
            &["target:aws-profile=shop*:production"],
        ),
        (
            "aws --profile shop1 s3 rb s3://a",
            &["target:aws-profile=shop*:development"],
        ),
    ),
    (
        "endpoint option",
        (
            "aws --endpoint-url https://s3.amazonaws.com s3 rb s3://a",
            &[],
        ),
        ("aws --endpoint-url http://localhost:4566 s3 rb s3://a", &[]),
    ),
    (
        "endpoint variable",
        ("aws dynamodb delete-table --table-name a", &[]),
        (
            "aws dynamodb delete-table --table-name a",
            &["env:AWS_ENDPOINT_URL=http://localhost:4566"],
        ),
    ),
    (
        "project of Google Cloud",
        ("gcloud --project shop-prod sql instances delete a", &[]),
        ("gcloud --project shop-dev sql instances delete a", &[]),
    ),
    (
        "chosen project",
        (
            "gcloud config set project shop-prod && gcloud sql instances delete a",
            &[],
        ),
        (
            "gcloud config set project shop-dev && gcloud sql instances delete a",
            &[],
        ),
    ),
    (
        "subscription of Azure",
        ("az group delete -n a --subscription prod --yes", &[]),
        ("az group delete -n a --subscription dev --yes", &[]),
    ),
    (
        "kube context option",
        ("kubectl --context prod-eu delete ns a", &[]),
        ("kubectl --context kind-ci delete ns a", &[]),
    ),
    (
        "kube context of the file",
        ("kubectl delete ns a", &[KUBE_PROD]),
        ("kubectl delete ns a", &[KUBE_KIND]),
    ),
    (
        "chosen kube context",
        (
            "kubectl config use-context prod && kubectl delete ns a",
            &[],
        ),
        (
            "kubectl config use-context minikube && kubectl delete ns a",
            &[],
        ),
    ),
    (
        "KUBECONFIG",
        (
            "KUBECONFIG=/home/dev/k kubectl delete ns a",
            &["file:/home/dev/k=current-context: prod\n"],
        ),
        (
            "KUBECONFIG=/home/dev/k kubectl delete ns a",
            &["file:/home/dev/k=current-context: minikube\n"],
        ),
    ),
    (
        "namespace by mapping",
        ("kubectl -n team delete pod a", &[]),
        (
            "kubectl -n team delete pod a",
            &["target:kube-namespace=team:development"],
        ),
    ),
    (
        "helm context",
        ("helm uninstall a --kube-context prod", &[]),
        ("helm uninstall a --kube-context kind-ci", &[]),
    ),
    (
        "terraform directory",
        ("terraform -chdir=envs/prod destroy", &[]),
        ("terraform -chdir=envs/dev destroy", &[]),
    ),
    (
        "working directory",
        ("cd envs/prod && terraform destroy", &[]),
        ("cd envs/dev && terraform destroy", &[]),
    ),
    (
        "working directory of the caller",
        ("terraform destroy", &["cwd:/home/dev/shop/envs/prod"]),
        ("terraform destroy", &["cwd:/home/dev/shop/envs/dev"]),
    ),
    (
        "terraform workspace variable",
        ("TF_WORKSPACE=prod terraform destroy", &[]),
        ("TF_WORKSPACE=dev terraform destroy", &[]),
    ),
    (
        "terraform workspace file",
        (
            "terraform destroy",
            &["file:/home/dev/shop/.terraform/environment=prod"],
        ),
        (
            "terraform destroy",
            &["file:/home/dev/shop/.terraform/environment=dev"],
        ),
    ),
    (
        "chosen workspace",
        ("terraform workspace select prod && terraform destroy", &[]),
        ("terraform workspace select dev && terraform destroy", &[]),
    ),
    (
        "pulumi stack",
        ("pulumi destroy -s prod -y", &[]),
        ("pulumi destroy -s dev -y", &[]),
    ),
    (
        "database URL",
        ("psql postgres://db.prod.acme.com/a -c 'DROP TABLE b'", &[]),
        ("psql postgres://localhost/a -c 'DROP TABLE b'", &[]),
    ),
    (
        "database URL variable",
        (
            "psql $DATABASE_URL -c 'DROP TABLE b'",
            &["env:DATABASE_URL=postgres://db.prod/a"],
        ),
        (
            "psql $DATABASE_URL -c 'DROP TABLE b'",
            &["env:DATABASE_URL=postgres://127.0.0.1/a"],
        ),
    ),
    (
        "database URL in the command",
        (
            "DATABASE_URL=postgres://db.prod/a npx prisma migrate reset -f",
            &[],
        ),
        (
            "DATABASE_URL=postgres://localhost/a npx prisma migrate reset -f",
            &[],
        ),
    ),
    (
        "project file",
        (
            "npx prisma migrate reset -f",
            &["file:/home/dev/shop/.env=DATABASE_URL=postgres://db.prod/a"],
        ),
        (
            "npx prisma migrate reset -f",
            &["file:/home/dev/shop/.env=DATABASE_URL=postgres://localhost/a"],
        ),
    ),
    (
        "host option",
        ("mysql -h db.prod.acme.com a -e 'DROP TABLE b'", &[]),
        ("mysql -h 127.0.0.1 a -e 'DROP TABLE b'", &[]),
    ),
    (
        "host by mapping",
        (
            "psql -h db7 -c 'DROP TABLE b'",
            &["target:host=db*:production"],
        ),
        (
            "psql -h db7 -c 'DROP TABLE b'",
            &["target:host=db*:development"],
        ),
    ),
    (
        "environment variable of a framework",
        ("RAILS_ENV=production bin/rails db:drop", &[]),
        ("RAILS_ENV=test bin/rails db:drop", &[]),
    ),
    (
        "stage",
        ("serverless remove --stage prod", &[]),
        ("serverless remove --stage dev", &[]),
    ),
    (
        "HTTP address",
        ("curl -X DELETE https://api.acme.com/a", &[]),
        ("curl -X DELETE http://localhost:3000/a", &[]),
    ),
    (
        "inventory",
        ("ansible-playbook -i inventories/prod a.yml", &[]),
        ("ansible-playbook -i inventories/dev a.yml", &[]),
    ),
    (
        "docker context",
        ("docker --context prod stack rm a", &[]),
        ("docker --context dev stack rm a", &[]),
    ),
    (
        "registry",
        ("npm publish", &[]),
        ("npm publish --registry http://localhost:4873", &[]),
    ),
    (
        "a tunnel makes localhost another host",
        (
            "ssh -fNL 5432:db:5432 bastion && psql -h localhost -c 'DROP TABLE b'",
            &[],
        ),
        (
            "ssh -T git@github.com; psql -h localhost -c 'DROP TABLE b'",
            &[],
        ),
    ),
    (
        "a proxy of the cluster",
        (
            "kubectl proxy & curl -X DELETE http://localhost:8001/x",
            &[],
        ),
        ("curl -X DELETE http://localhost:8001/x", &[]),
    ),
];

#[test]
fn the_target_decides() {
    let mut wrong = Vec::new();
    for (name, production, local) in PAIRS {
        if !held(production) {
            wrong.push(format!("{name}: `{}` is not held", production.0));
        }
        if held(local) {
            wrong.push(format!("{name}: `{}` is held", local.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
