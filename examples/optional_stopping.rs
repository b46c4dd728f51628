//! Counts the false alarms of simulated gates that look after every pair, and finds the correlation of successive pairs
//! at which there are more of them than stated.
//!
//! ```text
//! cargo run --release --example optional_stopping
//! ```
//!
//! The true change is exactly the threshold, where a false `regressed` is most likely. A gate of one case at an alpha of
//! 1% tests each direction at 0.5%.

use taskdyno::internal::stats::{Noise, Simulated};

const ALPHA: f64 = 0.01;
const GATES: u64 = 20_000;
const SEED: u64 = 17;

fn main() {
    println!("{GATES} gates per figure, alpha {ALPHA}, seed {SEED}");
    println!("false alarms with at most");
    println!("{:<28} 140 pairs 1000 pairs", "");
    let kinds = [
        ("normal", Noise::Normal),
        ("heavy tails", Noise::HeavyTails),
        ("two of three are ties", Noise::Ties),
        ("drift of both sides", Noise::Drift),
    ];
    let correlated = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
    let correlated = correlated.map(|rho| (format!("AR(1), {rho}"), Noise::Correlated(rho)));
    let kinds = kinds.map(|(name, noise)| (name.to_owned(), noise));
    for (name, noise) in kinds.into_iter().chain(correlated) {
        let [few, many] = [140, 1000].map(|most| 100.0 * false_alarm_ratio(noise, most));
        println!("{name:<28} {few:>8.2}% {many:>9.2}%");
    }
    for most_pairs in [140, 1000] {
        let correlation = correlation_at_alpha(most_pairs);
        println!(
            "with at most {most_pairs} pairs, false alarms pass alpha at a correlation of {correlation:.2}"
        );
    }
}

fn false_alarm_ratio(noise: Noise, most_pairs: u64) -> f64 {
    let gates = Simulated {
        noise,
        level: ALPHA / 2.0,
        most_pairs,
        gate_count: GATES,
        seed: SEED,
    };
    gates.false_alarm_count() as f64 / GATES as f64
}

/// Halves the range of correlations seven times. All steps have the same seed, so that alarms grow evenly.
fn correlation_at_alpha(most_pairs: u64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..7 {
        let middle = f64::midpoint(low, high);
        match false_alarm_ratio(Noise::Correlated(middle), most_pairs) > ALPHA {
            true => high = middle,
            false => low = middle,
        }
    }
    f64::midpoint(low, high)
}
