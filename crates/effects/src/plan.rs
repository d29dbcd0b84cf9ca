//! Any plan: told apart by its content and given to its reader.

use countersign_core::effect::Environment;

use crate::document::{ReadError, decode};
use crate::reading::{Format, PlanReading, fingerprint_all};
use crate::sql::Dialect;
use crate::{cloudformation, kubernetes, pulumi, sql, terraform};

/// What to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'s> {
    /// The plan, or what is to be: names and bytes. Several for pages of a change
    /// set, sets of manifests, and migrations in their order.
    pub files: &'s [(&'s str, &'s [u8])],
    /// What is there now, to compare with: manifests, or one template. Empty
    /// for formats that say themselves what changes.
    pub before: &'s [(&'s str, &'s [u8])],
    /// The dialect of SQL, where known.
    pub dialect: Option<Dialect>,
}

/// Reads a change in any known format.
///
/// # Errors
/// A [`ReadError`] when the format is not known, or its reader refuses.
pub fn read(source: &Source<'_>, environment: Environment) -> Result<PlanReading, ReadError> {
    let Some((name, bytes)) = source.files.first().or_else(|| source.before.first()) else {
        return Err(ReadError::Empty);
    };
    match sniff(name, bytes)? {
        Format::TerraformPlan => terraform::read(single(source, "plan")?, environment),
        Format::PulumiPreview => pulumi::read(single(source, "preview")?, environment),
        Format::KubernetesDiff => kubernetes::read_diff(single(source, "diff")?, environment),
        Format::CloudFormationChangeSet => {
            cloudformation::read_change_set(source.files, environment)
        }
        Format::CloudFormationTemplates => {
            let (old, new) = (at_most_one(source.before)?, at_most_one(source.files)?);
            cloudformation::read_templates(old, new, environment)
        }
        Format::KubernetesManifests | Format::KubernetesObjects if source.before.is_empty() => {
            kubernetes::read_objects(source.files, environment)
        }
        Format::KubernetesManifests | Format::KubernetesObjects => {
            kubernetes::read_manifests(source.before, source.files, environment)
        }
        Format::Sql => migrations(source, environment),
    }
}

fn several(what: &str) -> ReadError {
    ReadError::Unsupported {
        what: format!("several files, and the first one is a {what}"),
        advice: "read one at a time".to_owned(),
    }
}

fn single<'s>(source: &Source<'s>, what: &str) -> Result<&'s [u8], ReadError> {
    match source.files {
        [(_, bytes)] => Ok(bytes),
        _ => Err(several(what)),
    }
}

fn at_most_one<'s>(files: &[(&str, &'s [u8])]) -> Result<Option<&'s [u8]>, ReadError> {
    match files {
        [] => Ok(None),
        [(_, bytes)] => Ok(Some(bytes)),
        _ => Err(several("template")),
    }
}

/// Migrations, one after the other.
fn migrations(source: &Source<'_>, environment: Environment) -> Result<PlanReading, ReadError> {
    let [(_, first), rest @ ..] = source.files else {
        return Err(ReadError::Empty);
    };
    let mut whole = sql::read(first, source.dialect, environment)?;
    for (_, bytes) in rest {
        let mut next = sql::read(bytes, source.dialect, environment)?;
        whole.effects.append(&mut next.effects);
        whole.findings.append(&mut next.findings);
        whole.changes_seen += next.changes_seen;
        whole.unchanged += next.unchanged;
    }
    if !rest.is_empty() {
        whole.sha256 = fingerprint_all(source.files.iter().copied());
    }
    Ok(whole.finish())
}

/// The format of a file, by content first and by name where content leaves it
/// open.
///
/// # Errors
/// [`ReadError::UnknownFormat`] or [`ReadError::Unsupported`] with what to give
/// instead; the errors of decoding.
pub fn sniff(name: &str, bytes: &[u8]) -> Result<Format, ReadError> {
    if terraform::is_binary_plan(bytes) {
        return Ok(Format::TerraformPlan);
    }
    let text = decode(bytes)?;
    let json = text.trim_start().starts_with(['{', '[']) || text.contains("\n{");
    if let Some(format) = sniff_json(&text).filter(|_| json) {
        return Ok(format);
    }
    if kubernetes::looks_like_diff(&text) {
        return Ok(Format::KubernetesDiff);
    }
    if looks_like_cdk_diff(&text) {
        return Err(ReadError::Unsupported {
            what: "this is what `cdk diff` prints for people".to_owned(),
            advice: "give the templates before and after (`cdk synth`, `cdk.out/*.template.json`), or the change set it makes".to_owned(),
        });
    }
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    if extension.as_deref() == Some("sql") {
        return Ok(Format::Sql);
    }
    let has_line = |start: &str| text.lines().any(|line| line.starts_with(start));
    if has_line("apiVersion:") && has_line("kind:") {
        return Ok(Format::KubernetesObjects);
    }
    if has_line("AWSTemplateFormatVersion") || (has_line("Resources:") && text.contains("::")) {
        return Ok(Format::CloudFormationTemplates);
    }
    Err(ReadError::UnknownFormat {
        hint: "expected a Terraform plan in JSON, a CloudFormation change set or template, Kubernetes manifests or `kubectl diff`, a Pulumi preview in JSON, or SQL in a file named `.sql`".to_owned(),
    })
}

