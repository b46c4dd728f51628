//! What each pattern should be, stated naively: which place each task has, and, for any two places, whether the
//! one depends on the other.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::random;

/// Where a task stands: step and point in a grid; round, row and column in a matrix; way, level and index in a
/// tree.
pub(super) type Place = [i64; 3];

/// What a pattern should be.
pub(super) struct Statement {
    /// In the order of the ids.
    pub(super) places: Vec<Place>,
    /// Whether the first place depends on the second.
    pub(super) depends: Box<dyn Fn(Place, Place) -> bool>,
}

/// The parameters of a pattern as numbers.
pub(super) type Numbers = BTreeMap<&'static str, f64>;

/// What the pattern of this name should be.
pub(super) fn statement(pattern: &str, numbers: &Numbers) -> Statement {
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
