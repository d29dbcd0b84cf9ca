//! Addresses: `module.a["x.y"].aws_db_instance.main[0]`.

/// The address without instance keys: `module.a.aws_db_instance.main`. This is
/// how [`crate::reading::Edge`] names resources.
#[must_use]
pub fn resource_address(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let mut chars = address.chars();
    while let Some(c) = chars.next() {
        if c == '[' {
            skip_key(&mut chars);
        } else {
            out.push(c);
        }
    }
    out
}

/// Steps over an instance key up to and with its `]`. Keys in quotes may hold
/// any character, `]` too.
fn skip_key(chars: &mut std::str::Chars<'_>) {
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => {
                chars.next();
            }
            ']' if !quoted => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_keys_are_left_out() {
        let cases = [
            ("aws_db_instance.main", "aws_db_instance.main"),
            ("aws_db_instance.main[0]", "aws_db_instance.main"),
            (
                r#"module.a["x.y]"].module.b[1].aws_db_instance.main["q\"]"]"#,
                "module.a.module.b.aws_db_instance.main",
            ),
            ("data.aws_ami.x[\"unclosed", "data.aws_ami.x"),
            ("", ""),
        ];
        for (address, expected) in cases {
            assert_eq!(resource_address(address), expected);
        }
    }
}