/// The format of JSON by keys that only one of them has. A cheap look that the
/// reader checks again; quotes inside strings are escaped and do not match.
fn sniff_json(text: &str) -> Option<Format> {
    let has = |key: &str| text.contains(key);
    if has("\"urn:pulumi:") || (has("\"changeSummary\"") && has("\"diagnostics\"")) {
        return Some(Format::PulumiPreview);
    }
    if has("\"Changes\"") && (has("\"ChangeSetId\"") || has("\"StackName\"") || has("\"StackId\""))
    {
        return Some(Format::CloudFormationChangeSet);
    }
    if has("\"AWSTemplateFormatVersion\"") || (has("\"Resources\"") && has("::")) {
        return Some(Format::CloudFormationTemplates);
    }
    let terraform = [
        "\"resource_changes\"",
        "\"planned_values\"",
        "\"terraform_version\"",
        "\"format_version\"",
        "\"lineage\"",
    ];
    if terraform.iter().any(|key| has(key)) {
        return Some(Format::TerraformPlan);
    }
    (has("\"apiVersion\"") && has("\"kind\"")).then_some(Format::KubernetesObjects)
}

/// `[-] AWS::S3::Bucket Files Files1234 destroy` below a line `Resources`.
fn looks_like_cdk_diff(text: &str) -> bool {
    text.lines().any(|line| {
        ["[+] AWS::", "[-] AWS::", "[~] AWS::"]
            .iter()
            .any(|mark| line.trim_start().starts_with(mark))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        use Format::{
            CloudFormationChangeSet, CloudFormationTemplates, KubernetesDiff, KubernetesObjects,
            PulumiPreview, Sql, TerraformPlan,
        };
        let cases = [
            ("x", "{\"resource_changes\": []}", Some(TerraformPlan)),
            (
                "x",
                "[command]terraform show\n{\"format_version\": \"1.0\"}",
                Some(TerraformPlan),
            ),
            ("x", "PK\u{3}\u{4}", Some(TerraformPlan)),
            (
                "x",
                "{\"Changes\": [], \"StackName\": \"a\"}",
                Some(CloudFormationChangeSet),
            ),
            (
                "x",
                "{\"Resources\": {\"A\": {\"Type\": \"AWS::SNS::Topic\"}}}",
                Some(CloudFormationTemplates),
            ),
            (
                "x",
                "Resources:\n  A: {Type: 'AWS::SNS::Topic'}",
                Some(CloudFormationTemplates),
            ),
            ("x", "kind: Pod\napiVersion: v1\n", Some(KubernetesObjects)),
            (
                "x",
                "{\"apiVersion\": \"v1\", \"kind\": \"List\"}",
                Some(KubernetesObjects),
            ),
            (
                "x",
                "diff -u -N /tmp/LIVE-1/v1.Pod.a.b /tmp/MERGED-1/v1.Pod.a.b\n",
                Some(KubernetesDiff),
            ),
            (
                "x",
                "{\"steps\": [{\"urn\": \"urn:pulumi:a::b::c::d\"}]}",
                Some(PulumiPreview),
            ),
            ("x.sql", "DROP TABLE a", Some(Sql)),
            ("x", "[-] AWS::S3::Bucket Files destroy", None),
            ("x", "DROP TABLE a", None),
            ("x", "{}", None),
            ("x", "", None),
            // A plan that is only quoted inside a manifest.
            (
                "x",
                "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"data\": {\"p\": \"{\\\"resource_changes\\\": []}\"}}",
                Some(KubernetesObjects),
            ),
        ];
        for (name, text, expected) in cases {
            assert_eq!(sniff(name, text.as_bytes()).ok(), expected, "{text}");
        }
    }

    #[test]
    fn every_format_is_read() {
        let read = |files: &[(&str, &[u8])], before: &[(&str, &[u8])]| {
            let source = Source {
                files,
                before,
                dialect: None,
            };
            super::read(&source, Environment::Staging).map(|r| (r.format, r.effects.len()))
        };
        let manifest = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n".as_slice();
        let template = b"Resources:\n  A: {Type: 'AWS::SNS::Topic'}\n".as_slice();
        let sql = b"DROP TABLE a".as_slice();
        assert_eq!(
            read(&[("a", manifest)], &[]),
            Ok((Format::KubernetesObjects, 1))
        );
        assert_eq!(
            read(&[], &[("a", manifest)]),
            Ok((Format::KubernetesManifests, 1))
        );
        assert_eq!(
            read(&[("a", template)], &[("b", template)]),
            Ok((Format::CloudFormationTemplates, 0))
        );
        assert_eq!(
            read(&[("a.sql", sql), ("b.sql", sql)], &[]),
            Ok((Format::Sql, 2))
        );
        let plan = b"{\"resource_changes\": []}".as_slice();
        assert!(read(&[("a", plan), ("b", plan)], &[]).is_err());
        assert_eq!(read(&[], &[]), Err(ReadError::Empty));
    }
}
