use super::*;

/// The result of a whole program on one thread.
fn result(program: impl Recursion) -> Folded {
    let run = Run::new(&program, 1);
    walk::<Sequential, _>(run, run.root(), &mut ())
}

/// The value and the number of tasks of a whole program.
fn counts(program: impl Recursion) -> (u64, u64) {
    let Folded {
        value, task_count, ..
    } = result(program);
    (value, task_count)
}

/// Checks the result of `program` against the formulas that it knows.
fn agrees_with_what_is_known(program: impl Recursion) {
    let known = program.known();
    let (value, task_count) = counts(program);
    assert_eq!(known.value, Some(value));
    assert!(known.task_count.is_none_or(|known| known == task_count));
}

#[test]
fn fibonacci_numbers_are_those_of_their_definition_and_tasks_those_of_the_calls() {
    let mut numbers = vec![0u64, 1];
    for n in 0..20 {
        numbers.push(numbers[n] + numbers[n + 1]);
    }
    for (n, cut_off) in (0..20).flat_map(|n| (1..22).map(move |cut_off| (n, cut_off))) {
        // A call per number above the cut-off makes two more calls.
        let mut calls = vec![1u64; n + 1];
        for above in cut_off as usize + 1..=n {
            calls[above] = 1 + calls[above - 1] + calls[above - 2];
        }
        let n = n as u64;
        assert_eq!(
            counts(Fib { n, cut_off }),
            (numbers[n as usize], calls[n as usize])
        );
        agrees_with_what_is_known(Fib { n, cut_off });
    }
}

/// Places queens row by row, and compares each with all before it.
fn solutions(n: u64, placed: &mut Vec<u64>) -> u64 {
    if placed.len() as u64 == n {
        return 1;
    }
    let mut count = 0;
    for column in 0..n {
        let row = placed.len() as u64;
        let attacks = |(at, other): (usize, &u64)| {
            *other == column || other.abs_diff(column) == row - at as u64
        };
        if !placed.iter().enumerate().any(attacks) {
            placed.push(column);
            count += solutions(n, placed);
            placed.pop();
        }
    }
    count
}

#[test]
fn queens_are_counted_as_by_brute_force_and_as_published() {
    for n in 1..=7 {
        let expected = solutions(n, &mut Vec::new());
        for rows in 0..=n + 1 {
            assert_eq!(counts(NQueens { n, rows }).0, expected, "{n} queens");
            agrees_with_what_is_known(NQueens { n, rows });
        }
    }
    assert_eq!(counts(NQueens { n: 10, rows: 3 }).0, 724);
}

#[test]
fn tree_sums_and_skynets_are_those_of_the_formulas() {
    for levels in 1..12 {
        let nodes = (1 << levels) - 1;
        assert_eq!(counts(TreeSum { levels }), ((1..=nodes).sum(), nodes));
        agrees_with_what_is_known(TreeSum { levels });
    }
    assert_eq!(counts(Skynets { levels: 0 }), (0, 1));
    assert_eq!(counts(Skynets { levels: 3 }), ((0..1000).sum(), 1111));
    for levels in 0..5 {
        agrees_with_what_is_known(Skynets { levels });
    }
    let million = Skynets { levels: 6 }.known();
    assert_eq!(
        (million.value, million.task_count),
        (Some(499_999_500_000), Some(1_111_111))
    );
}

/// Counts the nodes of an unbalanced tree with a list instead of recursion.
fn node_count(tree: &Uts) -> u64 {
    let mut open = vec![tree.root(0)];
    let mut count = 0;
    while let Some(mut node) = open.pop() {
        count += 1;
        if let Splitting::Children(children) = tree.split(&mut node) {
            open.extend((0..children).map(|index| tree.child(&node, index)));
        }
    }
    count
}

#[test]
fn small_unbalanced_trees_have_as_many_nodes_as_a_walk_without_recursion_finds() {
    let geometric = |seed| Uts {
        shape: TreeShape::Geometric {
            branching: 3.0,
            depth: 5,
        },
        seed,
    };
    let binomial = |seed| Uts {
        shape: TreeShape::Binomial {
            root_branching: 50,
            branching: 4,
            ratio: 0.2,
        },
        seed,
    };
    let mut all = 0;
    for tree in (0..5).flat_map(|seed| [geometric(seed), binomial(seed)]) {
        let expected = node_count(&tree);
        assert_eq!(counts(tree), (expected, expected));
        all += expected;
    }
    assert!(all > 1000, "some of the trees are more than a root: {all}");
}

