//! Tests the script that comments on a pull request, with a program in place of `gh`.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers what the forge would, and writes down what it is asked to post.
const GH: &str = r#"#!/bin/sh
set -e
echo "$*" >> "$PLACE/asked"
case "$*" in
  *"--method GET"*/pulls*) cat "$PLACE/pulls" ;;
  *--paginate*) cat "$PLACE/comments" ;;
  *"body=@"*) cat "${*##*body=@}" > "$PLACE/posted" ;;
  *) exit 1 ;;
esac
"#;

/// A job that comments.
struct Job(TempDir);

impl Job {
    /// The forge says that these are the numbers of the pull request, and of our earlier comments.
    fn new(pulls: &str, comments: &str) -> Self {
        let job = Self(TempDir::new().unwrap());
        job.write("pulls", pulls);
        job.write("comments", comments);
        job.write("gh", GH);
        fs::set_permissions(job.path("gh"), fs::Permissions::from_mode(0o755)).unwrap();
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    fn run(&self) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_taskdyno"));
        let folders = [self.0.path(), program.parent().unwrap()].map(Path::to_owned);
        let before = env::var_os("PATH").unwrap();
        let path = env::join_paths(folders.into_iter().chain(env::split_paths(&before))).unwrap();
        let script = super::root().join("scripts/comment-on-pull-request");
        Command::new(script)
            .arg(self.path("gate.json"))
            .env("PATH", path)
            .env("PLACE", self.0.path())
            .env("GITHUB_REPOSITORY", "owner/project")
            .env("HEAD_OWNER", "stranger")
            .env("HEAD_BRANCH", "$(touch owned)")
            .env("HEAD_COMMIT", "abc")
            .env("RUN_URL", "https://forge/run")
            .output()
            .unwrap()
    }
}

/// A comparison in which the head lacks the case of this name.
fn without(id: &str) -> Value {
    let build = json!({"name": "main", "commit": null, "sha256": null});
    json!({
        "comparison_version": 1, "source": "gate", "base": build, "head": build, "alpha": 0.01, "seed": 1,
        "host": {
            "processor": "p", "core_count": 2, "kernel": "k", "memory_bytes": 1, "governor": null,
            "load_average": 0.0, "toolchain": "t", "taskdyno": "1",
        },
        "started_at": "2026-01-01T00:00:00Z", "elapsed_ns": 0, "foreign_load_ratio": null,
        "calibration_spread_ratio": null, "cases": [], "control": null, "advisory": [],
        "missing": [{"id": id, "side": "head"}],
    })
}

#[test]
fn a_comment_is_posted_and_later_replaced() {
    for (comments, request) in [
        ("", "--method POST repos/owner/project/issues/7/comments "),
        (
            "12\n13\n",
            "--method PATCH repos/owner/project/issues/comments/12 ",
        ),
    ] {
        let job = Job::new("7\n", comments);
        job.write("gate.json", &without("gone").to_string());
        let output = job.run();
        assert!(output.status.success(), "{output:?}");
        let posted = job.read("posted").unwrap();
        let begin = "<!-- taskdyno gate -->\n### taskdyno: 1 missing\n";
        assert!(posted.starts_with(begin), "{posted}");
        assert!(posted.contains("[This job](https://forge/run)"), "{posted}");
        let asked = job.read("asked").unwrap();
        assert!(asked.contains(request), "{asked}");
        assert!(asked.contains("head=stranger:$(touch owned)"), "{asked}");
    }
}

#[test]
fn text_of_the_pull_request_has_no_effect_in_the_comment() {
    let job = Job::new("7\n", "");
    let id = "x`<img src=a>|\n\n# @owner ![](https://evil)";
    let mut comparison = without(id);
    comparison["head"]["name"] = json!("@owner <b> [x](https://evil) #1");
    job.write("gate.json", &comparison.to_string());
    assert!(job.run().status.success());
    let posted = job.read("posted").unwrap();
    // In the name, each of these is broken up or escaped; in the id of a case, it is code.
    for effect in ["@owner &lt;", "<b>", "[x](", "](https://evil)", "\n# "] {
        let (before, code) = posted.split_once("`x'").unwrap();
        let (_, after) = code.split_once('`').unwrap();
        assert!(!before.contains(effect), "{effect}: {posted}");
        assert!(!after.contains(effect), "{effect}: {posted}");
    }
}

#[test]
fn a_gate_without_a_result_says_so_and_a_strange_one_is_refused() {
    let job = Job::new("7\n", "");
    assert!(job.run().status.success());
    let posted = job.read("posted").unwrap();
    assert!(posted.contains("### taskdyno: no result"), "{posted}");

    let strange = |prepare: &dyn Fn(&Job)| {
        let job = Job::new("7\n", "");
        prepare(&job);
        assert!(!job.run().status.success());
        assert_eq!(job.read("posted"), None);
    };
    strange(&|job| job.write("gate.json", "@everybody"));
    strange(&|job| symlink("/proc/self/environ", job.path("gate.json")).unwrap());
    strange(&|job| {
        let file = fs::File::create(job.path("gate.json")).unwrap();
        file.set_len(1 << 30).unwrap();
    });
}

#[test]
fn a_pull_request_that_has_moved_on_gets_no_comment() {
    let job = Job::new("", "");
    job.write("gate.json", &without("gone").to_string());
    assert!(job.run().status.success());
    assert_eq!(job.read("posted"), None);
}
