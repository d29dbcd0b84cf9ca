//! What an expression of a template refers to.

use std::collections::BTreeSet;

use crate::document::Value;

/// Logical names (resources and parameters), mappings and conditions that an
/// expression uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct References {
    /// From `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn`.
    pub(super) names: BTreeSet<String>,
    /// From `Fn::FindInMap`.
    pub(super) mappings: BTreeSet<String>,
    /// From `Fn::If` and `Condition`.
    pub(super) conditions: BTreeSet<String>,
}

impl References {
    /// Everything `value` refers to.
    pub(super) fn of(value: &Value<'_>) -> Self {
        let mut found = Self::default();
        found.walk(value);
        found
    }

    fn walk(&mut self, value: &Value<'_>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(object) => {
                for (key, inner) in object.iter() {
                    self.function(key, inner);
                    self.walk(inner);
                }
            }
            _ => {}
        }
    }

    fn function(&mut self, key: &str, argument: &Value<'_>) {
        let first = argument.items().first().unwrap_or(argument);
        let Some(text) = first.as_str() else { return };
        match key {
            "Ref" => self.name(text),
            "Fn::GetAtt" => self.name(text.split('.').next().unwrap_or(text)),
            "Fn::Sub" => self.substitution(text),
            "Fn::FindInMap" => {
                self.mappings.insert(text.to_owned());
            }
            "Fn::If" | "Condition" => {
                self.conditions.insert(text.to_owned());
            }
            "DependsOn" => {
                let all = argument.items().iter().filter_map(Value::as_str);
                all.chain(std::iter::once(text)).for_each(|n| self.name(n));
            }
            _ => {}
        }
    }

    /// Pseudo parameters such as `AWS::Region` are no names of the template.
    fn name(&mut self, name: &str) {
        if !name.starts_with("AWS::") {
            self.names.insert(name.to_owned());
        }
    }

    /// `${Name}` and `${Name.Attribute}`; `${!Literal}` is text.
    fn substitution(&mut self, text: &str) {
        for part in text.split("${").skip(1) {
            let Some((inner, _)) = part.split_once('}') else {
                continue;
            };
            if !inner.starts_with('!') {
                self.name(inner.split('.').next().unwrap_or(inner).trim());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse_json;

    #[test]
    fn every_function_that_refers() {
        let value = parse_json(
            r#"{"a": {"Ref": "R"}, "b": {"Fn::GetAtt": ["G", "Arn"]}, "c": {"Fn::GetAtt": "H.Arn"},
                "d": {"Fn::Sub": "x-${S.Arn}-${!Not}-${AWS::Region}"}, "e": {"Fn::Sub": ["${T}", {"T": {"Ref": "U"}}]},
                "f": {"Fn::If": ["C", {"Ref": "V"}, {"Ref": "AWS::NoValue"}]}, "g": {"Fn::FindInMap": ["M", "a", "b"]},
                "DependsOn": ["D", "E"], "h": {"Fn::Sub": "${unclosed"}}"#,
        )
        .unwrap();
        let found = References::of(&value);
        let names: Vec<_> = found.names.iter().map(String::as_str).collect();
        assert_eq!(names, ["D", "E", "G", "H", "R", "S", "T", "U", "V"]);
        assert!(found.mappings.contains("M") && found.conditions.contains("C"));
    }
}
