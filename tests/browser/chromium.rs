//! Finds and starts a browser.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The names under which Chromium and Chrome are installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What a test needs of a browser: no window, no first-run pages, and no traffic of its own.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A browser that speaks the DevTools protocol on its standard input and output. It ends when this is dropped.
pub(crate) struct Chromium {
    /// Its process.
    pub(crate) process: Child,
    /// Its settings and caches; removed afterwards.
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser with an empty profile. Panics if there is none, because a test that needs one was asked for.
    pub(crate) fn start() -> Self {
        let program = find().expect(
            "found no browser: install Chromium, or name a browser of its kind in TASKDYNO_BROWSER",
        );
        let profile = tempfile::tempdir().unwrap();
        // The browser reads commands from descriptor 3 and writes answers to descriptor 4.
        let process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(&program)
            .args(FLAGS)
            .arg("--remote-debugging-pipe")
            .arg(flag_with_path("--user-data-dir=", profile.path()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        Self {
            process,
            _profile: profile,
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended already. Its children end with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that `TASKDYNO_BROWSER` names, or the first browser on the path.
fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("TASKDYNO_BROWSER").filter(|name| !name.is_empty()) {
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let mut candidates = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.find(|path| path.is_file())
}

fn flag_with_path(flag: &str, path: &Path) -> OsString {
    let mut whole = OsString::from(flag);
    whole.push(path);
    whole
}
