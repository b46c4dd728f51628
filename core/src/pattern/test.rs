//! Each pattern beside a naive statement of it, over all pairs of tasks; and counts and spans beside closed
//! formulas.

use proptest::prelude::*;

use super::*;
use crate::graph::TaskId;
use crate::parameter::Value;

mod statement;

use statement::{Numbers, Statement, statement};

fn value(number: f64) -> Value {
    match number.fract() == 0.0 {
        true => Value::Count(number as u64),
        false => Value::Number(number),
    }
}

fn parameters(pattern: &dyn Pattern, numbers: &Numbers) -> Parameters {
    let given = numbers
        .iter()
        .map(|(name, number)| ((*name).to_owned(), value(*number)));
    Parameters::check(pattern.parameters(), &given.collect()).unwrap()
}

fn build<const N: usize>(pattern: &dyn Pattern, numbers: [(&'static str, u64); N]) -> TaskGraph {
    let numbers = numbers.map(|(name, number)| (name, number as f64));
    pattern
        .build(&parameters(pattern, &Numbers::from(numbers)))
        .unwrap()
}

/// Checks what is built against the statement, over all pairs of tasks, and its size against the formula.
fn assert_as_stated(pattern: &dyn Pattern, numbers: &Numbers) {
    let parameters = parameters(pattern, numbers);
    let graph = pattern.build(&parameters).unwrap();
    let what = format!("{} {numbers:?}", pattern.name());

    let Statement { places, depends } = statement(pattern.name(), numbers);
    assert_eq!(graph.task_count(), places.len(), "tasks of {what}");
    for task in graph.tasks() {
        let place = places[task.index()];
        let stated = graph
            .tasks()
            .filter(|other| depends(place, places[other.index()]));
        let mut built = graph.predecessors(task).to_vec();
        built.sort_unstable();
        assert_eq!(built, stated.collect::<Vec<_>>(), "{place:?} of {what}");
    }

    let size = pattern.size(&parameters);
    assert_eq!(
        size.task_count,
        graph.task_count() as u128,
        "tasks of {what}"
    );
    let edge_count = graph.edge_count() as u128;
    if numbers.contains_key("seed") {
        assert!(edge_count <= size.edge_count, "edges of {what}");
    } else {
        assert_eq!(size.edge_count, edge_count, "edges of {what}");
    }
}

/// Small values of the parameter of this name, those where formulas turn among them.
fn small_values(name: &str) -> &'static [f64] {
    match name {
        "width" => &[1.0, 2.0, 3.0, 4.0, 5.0, 8.0],
        "steps" => &[1.0, 2.0, 3.0, 5.0, 9.0],
        "radix" => &[0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 11.0],
        "period" => &[1.0, 2.0, 7.0],
        "fraction" => &[0.0, 0.4, 1.0],
        "seed" => &[7.0],
        "depth" => &[0.0, 1.0, 2.0, 3.0, 4.0],
        "fan_out" => &[1.0, 2.0, 3.0],
        "tiles" => &[1.0, 2.0, 3.0, 4.0, 6.0],
        "tasks" => &[1.0, 2.0, 40.0],
        "window" => &[1.0, 3.0, 100.0],
        other => panic!("no values for {other}: choose some"),
    }
}

#[test]
fn small_graphs_are_as_stated() {
    for pattern in PATTERNS {
        let mut all = vec![Numbers::new()];
        for parameter in pattern.parameters() {
            let longer = all.iter().flat_map(|numbers| {
                small_values(parameter.name).iter().map(|number| {
                    let mut numbers = numbers.clone();
                    numbers.insert(parameter.name, *number);
                    numbers
                })
            });
            all = longer.collect();
        }
        for numbers in &all {
            assert_as_stated(*pattern, numbers);
        }
    }
}

proptest! {
    #[test]
    fn any_graphs_are_as_stated(
        index in 0..PATTERNS.len(),
        (width, steps) in (1..=24u32, 1..=24u32),
        (radix, period) in (0..=30u32, 1..=30u32),
        fraction in 0.0..=1.0f64,
        seed in any::<u32>(),
        (depth, fan_out, tiles) in (0..=4u32, 1..=4u32, 1..=9u32),
        (tasks, window) in (1..=300u32, 1..=300u32),
    ) {
        let pattern = PATTERNS[index];
        let counts = [
            ("width", width), ("steps", steps), ("radix", radix), ("period", period), ("seed", seed),
            ("depth", depth), ("fan_out", fan_out), ("tiles", tiles), ("tasks", tasks), ("window", window),
        ];
        let mut numbers = Numbers::from(counts.map(|(name, count)| (name, f64::from(count))));
        numbers.insert("fraction", fraction);
        numbers.retain(|name, _| pattern.parameters().iter().any(|one| one.name == *name));
        assert_as_stated(pattern, &numbers);
    }
}

/// Tasks on the longest path.
fn span(graph: &TaskGraph) -> u64 {
    graph
        .levels()
        .into_iter()
        .max()
        .map_or(0, |level| u64::from(level) + 1)
}

fn counts(graph: &TaskGraph) -> (u64, u64) {
    (graph.task_count() as u64, graph.edge_count() as u64)
}

#[test]
fn factorisations_have_the_published_counts_and_spans() {
    for n in 1..=12 {
        let cholesky = build(&CHOLESKY, [("tiles", n)]);
        let edges = (n * n * n - n) / 2;
        assert_eq!(counts(&cholesky), (n * (n + 1) * (n + 2) / 6, edges), "{n}");
        assert_eq!(span(&cholesky), 3 * n - 2, "{n}");

        let lu = build(&LU, [("tiles", n)]);
        let edges = n * (n - 1) * (2 * n + 1) / 2;
        assert_eq!(counts(&lu), (n * (n + 1) * (2 * n + 1) / 6, edges), "{n}");
        assert_eq!(span(&lu), 3 * n - 2, "{n}");
    }
}

#[test]
fn exchanges_and_trees_have_their_counts_and_spans() {
    for k in 0..=8 {
        let points = 1 << k;
        let butterfly = build(&BUTTERFLY, [("depth", k)]);
        assert_eq!(
            counts(&butterfly),
            ((k + 1) * points, 2 * k * points),
            "{k}"
        );
        assert_eq!(span(&butterfly), k + 1, "{k}");

        let tree = build(&BINARY_TREE, [("depth", k)]);
        assert_eq!(counts(&tree), (3 * points - 2, 4 * points - 4), "{k}");
        assert_eq!(span(&tree), 2 * k + 1, "{k}");

        let half = build(&TREE, [("width", points), ("steps", k + 1)]);
        assert_eq!(counts(&half), (2 * points - 1, 2 * points - 2), "{k}");
        assert_eq!(span(&half), k + 1, "{k}");
    }
}

#[test]
fn grids_have_their_counts_and_spans() {
    for width in 1..=9 {
        for steps in 1..=9 {
            let extent = [("width", width), ("steps", steps)];
            let wavefront = build(&WAVEFRONT_2D, extent);
            let edges = 2 * width * steps - width - steps;
            assert_eq!(counts(&wavefront), (width * steps, edges));
            assert_eq!(span(&wavefront), width + steps - 1);

            let all = build(&ALL_TO_ALL, extent);
            assert_eq!(counts(&all), (width * steps, width * width * (steps - 1)));
            // A wide stencil is a barrier too, and a point with nothing beside it a chain.
            for pattern in [
                &ALL_TO_ALL as &dyn Pattern,
                &STENCIL_1D,
                &FFT,
                &TREE,
                &DOM,
                &NO_COMM,
            ] {
                let graph = build(pattern, extent);
                assert_eq!(span(&graph), steps, "{} {extent:?}", pattern.name());
            }
        }
    }
    // A square of 5, swept along its diagonals: 5 x 5 points, and two edges for each but at the border.
    let dom = build(&DOM, [("width", 5), ("steps", 9)]);
    assert_eq!(counts(&dom), (25, 40));
}

#[test]
fn patterns_that_are_others_in_disguise_are_equal() {
    for width in 1..=9 {
        let extent = [("width", width), ("steps", 4)];
        let near = |radix| build(&NEAREST, [extent[0], extent[1], ("radix", radix)]);
        assert_eq!(near(0), build(&TRIVIAL, extent));
        assert_eq!(near(1), build(&NO_COMM, extent));
        assert_eq!(near(3), build(&STENCIL_1D, extent));
        assert_eq!(near(2 * width), build(&ALL_TO_ALL, extent));
        let kept = |fraction| {
            let numbers = [
                extent[0],
                extent[1],
                ("radix", 5),
                ("period", 3),
                ("fraction", fraction),
            ];
            build(&RANDOM_NEAREST, numbers)
        };
        assert_eq!(kept(0), build(&NO_COMM, extent));
        assert_eq!(kept(1), near(5));
    }
    let tree = build(&BINARY_TREE, [("depth", 5)]);
    assert_eq!(build(&SKYNET, [("depth", 5), ("fan_out", 2)]), tree);
}

#[test]
fn a_seed_draws_as_many_as_it_should_and_another_draws_others() {
    let drawn = |seed| {
        let numbers = [
            ("width", 100.0),
            ("steps", 101.0),
            ("radix", 5.0),
            ("period", 1000.0),
            ("fraction", 0.25),
            ("seed", seed),
        ];
        let parameters = parameters(&RANDOM_NEAREST, &Numbers::from(numbers));
        RANDOM_NEAREST.build(&parameters).unwrap()
    };
    assert_eq!(drawn(1.0), drawn(1.0));
    assert_ne!(drawn(1.0), drawn(2.0));
    // Of 494 pairs a step, 100 are of a point with itself; of the others a quarter, within five deviations.
    let others = drawn(1.0).edge_count() as f64 - 100.0 * 100.0;
    let (expected, deviation) = (39_400.0 * 0.25, (39_400.0f64 * 0.25 * 0.75).sqrt());
    assert!((others - expected).abs() < 5.0 * deviation, "{others}");

    let dag = |seed| {
        let numbers = [
            ("tasks", 5000),
            ("radix", 4),
            ("window", 1000),
            ("seed", seed),
        ];
        build(&RANDOM_DAG, numbers)
    };
    assert_eq!(dag(1), dag(1));
    assert_ne!(dag(1), dag(2));
    // Two inputs a task on average, less the few that are drawn twice.
    let mean = dag(1).edge_count() as f64 / 5000.0;
    assert!((1.9..=2.1).contains(&mean), "{mean}");
}

#[test]
fn skynet_sums_a_million_numbers() {
    let graph = build(&SKYNET, []);
    assert_eq!(graph.task_count(), 1_111_111 + 111_111);
    assert_eq!(span(&graph), 13);
    let leaves = 111_111..1_111_111;
    let mut sums: Vec<u64> = Vec::with_capacity(graph.task_count());
    for task in graph.tasks() {
        let inputs = graph.predecessors(task).iter();
        sums.push(match task.index() {
            index if leaves.contains(&index) => (index - leaves.start) as u64,
            _ => inputs.map(|input| sums[input.index()]).sum(),
        });
    }
    assert_eq!(sums.last(), Some(&499_999_500_000));
    // Each leaf is spawned by one task and summed up by one.
    assert!(
        leaves
            .clone()
            .all(|leaf| graph.successors(TaskId(leaf as u32)).len() == 1)
    );
}

#[test]
fn the_largest_parameters_have_a_size() {
    for pattern in PATTERNS {
        let most = pattern.parameters().iter().map(|parameter| {
            let most = match parameter.kind {
                ParameterKind::Count { max, .. } => Value::Count(max),
                _ => Value::Count(1),
            };
            (parameter.name.to_owned(), most)
        });
        let parameters = Parameters::check(pattern.parameters(), &most.collect()).unwrap();
        let size = pattern.size(&parameters);
        assert!(
            size.task_count >= u128::from(u32::MAX),
            "{} {size:?}",
            pattern.name()
        );
    }
}
