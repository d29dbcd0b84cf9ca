//! A page as PDF, printed by a browser that is installed.
//!
//! A PDF library would have to lay the page out a second time, and differently;
//! browsers of the Chromium family already print what the page shows. The browser
//! gets a profile of its own, is told to reach no network, and is stopped when
//! it does not finish.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{CliError, CliResult, exit};

/// Names to look for on the path, the most common first.
const BROWSERS: [&str; 10] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "brave-browser",
    "chrome-headless-shell",
];
/// Names the browser to use.
const VARIABLE: &str = "COUNTERSIGN_BROWSER";
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints a page that stands alone, and returns the PDF's bytes.
pub(crate) fn print(html: &str) -> CliResult<Vec<u8>> {
    let browser = find(std::env::var_os(VARIABLE), std::env::var_os("PATH"))?;
    let failed = |error: std::io::Error| {
        CliError::new(exit::IO, format!("preparing to print failed: {error}"))
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let (page, pdf) = (
        folder.path().join("page.html"),
        folder.path().join("page.pdf"),
    );
    std::fs::write(&page, html).map_err(failed)?;
    let mut child = command(&browser, folder.path(), &page, &pdf)
        .spawn()
        .map_err(|error| cannot(&browser, &format!("it does not start: {error}")))?;
    let finished = wait(&mut child).map_err(failed)?;
    if !finished {
        return Err(cannot(
            &browser,
            &format!("no answer within {} seconds", PATIENCE.as_secs()),
        ));
    }
    match std::fs::read(&pdf) {
        Ok(bytes) if bytes.starts_with(b"%PDF-") => Ok(bytes),
        _ => Err(cannot(&browser, "it wrote no PDF")),
    }
}

fn cannot(browser: &Path, why: &str) -> CliError {
    CliError::new(
        exit::IO,
        format!("{} cannot print the page: {why}", browser.display()),
    )
    .hint(format!(
        "name another browser of the Chromium family in ${VARIABLE}"
    ))
    .hint("or use --format html and print that from any browser")
}

fn find(named: Option<OsString>, path: Option<OsString>) -> CliResult<PathBuf> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let browser = PathBuf::from(named);
        if browser.is_file() {
            return Ok(browser);
        }
        let text = format!(
            "${VARIABLE} names `{}`, which is no file",
            browser.display()
        );
        return Err(CliError::new(exit::NOT_FOUND, text));
    }
    let path = path.unwrap_or_default();
    BROWSERS
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            CliError::new(
                exit::NOT_FOUND,
                "a PDF needs a browser of the Chromium family, and none was found",
            )
            .hint(format!("install `chromium`, or name one in ${VARIABLE}"))
            .hint("or use --format html and print that from any browser")
        })
}

fn command(browser: &Path, profile: &Path, page: &Path, pdf: &Path) -> Command {
    let with = |flag: &str, value: &Path| {
        let mut argument = OsString::from(flag);
        argument.push(value);
        argument
    };
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-default-browser-check",
            "--no-pdf-header-footer",
            // nothing may be asked of a network, by the page or by the browser
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server=127.0.0.1:9",
        ])
        .arg(with("--user-data-dir=", &profile.join("profile")))
        .arg(with("--print-to-pdf=", pdf))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if is_root() {
        // the sandbox refuses to start for root, as in most containers; the page is our own
        command.arg("--no-sandbox");
    }
    command.arg(with("file://", page));
    command
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // the owner of a file that this process makes is its effective user
    tempfile::tempfile()
        .and_then(|file| file.metadata())
        .is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Whether it ended by itself in time.
fn wait(child: &mut Child) -> std::io::Result<bool> {
    let started = Instant::now();
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_browser_is_said_with_what_to_do() {
        let error = find(None, Some(OsString::from("/nonexistent"))).unwrap_err();
        assert_eq!(error.code, exit::NOT_FOUND);
        let named = find(Some(OsString::from("/nonexistent/chromium")), None).unwrap_err();
        assert!(named.to_string().contains("$COUNTERSIGN_BROWSER names"));
    }
}
