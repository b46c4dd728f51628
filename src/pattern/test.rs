//! Each pattern beside a naive statement of its formula: which place each task has, and, for any two places,
//! whether the one depends on the other.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::graph::TaskId;
use crate::parameter::Value;
use crate::random;

/// Where a task stands: step and point in a grid; round, row and column in a matrix; way, level and index in a
/// tree.
type Place = [i64; 3];

/// What a pattern should be.
struct Statement {
    /// In the order of the ids.
    places: Vec<Place>,
    /// Whether the first place depends on the second.
    depends: Box<dyn Fn(Place, Place) -> bool>,
}

/// The parameters of a pattern as numbers.
type Numbers = BTreeMap<&'static str, f64>;

fn statement(pattern: &str, numbers: &Numbers) -> Statement {
    let number = |name| numbers[name] as i64;
    match pattern {
        "chain" => Statement {
            places: (0..number("steps")).map(|step| [step, 0, 0]).collect(),
            depends: Box::new(|[s, _, _], [t, _, _]| s == t + 1),
        },
        "fan-out-in" => fan_out_in(number("width"), number("steps")),
        "wavefront-2d" => Statement {
            places: grid(number("steps"), |_| 0..number("width")),
            depends: Box::new(|[s, i, _], [t, j, _]| {
                (s == t && i == j + 1) || (s == t + 1 && i == j)
            }),
        },
        "butterfly" => Statement {
            places: grid(number("depth") + 1, |_| 0..1 << number("depth")),
            depends: Box::new(|[s, i, _], [t, j, _]| s == t + 1 && (i == j || i ^ j == 1 << t)),
        },
        "binary-tree" => fork_join(number("depth"), 2),
        "skynet" => fork_join(number("depth"), number("fan_out")),
        "cholesky" => Statement {
            places: tiles(number("tiles"), |[_, i, j]| j <= i),
            depends: Box::new(|[k, i, j], [l, a, b]| {
                let same_tile = (k, i, j) == (l + 1, a, b);
                let solve = k == l && j == k && i > k && (a, b) == (k, k);
                let update = k == l && j > k && b == k && (a == i || a == j);
                same_tile || solve || update
            }),
        },
        "lu" => Statement {
            places: tiles(number("tiles"), |_| true),
            depends: Box::new(|[k, i, j], [l, a, b]| {
                let same_tile = (k, i, j) == (l + 1, a, b);
                let solve = k == l && (i == k) != (j == k) && (a, b) == (k, k);
                let update = k == l && i > k && j > k && ((a, b) == (i, k) || (a, b) == (k, j));
                same_tile || solve || update
            }),
        },
        "random-dag" => random_dag(numbers),
        _ => row_by_row(pattern, numbers.clone()),
    }
}

/// The patterns of Task Bench: each point may depend on points of the step before.
fn row_by_row(pattern: &str, numbers: Numbers) -> Statement {
    let number = |name| numbers[name] as i64;
    let (width, steps) = (number("width"), number("steps"));
    let row = move |t: i64| match pattern {
        "dom" => {
            let start = 0.max(t + width - steps);
            start..start + width.min(t + 1).min(steps - t)
        }
        "tree" => 0..width.min(1 << t),
        _ => 0..width,
    };
    Statement {
        places: grid(steps, row),
        depends: in_row_before(pattern, numbers.clone()),
    }
}

