//! Tests of every kind of invalid input, and its message.

use super::*;

/// The messages about these files.
pub(super) fn refusal(files: &[(&str, &str)]) -> String {
    match read(files) {
        Ok(_) => panic!("the files are accepted"),
        Err(report) => told(&report),
    }
}

/// The messages about a file with this pattern and kernel, without the names of all kernels.
pub(super) fn refusal_of(body: &str) -> String {
    let text = format!("name = \"test\"\nwhy = \"a test\"\n{body}\n");
    let kernels = Registry::default().kernels;
    let names: Vec<_> = kernels.iter().map(|kernel| kernel.name()).collect();
    refusal(&[("test.toml", &text)]).replace(&names.join(", "), "[all kernels]")
}

/// The messages about these durations of the kernel `sleep`, one after the other.
fn refusals_of_durations(keys_and_values: &[&str]) -> String {
    let refuse = |given: &&str| {
        refusal_of(&format!(
            "pattern = {{ kind = \"trivial\", width = 8 }}\nkernel = {{ kind = \"sleep\", {given} }}"
        ))
    };
    let refusals: Vec<_> = keys_and_values.iter().map(refuse).collect();
    refusals.join("\n")
}

/// The messages about these values of `width`, one after the other.
fn refusals_of_widths(values: &[&str]) -> String {
    let refuse = |value: &&str| {
        refusal_of(&format!(
            "pattern = {{ kind = \"stencil-1d\", width = {value}, steps = 10 }}\nkernel = {{ kind = \"empty\" }}"
        ))
    };
    let refusals: Vec<_> = values.iter().map(refuse).collect();
    refusals.join("\n")
}

#[test]
fn toml_that_is_none() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"chain\", steps = 5\nkernel = { kind = \"empty\" }"
    ));
    insta::assert_snapshot!(refusal_of("pattern = { kind = chain, steps = 5 }"));
    insta::assert_snapshot!(refusal_of("name = \"again\""));
}

#[test]
fn a_file_with_nothing_in_it() {
    insta::assert_snapshot!(refusal(&[("empty.toml", "")]));
}

#[test]
fn keys_at_the_top_that_are_unknown() {
    insta::assert_snapshot!(refusal_of(
        "patern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }\nsteps = 5\ncolour = 1"
    ));
}

#[test]
fn keys_at_the_top_below_a_header() {
    insta::assert_snapshot!(refusal_of(
        "kernel = { kind = \"empty\" }\n[pattern]\nkind = \"chain\"\nsteps = 5\ntimeout = 3"
    ));
}

#[test]
fn names_and_whys() {
    insta::assert_snapshot!(refusal(&[(
        "test.toml",
        "name = \"My Workload_2\"\nwhy = \"  \"\npattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }"
    )]));
    insta::assert_snapshot!(refusal(&[(
        "test.toml",
        "name = 7\nwhy = \"\\u001b[31m\"\npattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }"
    )]));
}

#[test]
fn a_missing_why() {
    insta::assert_snapshot!(refusal(&[(
        "test.toml",
        "name = \"test\"\npattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }"
    )]));
}

#[test]
fn unknown_kinds() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"stencil\", width = 8, steps = 5 }\nkernel = { kind = \"emtpy\" }"
    ));
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"buttercup\" }\nkernel = { kind = 3 }"
    ));
}

#[test]
fn sides_that_are_no_tables() {
    insta::assert_snapshot!(refusal_of("pattern = 1979-05-27\nkernel = \"empty\""));
    insta::assert_snapshot!(refusal_of(
        "pattern = [\"chain\", { steps = 3 }]\nkernel = {}"
    ));
}

#[test]
fn several_graphs() {
    let refuse = |graphs: &&str| refusal_of(&format!("{graphs}\nkernel = {{ kind = \"empty\" }}"));
    let refusals = [
        "graphs = []",
        "graphs = { kind = \"chain\", steps = 5 }",
        "graphs = [\"chain\", [{ kind = \"chain\", steps = 5 }], { kind = \"chian\", steps = 0 }]",
        "graphs = [{ kind = \"chain\", steps = 0 }, { kind = \"trivial\", wide = 5 }]",
        "graphs = [{ kind = \"chain\", steps = [5] }]",
        "graphs = [{ kind = \"chain\", steps = 5 }]\npattern = { kind = \"chain\", steps = 5 }",
        "graphs = [{ kind = \"chain\", steps = 4_000_000_000 }, { kind = \"trivial\", width = 4_000_000_000 }]",
        "grahps = [{ kind = \"chain\", steps = 5 }]",
    ];
    insta::assert_snapshot!(refusals.iter().map(refuse).collect::<Vec<_>>().join("\n"));
}

