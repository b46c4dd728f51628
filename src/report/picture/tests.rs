use super::*;
use crate::record::fixture::case;
use crate::report::tests::{report, varied};

#[test]
fn each_group_has_its_pictures_and_the_run_has_one() {
    let names = |report: &Report| -> Vec<String> {
        pictures(report)
            .into_iter()
            .map(|picture| picture.name)
            .collect()
    };
    assert_eq!(names(&varied()), ["empty-comparison", "empty-speed-up"]);
    let with_load = report([case("a", "serial", 1).load(0, &[[1.0, 0.0]])]);
    assert_eq!(names(&with_load), ["a-comparison", "load"]);
    let with_latencies = report([
        case("a", "serial", 1)
            .latencies("hand_over", 1..=100)
            .latencies("lateness", (0..=20_000).map(|i| i * 10)),
        case("a", "rayon", 1).latencies("lateness", 1..=30),
        // Too few for a line.
        case("a", "fork", 1).latencies("request", 1..=9),
    ]);
    let with_latencies = names(&with_latencies);
    assert_eq!(
        with_latencies,
        ["a-comparison", "a-hand-over", "a-lateness"]
    );
    assert_eq!(names(&report([])), [""; 0]);
    assert_eq!(
        names(&report([case("a", "fork", 1).error("killed", "")])),
        [""; 0]
    );
}

/// Width, height, and all pixels as RGB.
fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

fn share_of(pixels: &[u8], color: palette::Color) -> f64 {
    let wanted = [color.0, color.1, color.2];
    let count = pixels
        .chunks_exact(3)
        .filter(|pixel| *pixel == wanted)
        .count();
    count as f64 * 3.0 / pixels.len() as f64
}

#[test]
fn a_png_shows_bars_in_the_colours_of_their_backends() {
    let report = report([
        case("empty", "rayon", 1).around_us(1000),
        case("empty", "tokio", 1).around_us(500),
    ]);
    let picture = comparison(&report.groups[0], &report).unwrap();
    let (width, height, pixels) = decoded(&picture.png().unwrap());
    assert_eq!((width, height), (1600, 2 * picture.height() as u32));
    let share = |name| share_of(&pixels, palette::backend(name, &report.backends));
    let (rayon, tokio) = (share("rayon"), share("tokio"));
    assert!(tokio > 0.005, "{tokio}");
    // Twice the time gives twice the bar, except for the part that the interval covers.
    assert!((rayon / tokio - 2.0).abs() < 0.1, "{rayon} {tokio}");
    assert!(share_of(&pixels, PAPER) > 0.5);
}

#[test]
fn text_is_drawn_without_system_fonts() {
    let title_ink = |workload: &str| {
        let report = report([case(workload, "rayon", 1)]);
        let picture = comparison(&report.groups[0], &report).unwrap();
        let (width, _, pixels) = decoded(&picture.png().unwrap());
        // The title is within the first 36 pixels.
        share_of(&pixels[..3 * width as usize * 72], INK)
    };
    let (short, long) = (title_ink("i"), title_ink("mmmmmmmmmm"));
    assert!(short > 0.0 && long > 10.0 * short, "{short} {long}");
}

#[test]
fn an_svg_carries_its_font_and_its_description() {
    let report = varied();
    let picture = comparison(&report.groups[0], &report).unwrap();
    let own = picture.svg().unwrap();
    assert!(
        own.contains("src:url(data:font/ttf;base64,AAEAAA"),
        "no font"
    );
    assert!(own.contains("fastest first. static × 2: 695 µs; rayon × 2: 700 µs;"));
    assert!(own.contains("failed: timeout"));
}

#[test]
fn hostile_names_stay_text() {
    let report = report([
        case("<script>\"&'\u{0}", "</svg><b>", 1),
        case("<script>\"&'\u{0}", "</svg><b>", 2),
    ]);
    for picture in pictures(&report) {
        let svg = picture.svg().unwrap();
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(!svg.contains('\u{0}'), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1, "{svg}");
    }
}

#[test]
fn the_same_backend_has_the_same_colour_in_every_group() {
    let all = ["fork", "rayon", "serial", "static", "tokio"].map(String::from);
    let colors: Vec<palette::Color> = all
        .iter()
        .map(|name| palette::backend(name, &all))
        .collect();
    for (index, color) in colors.iter().enumerate() {
        assert!(!colors[..index].contains(color), "{}", all[index]);
    }
    // The grey backends use no colour of the palette.
    let without = ["fork", "rayon", "tokio"].map(String::from);
    assert_eq!(palette::backend("tokio", &without), colors[4]);
}

#[test]
fn times_of_nothing_can_be_drawn() {
    let report = report([case("empty", "a", 1).walls_us(&[0; 6])]);
    for picture in pictures(&report) {
        assert!(picture.png().unwrap().len() > 1000);
        assert!(!picture.svg().unwrap().contains("NaN"));
    }
}

#[test]
fn colours_of_heat_run_from_idle_to_busy() {
    let brightness = |ratio| {
        let color = palette::heat(ratio);
        u32::from(color.0) + u32::from(color.1) + u32::from(color.2)
    };
    let steps: Vec<u32> = (0..=20)
        .map(|step| brightness(f64::from(step) / 20.0))
        .collect();
    assert!(steps.is_sorted_by(|a, b| a > b), "{steps:?}");
    assert_eq!(brightness(-1.0), brightness(0.0));
    assert_eq!(brightness(2.0), brightness(1.0));
}