/// The sizes are those of the authors' file `sample_trees.sh`. Without optimisation this takes half a minute.
#[test]
#[cfg_attr(debug_assertions, ignore = "slow without optimisation")]
fn published_trees_have_as_many_nodes_as_published() {
    for (tree, count) in [(Uts::T1, 4_130_071), (Uts::T3, 4_112_897)] {
        assert_eq!(node_count(&tree), count);
    }
}

#[test]
fn arrays_are_sorted_and_an_array_that_is_not_is_refused() {
    for (len, cut_off) in [(1, 1), (2, 1), (10, 3), (1000, 1), (1000, 16), (1000, 5000)] {
        let mergesort = Mergesort::new(len, cut_off).unwrap();
        let quicksort = Quicksort::new(len, cut_off).unwrap();
        for seed in [1, 2] {
            let run = Run::new(&mergesort, seed);
            let merged = walk::<Sequential, _>(run, run.root(), &mut ());
            let run = Run::new(&quicksort, seed);
            let divided = walk::<Sequential, _>(run, run.root(), &mut ());
            assert_eq!(merged.value, divided.value, "the sum of the same elements");
            assert_eq!((mergesort.check(), quicksort.check()), (Ok(()), Ok(())));
        }
    }
    let unsorted = Quicksort::new(100, 10).unwrap();
    unsorted.root(1);
    let why = unsorted.check().unwrap_err();
    assert!(
        why.starts_with("the array is not the sorted input: element "),
        "{why}"
    );
}

#[test]
fn every_digest_depends_on_the_seed() {
    let program = TreeSum { levels: 3 };
    let of = |seed| {
        let run = Run::new(&program, seed);
        walk::<Sequential, _>(run, run.root(), &mut ())
    };
    assert_eq!(of(1).value, of(2).value);
    assert_ne!(of(1).digest, of(2).digest);
    assert_ne!(of(1).word(), of(2).word());
}

/// A runtime that joins wrongly: it does `WRONG` to the second of two children.
struct Broken<const WRONG: u8>;

const LOST: u8 = 0;
const JOINED_TWICE: u8 = 1;
const EXCHANGED: u8 = 2;

impl<const WRONG: u8> Join for Broken<WRONG> {
    type Scope<'s> = ();

    fn join<A, B>(scope: &mut (), a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut ()) -> Folded + Send,
        B: FnOnce(&mut ()) -> Folded + Send,
    {
        let (a, b) = (a(scope), b(scope));
        match WRONG {
            LOST => (a, Folded::default()),
            JOINED_TWICE => (a, b.plus(b)),
            _ => (a, a),
        }
    }
}

#[test]
fn a_joiner_that_loses_a_child_or_joins_it_twice_is_caught() {
    fn refusals<const WRONG: u8>() {
        let fib = RecursiveProgram::Fib(Fib { n: 10, cut_off: 2 });
        let RecursiveProgram::Fib(program) = &fib else {
            unreachable!("it was just made");
        };
        let run = Run::new(program, 7);
        let root = walk::<Broken<WRONG>, _>(run, run.root(), &mut ());
        assert_ne!(root.word(), fib.run_sequentially(7).word());
        let why = fib.check_root(root).unwrap_err();
        assert!(
            why.starts_with("the recursive program has 109 tasks, and "),
            "{why}"
        );
    }
    refusals::<LOST>();
    refusals::<JOINED_TWICE>();
    refusals::<EXCHANGED>();
}

#[test]
fn a_wrong_value_with_the_right_number_of_tasks_is_caught() {
    let program = RecursiveProgram::TreeSum(TreeSum { levels: 3 });
    let right = program.run_sequentially(1);
    assert_eq!(program.check_root(right), Ok(()));
    let wrong = Folded { value: 27, ..right };
    let why = program.check_root(wrong).unwrap_err();
    assert_eq!(
        why,
        "the recursive program yields 28, and this run yielded 27"
    );
}

#[test]
fn a_state_is_carried_whole() {
    let state = [1u64, 2, 3];
    assert_eq!(state.to_words(), [1, 2, 3, 0]);
    assert_eq!(<[u64; 3]>::from_words(state.to_words()), state);
}