#[test]
fn graph_files() {
    let refuse = |graph: &&str| refusal_of(&format!("{graph}\nkernel = {{ kind = \"empty\" }}"));
    let refusals = [
        "graph = \"graphs/compile.stg\"",
        "graph = { scale = 0.001 }",
        "graph = { flie = \"graphs/compile.stg\" }",
        "graph = { file = [] }",
        "graph = { file = [\"graphs/compile.stg\", 3, \"graphs/compile.stg\"] }",
        "graph = { file = \"graphs/compile.stg\", scale = -1, speed = 2 }",
        "graph = { file = \"graphs/compile.stg\", reverse = \"yes\" }",
        "graph = { file = \"graphs/nothing.stg\" }",
        "graph = { file = \"kernel-replay.toml\" }",
        "graph = { file = \"graphs/compile.stg\" }\npattern = { kind = \"chain\", steps = 5 }",
    ];
    insta::assert_snapshot!(refusals.iter().map(refuse).collect::<Vec<_>>().join("\n"));
}

#[test]
fn graphs_without_durations_for_kernels_that_need_them() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = [\"empty\", \"replay\"] }"
    ));
}

#[test]
fn outputs() {
    let refuse = |output: &&str| {
        refusal_of(&format!(
            "pattern = {{ kind = \"chain\", steps = 1_000_000 }}\nkernel = {{ kind = \"empty\" }}\n{output}"
        ))
    };
    let refusals = [
        "output_bytes = -1",
        "output_bytes = \"64\"",
        "output_bytes = [64, 64]",
        "output_bytes = []",
        "output_bytes = [64, 100_000]",
    ];
    insta::assert_snapshot!(refusals.iter().map(refuse).collect::<Vec<_>>().join("\n"));
}

#[test]
fn optima() {
    let refuse = |body: &&str| refusal_of(body);
    let one =
        "pattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"sleep\", duration_ms = 1 }";
    let refusals = [
        format!("{one}\ncertified_optimum_ms = 0"),
        format!("{one}\ncertified_optimum_ms = {{ 2 = \"5 ms\" }}"),
        format!("{one}\ncertified_optimum_ms = {{ two = 5 }}"),
        one.replace("5", "[5, 6]") + "\ncertified_optimum_ms = 5",
        one.replace("1", "[1, 2]") + "\ncertified_optimum_ms = 5",
    ];
    let refusals = refusals.each_ref().map(String::as_str);
    insta::assert_snapshot!(refusals.iter().map(refuse).collect::<Vec<_>>().join("\n"));
}

#[test]
fn units() {
    insta::assert_snapshot!(refusals_of_durations(&[
        "duration_s = 3",
        "duration_sec = 3",
        "duration_ms = \"10ms\"",
        "duration_ms = \"1.5 s\"",
        "duration_ms = \"long\"",
        "duration_ms = -1",
        "duration_ms = nan",
        "duration_ms = 1e400",
        "duration = 3",
        "time = 3",
    ]));
}

#[test]
fn counts() {
    insta::assert_snapshot!(refusals_of_widths(&[
        "0",
        "-3",
        "64.0",
        "2.5",
        "\"64\"",
        "true",
        "4294967296",
        "99999999999999999999999999",
        "07:32:00",
        "{ from = 1, to = 3 }",
        "[1, [2]]",
        "[]",
        "[2, 4, 2]",
    ]));
}

#[test]
fn ratios() {
    let refuse = |value: &str| {
        let rest = "width = 8, steps = 5, radix = 3, period = 2";
        refusal_of(&format!(
            "pattern = {{ kind = \"random-nearest\", {rest}, fraction = {value} }}\nkernel = {{ kind = \"empty\" }}"
        ))
    };
    let values = ["1.5", "-0.1", "\"25%\"", "\"0.5\"", "\"200%\""];
    insta::assert_snapshot!(values.map(refuse).join("\n"));
}

#[test]
fn words() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"counter\", variant = [\"atmoic\", \"lock\"] }"
    ));
}

#[test]
fn missing_parameters() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"stencil-1d\" }\nkernel = { kind = \"sleep\" }"
    ));
}

#[test]
fn parameters_that_only_some_kinds_take() {
    insta::assert_snapshot!(refusal_of(
        "pattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = [\"hash\", \"empty\"], times = 3 }"
    ));
}

#[test]
fn empty_lists() {
    insta::assert_snapshot!(refusal_of("pattern = []\nkernel = { kind = [] }"));
}

#[test]
fn entries_that_are_the_same() {
    insta::assert_snapshot!(refusal_of(
        "pattern = [\n  { kind = \"trivial\", width = 5 },\n  { kind = \"trivial\", width = 5, steps = 1 },\n]\nkernel = { kind = [\"empty\", \"empty\"] }"
    ));
}