fn in_row_before(pattern: &str, numbers: Numbers) -> Box<dyn Fn(Place, Place) -> bool> {
    let pattern = pattern.to_owned();
    let reads = move |t: i64, i: i64, j: i64| {
        let number = |name| numbers[name] as i64;
        let width = number("width");
        let is_nearest = || {
            let r = number("radix");
            // Halves, rounded down, without the division that the builder does.
            let distance = j - i;
            r > 0 && -2 * distance <= r && 2 * distance < r
        };
        match pattern.as_str() {
            "trivial" => false,
            "no-comm" => i == j,
            "stencil-1d" => (i - j).abs() <= 1,
            "stencil-1d-periodic" => {
                let distance = (i - j).abs();
                distance <= 1 || distance == width - 1
            }
            "dom" => j == i - 1 || j == i,
            "tree" => j == i / 2,
            "fft" => {
                let d = (width as f64).log2().ceil() as i64;
                i == j || (d > 0 && (i - j).abs() == 1 << ((t + d - 1) % d))
            }
            "all-to-all" => true,
            "nearest" => is_nearest(),
            "spread" => {
                let (r, p) = (number("radix"), number("period"));
                let shift = |k: i64| if k > 0 { t % p } else { 0 };
                (0..r).any(|k| (i + k * width / r + shift(k)) % width == j)
            }
            "random-nearest" => {
                let (r, p, seed) = (number("radix"), number("period"), number("seed"));
                let words = [seed, r, t % p, j, i].map(|word| word as u64);
                let drawn = random::ratio(random::draw(words));
                is_nearest() && (i == j || drawn < numbers["fraction"])
            }
            other => panic!("no statement of {other}: write one"),
        }
    };
    Box::new(move |[s, i, _], [t, j, _]| s == t + 1 && reads(s, i, j))
}

fn grid(steps: i64, row: impl Fn(i64) -> Range<i64>) -> Vec<Place> {
    let rows = (0..steps).flat_map(|step| row(step).map(move |point| [step, point, 0]));
    rows.collect()
}

/// Steps with even numbers are single tasks, the others fans.
fn fan_out_in(width: i64, steps: i64) -> Statement {
    Statement {
        places: grid(2 * steps + 1, |step| {
            0..if step % 2 == 0 { 1 } else { width }
        }),
        depends: Box::new(|[s, _, _], [t, _, _]| s == t + 1),
    }
}

/// Way 0 is down and way 1 is up; leaves are on the way down.
fn fork_join(depth: i64, fan_out: i64) -> Statement {
    let nodes = |way: i64, level: i64| (0..fan_out.pow(level as u32)).map(move |i| [way, level, i]);
    let down = (0..=depth).flat_map(|level| nodes(0, level));
    let up = (0..depth).rev().flat_map(|level| nodes(1, level));
    Statement {
        places: down.chain(up).collect(),
        depends: Box::new(move |[way, level, i], [from, above, j]| {
            let forks = way == 0 && from == 0 && level == above + 1 && i / fan_out == j;
            let is_child = level + 1 == above && j / fan_out == i;
            let joins = way == 1 && is_child && (from == 1 || above == depth);
            forks || joins
        }),
    }
}

/// `[round, row, column]` of the tiles that a round touches, as far as they are stored: what is factored or
/// solved comes before what is updated.
fn tiles(n: i64, is_stored: impl Fn(&Place) -> bool) -> Vec<Place> {
    let rounds = (0..n).flat_map(move |k| (k..n).flat_map(move |i| (k..n).map(move |j| [k, i, j])));
    let mut places: Vec<Place> = rounds.filter(is_stored).collect();
    places.sort_by_key(|&[k, i, j]| match i == k || j == k {
        // Of a row and a column that are solved, tiles of equal distance stand side by side.
        true => (k, false, i.max(j), i.min(j), -i),
        false => (k, true, i, j, 0),
    });
    places
}

fn random_dag(numbers: &Numbers) -> Statement {
    let number = |name| numbers[name] as u64;
    let (seed, radix, window) = (number("seed"), number("radix"), number("window"));
    let depends = move |[i, _, _]: Place, [j, _, _]: Place| {
        let i = i as u64;
        let count = random::draw([seed, i, 0]) % (radix + 1);
        let drawn = |k| i as i64 - 1 - (random::draw([seed, i, k]) % i.min(window)) as i64;
        i > 0 && (1..=count).any(|k| drawn(k) == j)
    };
    Statement {
        places: (0..number("tasks") as i64)
            .map(|task| [task, 0, 0])
            .collect(),
        depends: Box::new(depends),
    }
}

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
