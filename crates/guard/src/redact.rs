//! Secrets taken out of text that is kept.

/// Prefixes of tokens that say themselves what they are.
const TOKENS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk-",
    "sk_live_",
    "rk_live_",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "eyJ",
    "npm_",
    "pypi-",
    "hvs.",
    "dop_v1_",
    "rw_",
    "fo1_",
    "SG.",
];

/// Takes out passwords in URLs, tokens in headers, values of options and
/// variables whose names say so, and tokens known by their first letters.
#[must_use]
pub fn redact(text: &str) -> String {
    let first = countersign_effects::command::redact(text);
    let mut out = String::with_capacity(first.len());
    let mut after = "";
    let separates = |c: char| c.is_whitespace() || "'\"=:,;()[]{}<>&|`\\/@".contains(c);
    for piece in first.split_inclusive(separates) {
        let word = piece.trim_end_matches(separates);
        let tail = piece.get(word.len()..).unwrap_or("");
        let is_token = TOKENS.iter().any(|prefix| word.starts_with(prefix)) && word.len() >= 16;
        // `curl -u user:password`, `mysql -phunter2`, `"password": "hunter2"`.
        let is_value = matches!(after, "-u" | "--user") && tail.starts_with(':');
        if is_token {
            out.push_str("***");
        } else if is_value {
            out.push_str(word);
            out.push_str(":***");
            after = "skip";
            continue;
        } else if after == "skip" || (is_secret(after) && !word.is_empty() && word != "***") {
            if after != "skip" {
                out.push_str("***");
            }
        } else {
            out.push_str(word);
        }
        out.push_str(tail);
        if !word.is_empty() {
            after = word;
        }
    }
    out
}

fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    matches!(
        name.as_str(),
        "password"
            | "passwd"
            | "token"
            | "secret"
            | "api_key"
            | "apikey"
            | "api-key"
            | "access_token"
            | "client_secret"
    )
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_do_not_stay() {
        for text in [
            "psql postgres://u:hunter2hunter2@db/shop",
            "PGPASSWORD=hunter2hunter2 psql",
            "mytool --password hunter2hunter2 x",
            "mytool --password=hunter2hunter2 x",
            "curl -H 'Authorization: Bearer hunter2hunter2' https://x",
            "curl -u admin:hunter2hunter2 https://x",
            "git push https://ghp_hunter2hunter2hunter2@github.com/a/b",
            "export GH=ghp_hunter2hunter2hunter2; x",
            "curl -d '{\"password\":\"hunter2hunter2\"}' x",
            "curl -d '{\"token\": \"hunter2hunter2\"}' x",
        ] {
            assert!(
                !redact(text).contains("hunter2"),
                "{text} -> {}",
                redact(text)
            );
        }
        for text in [
            "ls -la",
            "terraform destroy -auto-approve",
            "git commit -m 'fix: x'",
            "sk-1",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
