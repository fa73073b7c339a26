use std::io;
use std::path::PathBuf;

/// Why a step of the import could not be completed. The next start tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProvisionError {
    #[error("{}: {source}", path.display())]
    Card { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error("ssh-keygen cannot be run: {0}")]
    SshKeygen(io::Error),
}
