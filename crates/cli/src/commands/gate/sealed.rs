//! A copy of a plan that nobody can exchange between the check and the use.
//!
//! On Linux it is a file without a name that is sealed: not even its owner can
//! write to it any more. Elsewhere it is a read-only file in a folder of its
//! own, which keeps others out but not other programs of the same user.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{CliError, CliResult, exit};

/// Bytes in a place where they stay what they are.
pub(super) struct Sealed {
    path: PathBuf,
    #[cfg(target_os = "linux")]
    _file: std::fs::File,
    #[cfg(not(target_os = "linux"))]
    _folder: tempfile::TempDir,
}

impl Sealed {
    #[cfg(target_os = "linux")]
    pub(super) fn of(bytes: &[u8]) -> CliResult<Self> {
        use std::os::fd::AsRawFd as _;

        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

        let failed = |error: std::io::Error| failed(&error);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("countersign-plan", flags).map_err(|error| failed(error.into()))?;
        let mut file = std::fs::File::from(file);
        file.write_all(bytes).map_err(failed)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals).map_err(|error| failed(error.into()))?;
        // By our own process, which lives as long as the command: so a program
        // started by the command can open it as well.
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        Ok(Self {
            path: PathBuf::from(path),
            _file: file,
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(bytes: &[u8]) -> CliResult<Self> {
        let write = || -> std::io::Result<Self> {
            let folder = tempfile::Builder::new().prefix("countersign-").tempdir()?;
            let path = folder.path().join("plan");
            let mut file = std::fs::File::create_new(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            let mut rights = file.metadata()?.permissions();
            rights.set_readonly(true);
            std::fs::set_permissions(&path, rights)?;
            Ok(Self {
                path,
                _folder: folder,
            })
        };
        write().map_err(|error| failed(&error))
    }

    /// Where the command finds them.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn failed(error: &std::io::Error) -> CliError {
    CliError::new(
        exit::IO,
        format!("keeping a copy of the plan failed: {error}"),
    )
}
