//! Tests the workflows, the action and their documentation: the YAML is valid, and the program accepts every command
//! line in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_yaml_ng::Value;

#[path = "workflows/comment.rs"]
mod comment;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(name: &str, text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of `.github/workflows`, by name.
fn workflows() -> Vec<(String, Value)> {
    let folder = root().join(".github/workflows");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut workflows: Vec<(String, Value)> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let value = yaml(&name, &fs::read_to_string(&path).unwrap());
            (name, value)
        })
        .collect();
    workflows.sort_by(|a, b| a.0.cmp(&b.0));
    workflows
}

fn steps(value: &Value) -> &Vec<Value> {
    value["steps"].as_sequence().expect("steps is a list")
}

/// The keys that a step may have, by GitHub's workflow syntax.
const STEP_KEYS: [&str; 10] = [
    "continue-on-error",
    "name",
    "id",
    "if",
    "uses",
    "with",
    "run",
    "shell",
    "env",
    "timeout-minutes",
];

fn assert_step(name: &str, step: &Value) {
    let keys = step.as_mapping().expect("a step is a table").keys();
    for key in keys {
        let key = key.as_str().unwrap();
        assert!(STEP_KEYS.contains(&key), "{name}: a step has no `{key}`");
    }
    let (uses, run) = (step.get("uses").is_some(), step.get("run").is_some());
    assert!(uses != run, "{name}: a step either uses or runs: {step:?}");
    assert!(uses || step.get("with").is_none(), "{name}: {step:?}");
}

#[test]
fn workflows_are_well_formed() {
    let names: Vec<String> = workflows().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["ci.yml", "gate-comment.yml", "gate.yml", "history.yml"]
    );
    for (name, workflow) in workflows() {
        assert!(workflow["on"].is_mapping(), "{name}");
        let jobs = workflow["jobs"].as_mapping().unwrap();
        assert!(!jobs.is_empty(), "{name}");
        for (_, job) in jobs {
            assert!(job["runs-on"].is_string(), "{name}");
            assert!(job["timeout-minutes"].is_number(), "{name}");
            steps(job).iter().for_each(|step| assert_step(&name, step));
            for needed in job["needs"].as_sequence().into_iter().flatten() {
                assert!(jobs.contains_key(needed), "{name}: no job {needed:?}");
            }
        }
    }
}

#[test]
fn the_green_job_needs_all_others() {
    let (_, ci) = workflows().remove(0);
    let jobs = ci["jobs"].as_mapping().unwrap();
    let needs = ci["jobs"]["green"]["needs"].as_sequence().unwrap().len();
    assert_eq!(needs, jobs.len() - 1);
    assert_eq!(ci["jobs"]["green"]["if"], "always()");
}

#[test]
fn the_action_is_composite_and_uses_only_declared_inputs() {
    let text = read("action.yml");
    let action = yaml("action.yml", &text);
    assert_eq!(action["runs"]["using"], "composite");
    for step in steps(&action["runs"]) {
        assert_step("action.yml", step);
        assert!(
            step.get("run").is_none() || step.get("shell").is_some(),
            "{step:?}"
        );
    }
    let inputs = action["inputs"].as_mapping().unwrap();
    for used in text.split("inputs.").skip(1) {
        let end = used.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let input = &used[..end.unwrap()];
        assert!(inputs.contains_key(input), "there is no input `{input}`");
    }
    // The inputs that our own workflows pass.
    for (name, workflow) in workflows() {
        for (_, job) in workflow["jobs"].as_mapping().unwrap() {
            let ours = steps(job).iter().filter(|step| step["uses"] == "./");
            for (key, _) in ours.flat_map(|step| step["with"].as_mapping().unwrap()) {
                assert!(
                    inputs.contains_key(key),
                    "{name}: there is no input {key:?}"
                );
            }
        }
    }
}

#[test]
fn the_action_keeps_the_records_even_if_a_case_failed() {
    let action = yaml("action.yml", &read("action.yml"));
    let steps = steps(&action["runs"]);
    let of_history = |action: &str| {
        let uses = |step: &&Value| {
            let uses = step["uses"].as_str().unwrap_or_default();
            uses.starts_with(action) && step["with"]["path"] == "${{ inputs.history-folder }}"
        };
        steps.iter().find(uses).expect(action)
    };
    let (restore, save) = (
        of_history("actions/cache/restore@"),
        of_history("actions/cache/save@"),
    );
    assert!(save["if"].as_str().unwrap().starts_with("always() && "));
    assert_eq!(restore["with"]["key"], save["with"]["key"]);
}

