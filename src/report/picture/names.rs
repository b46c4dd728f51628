//! Shared by pictures with lines: draws the lines, and their names to the right.

use plotters::backend::DrawingBackend;

use super::LABEL;
use super::canvas::{Anchor, Canvas, Drawn, Point};
use super::font::fitted;
use super::palette::{Color, GRID, PAPER};
use crate::text;

/// The minimum distance between two names.
const NAME_STEP: f64 = 17.0;
/// The position of the highest possible name.
const NAMES_TOP: f64 = 30.0;

/// The name of a line, and its preferred position.
pub(super) struct LineName {
    pub(super) label: String,
    /// The text after the name; may be empty.
    pub(super) figure: String,
    pub(super) color: Color,
    pub(super) wanted: f64,
}

/// The minimum height of a picture with this many names.
pub(super) fn height_for(name_count: usize) -> f64 {
    2.0 * NAMES_TOP + NAME_STEP * name_count as f64
}

/// Draws names to the right of the last points, moved apart if they would overlap.
pub(super) fn draw_names<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    mut names: Vec<LineName>,
    plot_right: f64,
) -> Drawn<B> {
    const MAX: f64 = 110.0;
    names.sort_by(|a, b| a.wanted.total_cmp(&b.wanted));
    let wanted: Vec<f64> = names.iter().map(|name| name.wanted).collect();
    for (name, at) in names.iter().zip(spread(&wanted)) {
        let end = plot_right + 28.0;
        canvas.path(&[(plot_right + 4.0, name.wanted), (end, at)], GRID, 1.0)?;
        canvas.dot((end + 6.0, at), 4.0, name.color, 1.0)?;
        let label = fitted(&text::line(&name.label), LABEL.size, LABEL.weight, MAX);
        let text = format!("{label}  {}", name.figure);
        canvas.text(text.trim_end(), (end + 16.0, at), Anchor::Start, LABEL)?;
    }
    Ok(())
}

/// Draws a line through `points`, with a dot on each.
pub(super) fn draw_line<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    points: &[Point],
    color: Color,
) -> Drawn<B> {
    canvas.path(points, color, 2.0)?;
    for point in points {
        canvas.dot(*point, 5.0, PAPER, 1.0)?;
        canvas.dot(*point, 4.0, color, 1.0)?;
    }
    Ok(())
}

/// Positions near the preferred ones, which are sorted, and at least [`NAME_STEP`] apart. Neighbours that are too close
/// become a block, which is placed at the mean of the preferred positions of its members.
fn spread(wanted: &[f64]) -> Vec<f64> {
    // Each block: the number of its members, and the sum of their preferences for the position of the first member.
    let mut blocks: Vec<(usize, f64)> = Vec::new();
    let start = |block: (usize, f64)| block.1 / block.0 as f64;
    for place in wanted {
        let mut block = (1, *place);
        while let Some(before) = blocks.last().copied() {
            let before_end = start(before) + before.0 as f64 * NAME_STEP;
            if before_end <= start(block) {
                break;
            }
            let moved = block.1 - (block.0 * before.0) as f64 * NAME_STEP;
            block = (before.0 + block.0, before.1 + moved);
            blocks.pop();
        }
        blocks.push(block);
    }
    let places = blocks
        .into_iter()
        .flat_map(|block| (0..block.0).map(move |index| start(block) + index as f64 * NAME_STEP));
    let mut least = NAMES_TOP;
    let lowered = places.map(|place| {
        let place = f64::max(place, least);
        least = place + NAME_STEP;
        place
    });
    lowered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_overlap_are_pushed_apart() {
        assert!(spread(&[]).is_empty());
        assert_eq!(spread(&[40.0, 100.0]), [40.0, 100.0]);
        assert_eq!(spread(&[50.0, 50.0]), [41.5, 58.5]);
        assert_eq!(spread(&[10.0, 12.0]), [30.0, 47.0]);
        assert_eq!(spread(&[50.0, 50.0, 51.0, 300.0])[3], 300.0);
        let places = spread(&[10.0, 12.0, 40.0, 41.0, 42.0]);
        for pair in places.windows(2) {
            assert!(pair[1] - pair[0] >= NAME_STEP - 1e-9, "{places:?}");
        }
    }
}
