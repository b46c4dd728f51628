//! The cache folders of this user, and names of entries in them.

use std::env;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// The cache folders of this user, best first; empty if the environment names none.
pub(crate) fn folders() -> Vec<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = env::home_dir().map(|home| home.join(".cache"));
    let folders = [set, home].into_iter().flatten();
    // The XDG standard says to ignore relative paths.
    folders.filter(|folder| folder.is_absolute()).collect()
}

/// The first 16 hex digits of the SHA-256 of these bytes, as a part of a name.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
