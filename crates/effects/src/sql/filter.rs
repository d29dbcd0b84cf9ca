//! Whether a `WHERE` clause keeps any row out.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// How much a filter keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// There is none.
    Missing,
    /// It holds for every row, or for every row anyone would have.
    Empty,
    /// It may keep rows out.
    Real,
}

pub(super) fn judge(selection: Option<&Expr>) -> Filter {
    match selection {
        None => Filter::Missing,
        Some(expr) if truth(expr) == Some(true) => Filter::Empty,
        Some(_) => Filter::Real,
    }
}

/// Whether an expression is the same for every ordinary row. `id IS NOT NULL`,
/// `id > 0` and `name LIKE '%'` count as true: they are written to satisfy a
/// client that wants a filter, not to keep rows out.
fn truth(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Nested(inner) | Expr::IsTrue(inner) => truth(inner),
        Expr::Value(value) => match &value.value {
            Value::Boolean(b) => Some(*b),
            Value::Number(n, _) => Some(n.parse::<f64>().ok()? != 0.0),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => truth(expr).map(|t| !t),
        Expr::IsNotNull(_) => Some(true),
        Expr::IsNull(inner) if literal(inner).is_some() => Some(false),
        Expr::BinaryOp { left, op, right } => binary(left, op, right),
        Expr::Like {
            negated: false,
            pattern,
            ..
        }
        | Expr::ILike {
            negated: false,
            pattern,
            ..
        } => (literal(pattern).as_deref() == Some("%")).then_some(true),
        Expr::InList {
            expr,
            list,
            negated: false,
        } => {
            let wanted = literal(expr)?;
            let found = list.iter().filter_map(literal).any(|item| item == wanted);
            found.then_some(true)
        }
        Expr::Between {
            expr,
            negated: false,
            low,
            high,
        } => {
            let at_least = binary(expr, &BinaryOperator::GtEq, low)?;
            let at_most = binary(expr, &BinaryOperator::LtEq, high)?;
            Some(at_least && at_most)
        }
        _ => None,
    }
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<bool> {
    match op {
        BinaryOperator::And => match (truth(left), truth(right)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        BinaryOperator::Or => match (truth(left), truth(right)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => complement(left, right).then_some(true),
        },
        _ => compare(left, op, right),
    }
}

/// `x OR NOT x`, `a = 1 OR a <> 1`.
fn complement(left: &Expr, right: &Expr) -> bool {
    let negation = |a: &Expr, b: &Expr| matches!(b, Expr::UnaryOp { op: UnaryOperator::Not, expr } if bare(expr) == bare(a));
    if negation(bare(left), bare(right)) || negation(bare(right), bare(left)) {
        return true;
    }
    match (bare(left), bare(right)) {
        (
            Expr::BinaryOp {
                left: a,
                op: o,
                right: b,
            },
            Expr::BinaryOp {
                left: c,
                op: p,
                right: d,
            },
        ) => {
            let opposite = matches!(
                (o, p),
                (BinaryOperator::Eq, BinaryOperator::NotEq)
                    | (BinaryOperator::NotEq, BinaryOperator::Eq)
            );
            opposite && a == c && b == d
        }
        (Expr::IsNull(a), Expr::IsNotNull(b)) | (Expr::IsNotNull(a), Expr::IsNull(b)) => a == b,
        _ => false,
    }
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

fn compare(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<bool> {
    let (left, right) = (bare(left), bare(right));
    if let (Some(a), Some(b)) = (literal(left), literal(right)) {
        let order = match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b)?,
            _ => a.cmp(&b),
        };
        return Some(match op {
            BinaryOperator::Eq => order.is_eq(),
            BinaryOperator::NotEq => order.is_ne(),
            BinaryOperator::Lt => order.is_lt(),
            BinaryOperator::LtEq => order.is_le(),
            BinaryOperator::Gt => order.is_gt(),
            BinaryOperator::GtEq => order.is_ge(),
            _ => return None,
        });
    }
    if left == right {
        return match op {
            BinaryOperator::Eq | BinaryOperator::LtEq | BinaryOperator::GtEq => Some(true),
            BinaryOperator::NotEq | BinaryOperator::Lt | BinaryOperator::Gt => Some(false),
            _ => None,
        };
    }
    // `id > 0`, `name <> ''`: true for every ordinary row.
    let column = matches!(left, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    let least = literal(right)
        .is_some_and(|text| text.is_empty() || text.parse::<f64>().is_ok_and(|n| n <= 0.0));
    let above = matches!(
        op,
        BinaryOperator::Gt | BinaryOperator::GtEq | BinaryOperator::NotEq
    );
    (column && least && above).then_some(true)
}

/// The text of a literal, with its sign.
fn literal(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            Value::Number(n, _) => Some(n.clone()),
            Value::Boolean(b) => Some(b.to_string()),
            Value::Null | Value::Placeholder(_) => None,
            other => other.clone().into_string(),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => Some(format!("-{}", literal(expr)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::GenericDialect;
    use sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn filters_that_keep_nothing_out() {
        let filter = |text: &str| {
            let expr = Parser::new(&GenericDialect {})
                .try_with_sql(text)
                .unwrap()
                .parse_expr()
                .unwrap();
            judge(Some(&expr))
        };
        for text in [
            "1=1",
            "true",
            "1",
            "(((1 = 1)))",
            "'a' = 'a'",
            "id = id",
            "t.id >= t.id",
            "not false",
            "2 > 1",
            "id is not null",
            "id > 0",
            "id >= -1",
            "name <> ''",
            "name like '%'",
            "x = 5 or 1=1",
            "x = 5 or true",
            "a = 1 or a <> 1",
            "a is null or a is not null",
            "x or not x",
            "1 in (3, 1)",
            "1 between 0 and 2",
            "id > 0 and 1=1",
            "not (1 = 2)",
            "1=1 is true",
        ] {
            assert_eq!(filter(text), Filter::Empty, "{text}");
        }
        for text in [
            "id = 1",
            "1 = 2",
            "false",
            "id > 5",
            "name like 'a%'",
            "id = id + 1",
            "a = 1 and 1=1",
            "id in (1, 2)",
            "id > 0 and name = 'x'",
            "exists (select 1 from t)",
            "a = 1 or b = 2",
            "not (id = 1)",
            "id = $1",
            "x is null",
        ] {
            assert_eq!(filter(text), Filter::Real, "{text}");
        }
        assert_eq!(judge(None), Filter::Missing);
    }
}
