//! Which properties replace a resource when they change.
//!
//! From `data/cfn-replacement.tsv`, derived by `cargo xtask cfn-spec` from the
//! npm package `@aws-cdk/aws-service-spec` (Apache-2.0); see `data/NOTICE.md`.

use crate::knowledge::lookup;

static TABLE: &str = include_str!("../../data/cfn-replacement.tsv");

/// What changing a property does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Replacement {
    Never,
    Maybe,
    Always,
}

/// The rules of one resource type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Whether CDK calls the type stateful.
    pub(super) stateful: bool,
    always: &'static str,
    maybe: &'static str,
}

/// The rules of a type; `None` for a type the specification does not know.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    let mut columns = lookup(TABLE, kind)?.split('\t').skip(1);
    Some(Rules {
        stateful: columns.next()? == "stateful",
        always: columns.next()?,
        maybe: columns.next()?,
    })
}

impl Rules {
    /// What a change at `path` (dotted, without array indices) does: the rule
    /// of the path itself, or of a property around it.
    pub(super) fn of(&self, path: &str) -> Replacement {
        if covers(self.always, path) {
            Replacement::Always
        } else if covers(self.maybe, path) {
            Replacement::Maybe
        } else {
            Replacement::Never
        }
    }
}

/// Whether a comma-separated list names `path` or something around it.
fn covers(list: &str, path: &str) -> bool {
    list.split(',').filter(|rule| !rule.is_empty()).any(|rule| {
        path.strip_prefix(rule)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_well_known_types() {
        let of = |kind: &str, path: &str| rules(kind).unwrap().of(path);
        // AWS CloudFormation Template Reference, "Update requires".
        assert_eq!(of("AWS::RDS::DBInstance", "DBName"), Replacement::Always);
        assert_eq!(
            of("AWS::RDS::DBInstance", "DBInstanceClass"),
            Replacement::Never
        );
        assert_eq!(of("AWS::RDS::DBInstance", "Engine"), Replacement::Maybe);
        assert_eq!(of("AWS::S3::Bucket", "BucketName"), Replacement::Always);
        assert_eq!(
            of("AWS::DynamoDB::Table", "KeySchema.AttributeName"),
            Replacement::Always
        );
        assert_eq!(of("AWS::DynamoDB::Table", "KeySchemaX"), Replacement::Never);
        assert_eq!(
            of(
                "AWS::ECS::CapacityProvider",
                "AutoScalingGroupProvider.AutoScalingGroupArn"
            ),
            Replacement::Always
        );
        assert!(rules("AWS::RDS::DBInstance").unwrap().stateful);
        assert!(!rules("AWS::EC2::Subnet").unwrap().stateful);
        assert!(rules("AWS::No::Such").is_none());
    }

    #[test]
    fn every_type_is_found_again() {
        assert!(TABLE.lines().count() > 1_500);
        for line in TABLE.lines() {
            let kind = line.split('\t').next().unwrap();
            assert!(rules(kind).is_some(), "{kind}");
        }
    }
}