#[test]
fn time_outs() {
    let refuse = |value: &str| {
        refusal_of(&format!(
            "timeout = {value}\npattern = {{ kind = \"chain\", steps = 5 }}\nkernel = {{ kind = \"empty\" }}"
        ))
    };
    insta::assert_snapshot!(["0", "-1", "\"10s\"", "inf"].map(refuse).join("\n"));
}

#[test]
fn graphs_beyond_memory_or_ids() {
    let refuse = |pattern: &str| {
        refusal_of(&format!(
            "pattern = {pattern}\nkernel = {{ kind = \"empty\" }}"
        ))
    };
    insta::assert_snapshot!(refuse(
        "{ kind = \"stencil-1d\", width = [64, 1_000_000], steps = 1000 }"
    ));
    insta::assert_snapshot!(refuse(
        "{ kind = \"trivial\", width = 4294967295, steps = 4294967295 }"
    ));
}

#[test]
fn sweeps_without_end() {
    let list = (1..=40)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    insta::assert_snapshot!(refusal_of(&format!(
        "pattern = {{ kind = \"stencil-1d\", width = [{list}], steps = [{list}] }}\nkernel = {{ kind = \"empty\" }}"
    )));
    insta::assert_snapshot!(refusal_of(&format!(
        "pattern = {{ kind = \"chain\", steps = [{list}] }}\nkernel = {{ kind = \"hash\", times = [{list}] }}"
    )));
}

#[test]
fn a_list_without_end() {
    let list = (1..=100_000).map(|n| n.to_string()).collect::<Vec<_>>();
    let refusal = refusal_of(&format!(
        "pattern = {{ kind = \"chain\", steps = [{}] }}\nkernel = {{ kind = \"empty\" }}",
        list.join(",")
    ));
    assert!(refusal.contains("the lists multiply to more than 1000 cases"));
    assert!(refusal.contains("100000 entries"));
}

#[test]
fn mistakes_beyond_count() {
    // Four keys are missing besides.
    let refusal_of_keys = |count: usize| {
        let keys: String = (0..count).map(|n| format!("wrong_{n} = 1\n")).collect();
        refusal(&[("test.toml", &keys)])
    };
    let cut = refusal_of_keys(50);
    assert!(cut.starts_with("54 mistakes in workload files; the first 20 are\n"));
    assert_eq!(cut.matches("  help: ").count(), 20);
    let whole = refusal_of_keys(16);
    assert!(whole.starts_with("20 mistakes in workload files\n"));
    assert_eq!(whole.matches("  help: ").count(), 20);
}

#[test]
fn a_name_used_twice() {
    let text = "name = \"same\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }";
    insta::assert_snapshot!(refusal(&[("a.toml", text), ("b.toml", text)]));
}

#[test]
fn a_name_that_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = "name = \"empty\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 5 }\nkernel = { kind = \"empty\" }";
    std::fs::write(&path, text).unwrap();
    let registry = Registry::default();
    assert!(load(std::slice::from_ref(&path), &registry).is_ok());
    let report = builtin_and(&[path], &registry).err().unwrap();
    assert!(
        told(&report).contains("two workloads are named \"empty\": one in `workloads/empty.toml`")
    );
}

/// The messages about a path in a folder that `fill` has filled.
fn refusal_of_path(path: &str, fill: impl FnOnce(&std::path::Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let report = load(&[folder.path().join(path)], &Registry::default()).err();
    let report = report.expect("the path is refused");
    told(&report).replace(&folder.path().display().to_string(), "[folder]")
}

#[test]
fn paths_that_hold_no_workload() {
    insta::assert_snapshot!(refusal_of_path("workloads", |folder| {
        std::fs::create_dir(folder.join("workloads")).unwrap();
    }));
    insta::assert_snapshot!(refusal_of_path("emtpy.toml", |folder| {
        std::fs::write(folder.join("empty.toml"), "").unwrap();
    }));
    insta::assert_snapshot!(refusal_of_path("none.toml", |_| {}));
    insta::assert_snapshot!(refusal_of_path(".", |folder| {
        std::fs::create_dir(folder.join("x.toml")).unwrap();
    }));
    insta::assert_snapshot!(refusal_of_path("x.toml", |folder| {
        std::fs::write(folder.join("x.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    }));
}

#[test]
fn text_that_is_not_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    std::fs::write(&path, b"name = \"test\"\nwhy = \"caf\xe9\"\n").unwrap();
    let report = load(&[path], &Registry::default()).err().unwrap();
    let name = folder.path().display().to_string();
    insta::assert_snapshot!(told(&report).replace(&name, "[folder]"));
}
