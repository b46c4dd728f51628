//! The key `gate` of a file: the smallest change that a gate reports.

use toml::Spanned;
use toml::de::DeValue;

use super::parse::File;
use super::top_key::GATE;
use crate::diagnostic::{did_you_mean, nearest};
use crate::toml_file::{Mistake, describe, quoted, to_number};

/// The only key of the table.
const THRESHOLD: &str = "threshold";

/// The accepted thresholds. No machine can resolve changes below a thousandth, and a threshold above 1 would accept a
/// doubled time.
const RATIOS: std::ops::RangeInclusive<f64> = 0.001..=1.0;

impl File<'_> {
    /// The threshold: changes smaller than this fraction of the base's time are ignored.
    pub(super) fn gate_threshold(&mut self) -> Option<f64> {
        let value = self.keys.table.get(GATE.name)?;
        read(value)
            .map_err(|mistake| self.keys.mistakes.push(mistake))
            .ok()
    }
}

fn read(value: &Spanned<DeValue<'_>>) -> Result<f64, Mistake> {
    let help = format!("write it like `{}`", GATE.example);
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("`gate` cannot be {}", describe(value.get_ref()));
        return Err(Mistake::new(message, help).at(value.span(), "expected a table"));
    };
    if let Some((key, _)) = table.iter().find(|(key, _)| key.get_ref() != THRESHOLD) {
        let near = nearest(key.get_ref(), [THRESHOLD]);
        let message = format!("unknown key {}", quoted(key.get_ref()));
        let help = format!("{}{help}", did_you_mean(near));
        return Err(Mistake::new(message, help).at(key.span(), "not a key of `gate`"));
    }
    let Some(threshold) = table.get(THRESHOLD) else {
        return Err(Mistake::new("`gate` has no `threshold`", help).at(value.span(), "here"));
    };
    let ratio = to_number(threshold.get_ref());
    ratio.filter(|ratio| RATIOS.contains(ratio)).ok_or_else(|| {
        let found = describe(threshold.get_ref());
        let message = format!("`{THRESHOLD}` cannot be {found}");
        let expected = format!(
            "expected a fraction of the base's time, from {} to {}",
            RATIOS.start(),
            RATIOS.end()
        );
        Mistake::new(message, help).at(threshold.span(), expected)
    })
}
