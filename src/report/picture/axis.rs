//! Maps values to positions in a picture, and chooses the marks of an axis.

/// An axis: maps values to positions in pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    scale: Scale,
    /// The values at the two ends.
    range: (f64, f64),
    /// The positions of the two ends.
    places: (f64, f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

/// If the largest value is more than this many times the smallest, small values cannot be read on a linear axis.
const LOG_SPREAD: f64 = 20.0;

impl Axis {
    /// An axis for values from `low` to `high`: linear from 0, or logarithmic from slightly below `low` if the values
    /// are more than [`LOG_SPREAD`] times apart.
    pub(super) fn new(low: f64, high: f64, places: (f64, f64)) -> Self {
        if low > 0.0 && high / low > LOG_SPREAD {
            // Leave room for the marks at the ends.
            return Self::log(low / 1.3, high * 1.3, places);
        }
        Self::linear(high * 1.04, places)
    }

    /// A logarithmic axis from `low`, which is above 0, to `high`.
    pub(super) fn log(low: f64, high: f64, places: (f64, f64)) -> Self {
        Self {
            scale: Scale::Log,
            // As for a linear axis.
            range: (low, if high > low { high } else { low * 2.0 }),
            places,
        }
    }

    /// A linear axis from 0 to `high`.
    pub(super) fn linear(high: f64, places: (f64, f64)) -> Self {
        Self::between(0.0, high, places)
    }

    /// A linear axis from `low` to `high`.
    pub(super) fn between(low: f64, high: f64, places: (f64, f64)) -> Self {
        Self {
            scale: Scale::Linear,
            // An axis of length zero would have no positions.
            range: (low, if high > low { high } else { low + 1.0 }),
            places,
        }
    }

    pub(super) fn is_log(&self) -> bool {
        self.scale == Scale::Log
    }

    /// The value at the upper end.
    pub(super) fn end(&self) -> f64 {
        self.range.1
    }

    /// The position of a value, limited to the ends of the axis.
    pub(super) fn place(&self, figure: f64) -> f64 {
        let (low, high) = self.range;
        let share = match self.scale {
            Scale::Linear => (figure - low) / (high - low),
            Scale::Log => (figure.max(low) / low).ln() / (high / low).ln(),
        };
        self.places.0 + (self.places.1 - self.places.0) * share.clamp(0.0, 1.0)
    }

    /// Round values for marks: about `count` of them on a linear axis, powers of ten on a logarithmic axis.
    pub(super) fn marks(&self, count: usize) -> Vec<f64> {
        match self.scale {
            Scale::Linear => self.steps(count),
            Scale::Log => self.decades(count),
        }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn steps(&self, count: usize) -> Vec<f64> {
        let rough = self.range.1 / count as f64;
        let power = 10f64.powf(rough.log10().floor());
        let factors = [1.0, 2.0, 5.0, 10.0];
        let factor = factors
            .into_iter()
            .find(|factor| factor * power >= rough * 0.999);
        let step = factor.unwrap_or(10.0) * power;
        let marks = (0..).map(|index| f64::from(index) * step);
        marks.take_while(|mark| *mark <= self.range.1).collect()
    }

    /// Powers of ten. If there are few, also 2 and 5 times each; if there are many, only some of them.
    fn decades(&self, count: usize) -> Vec<f64> {
        let (low, high) = self.range;
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let decades = (high / low).log10();
        let factors: &[f64] = match decades {
            _ if decades < 1.6 => &[1.0, 2.0, 5.0],
            _ if decades < 2.6 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let stride = (decades / count as f64).ceil().max(1.0) as usize;
        (first..=last)
            .step_by(stride)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
            .filter(|mark| (low..=high).contains(mark))
            .collect()
    }
}

/// A value without trailing decimals.
pub(super) fn plain(figure: f64) -> String {
    // Six decimals remove errors such as in 0.30000000000000004.
    let rounded = (figure * 1e6).round() / 1e6;
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_starts_at_zero() {
        let axis = Axis::linear(4.0, (100.0, 500.0));
        assert_eq!(axis.place(0.0), 100.0);
        assert_eq!(axis.place(1.0), 200.0);
        assert_eq!(axis.place(99.0), 500.0);
        assert_eq!(axis.marks(4), [0.0, 1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_wide_spread_makes_the_axis_logarithmic() {
        assert!(!Axis::new(1.0, 19.0, (0.0, 1.0)).is_log());
        let axis = Axis::new(1.0, 100.0, (0.0, 1.0));
        assert!(axis.is_log());
        assert!((axis.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.marks(5), [1.0, 3.0, 10.0, 30.0, 100.0]);
    }

    #[test]
    fn many_decades_are_not_all_marked() {
        let axis = Axis::new(1.0, 1e9, (0.0, 1.0));
        assert_eq!(axis.marks(5).len(), 5);
    }

    #[test]
    fn figures_of_nothing_have_a_place() {
        let axis = Axis::new(0.0, 0.0, (10.0, 20.0));
        assert_eq!(axis.place(0.0), 10.0);
    }

    #[test]
    fn marks_have_no_needless_decimals() {
        let axis = Axis::linear(0.33, (0.0, 1.0));
        let marks: Vec<String> = axis.marks(4).into_iter().map(plain).collect();
        assert_eq!(marks, ["0", "0.1", "0.2", "0.3"]);
    }
}