/// What a text uses of others: every `uses:` with its version.
fn used(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.split_once("uses: "));
    lines.map(|(_, used)| used).collect()
}

#[test]
fn everything_is_pinned_and_the_documentation_pins_what_the_workflows_pin() {
    let workflows = workflows().into_iter();
    let workflows = workflows.map(|(name, _)| read(&format!(".github/workflows/{name}")));
    let ours = workflows.collect::<String>() + &read("action.yml");
    for used in used(&ours).into_iter().filter(|used| *used != "./") {
        let (commit, version) = used.split_once('@').unwrap().1.split_once(" # v").unwrap();
        assert!(commit.len() == 40 && version.contains('.'), "{used}");
    }
    let documentation = read("docs/ci.md");
    let shown = used(&documentation);
    assert!(shown.len() > 4, "{shown:?}");
    for used in shown {
        assert!(
            used == "OWNER/taskdyno@COMMIT" || ours.contains(used),
            "{used}"
        );
    }
}

#[test]
fn workflows_install_the_oldest_rust_that_builds_this() {
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    let documentation = read("docs/ci.md");
    assert!(documentation.contains(&format!("taskdyno needs Rust {oldest} or newer")));
    assert!(documentation.contains(&format!("image: rust:{oldest}-")));
    let workflows = workflows().into_iter();
    let workflows = workflows.map(|(name, _)| read(&format!(".github/workflows/{name}")));
    let all = workflows.collect::<String>() + &documentation;
    let installed: Vec<_> = all.split("rustup toolchain install ").skip(1).collect();
    assert_eq!(installed.len(), 6);
    let is_oldest = |line: &&str| line.starts_with(&format!("{oldest} "));
    assert!(installed.iter().all(is_oldest), "{installed:?}");
}

/// Returns the subcommands and flags of every line that runs taskdyno.
fn command_lines(text: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- "));
    let ours = lines.filter_map(|line| line.trim_start_matches("run: ").strip_prefix("taskdyno "));
    ours.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_word = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
        let depth = if words[0] == "baseline" { 2 } else { 1 };
        let commands = words.iter().take(depth).take_while(is_word);
        let flags = words.iter().filter_map(|word| {
            let flag = word.split_once(":+").map_or(*word, |(_, flag)| flag);
            flag.starts_with("--").then(|| flag.to_owned())
        });
        (
            commands.map(|word| (*word).to_owned()).collect(),
            flags.collect(),
        )
    })
    .collect()
}

#[test]
fn the_program_accepts_every_command_line() {
    let mut texts = vec![read("action.yml"), read("docs/ci.md")];
    for (name, _) in workflows() {
        texts.push(read(&format!(".github/workflows/{name}")));
    }
    let lines: Vec<_> = texts.iter().flat_map(|text| command_lines(text)).collect();
    assert!(lines.len() > 10, "{lines:?}");
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (commands, flags) in lines {
        let help = helps.entry(commands.clone()).or_insert_with(|| {
            let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
                .arg("help")
                .args(&commands)
                .output()
                .unwrap();
            assert!(output.status.success(), "no command {commands:?}");
            String::from_utf8(output.stdout).unwrap()
        });
        for flag in flags {
            let is_known = help
                .split(|c: char| c.is_whitespace() || c == ',')
                .any(|word| word == flag);
            assert!(is_known, "{commands:?} has no {flag}");
        }
    }
}

#[test]
fn the_examples_in_the_documentation_are_yaml() {
    let text = read("docs/ci.md");
    let blocks = text.split("```yaml\n").skip(1);
    let blocks: Vec<Value> = blocks
        .map(|block| yaml("docs/ci.md", block.split("```").next().unwrap()))
        .collect();
    assert_eq!(blocks.len(), 4);
    for workflow in &blocks[..3] {
        assert!(workflow["jobs"].is_mapping() && workflow["permissions"].is_mapping());
    }
    assert!(blocks[3]["gate"]["script"].is_sequence());
}
