//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Why a text is not the address of a database. Never shows the text itself,
/// which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("the address of the database is empty")]
    Empty,
    /// Another scheme.
    #[error("`{0}:` is not a kind of database known here")]
    Scheme(String),
    /// Not a PostgreSQL URL.
    #[error("the PostgreSQL address cannot be read")]
    Postgres,
    /// A database in memory is gone when the program ends.
    #[error("a database in memory keeps nothing; name a file")]
    Memory,
}

/// Where a database is: a file, or a PostgreSQL URL. Printing it leaves the
/// password out.
#[derive(Clone)]
pub enum Address {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server and database.
    Postgres(Box<PgConnectOptions>),
}

impl Address {
    /// The file, for SQLite.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `sqlite:PATH`, `sqlite://PATH`, a path, or `postgres://…`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        let is_scheme = |scheme: &&str| {
            // One letter is a drive.
            scheme.len() > 1
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'+')
        };
        let path = match scheme.filter(is_scheme) {
            Some("postgres" | "postgresql") => {
                return text
                    .parse::<PgConnectOptions>()
                    .map(|options| Self::Postgres(Box::new(options)))
                    .map_err(|_| AddressError::Postgres);
            }
            Some("sqlite") => text
                .strip_prefix("sqlite://")
                .or_else(|| text.strip_prefix("sqlite:"))
                .unwrap_or_default(),
            Some(other) => return Err(AddressError::Scheme(other.chars().take(20).collect())),
            None => text,
        };
        match path {
            "" => Err(AddressError::Empty),
            path if path.starts_with(":memory:") => Err(AddressError::Memory),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                match options.get_socket() {
                    Some(socket) => write!(f, "postgres://{}/{database}", socket.display()),
                    None => write!(
                        f,
                        "postgres://{}@{}:{}/{database}",
                        options.get_username(),
                        options.get_host(),
                        options.get_port()
                    ),
                }
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_servers() {
        for (text, shown) in [
            ("a/b.db", "a/b.db"),
            ("sqlite:b.db", "b.db"),
            ("sqlite:///var/b.db", "/var/b.db"),
            ("C:\\b.db", "C:\\b.db"),
            (
                "postgres://ann@db.example:5433/ops",
                "postgres://ann@db.example:5433/ops",
            ),
            (
                "postgresql:///ops?host=/run/pg&user=ann",
                "postgres:///run/pg/ops",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
        for text in [
            "",
            "mysql://x",
            "sqlite:",
            "sqlite::memory:",
            "postgres://[",
            "http://x",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://ann:hunter2@db.example/ops",
            "postgres://db.example/ops?user=ann&password=hunter2",
            "postgres://ann:hunter2@db.example:notaport/ops",
            "pstgres://ann:hunter2@db.example/ops",
            "hunter2://ann",
        ] {
            let shown = match text.parse::<Address>() {
                Ok(address) => format!("{address} {address:?}"),
                Err(AddressError::Scheme(_)) => continue,
                Err(error) => error.to_string(),
            };
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
