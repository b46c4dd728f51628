use super::*;
use crate::compare::{HISTORY_VERSION, HistoryPoint};
use crate::record::fixture::case;

fn commit(number: usize) -> Option<Commit> {
    Some(Commit {
        hash: format!("{number:02}c0ffee0123456789"),
        dirty: false,
    })
}

fn point(number: usize, median_ns: f64) -> HistoryPoint {
    HistoryPoint {
        place: format!("{number}.jsonl:1"),
        commit: commit(number),
        started_at: format!("2026-11-{:02}T12:00:00Z", number + 1),
        median_ns,
    }
}

fn varied() -> History {
    let mut medians = [10e6; 12];
    medians[6..].fill(12e6);
    let points = medians
        .iter()
        .enumerate()
        .map(|(number, median)| point(number, *median));
    let change = Change {
        index: 6,
        commit: commit(6),
        previous_commit: commit(5),
        before_ns: 10e6,
        after_ns: 12e6,
        ratio: 1.2,
        p_value: 0.001,
    };
    let same_commit = Change {
        previous_commit: commit(6),
        ratio: 0.5,
        ..change.clone()
    };
    let series = |case: &str, changes: Vec<Change>, points: Vec<HistoryPoint>| Series {
        judged: Channel::Wall,
        case: case.into(),
        points,
        changes,
        is_calibrated: true,
        fewest_side_count: None,
        notes: vec!["3.jsonl:1 is left out: it failed".into()],
    };
    let points: Vec<HistoryPoint> = points.collect();
    History {
        history_version: HISTORY_VERSION,
        host: case("x", "rayon", 2).record().host,
        significance: 0.01,
        permutation_count: 999,
        seed: 1,
        threshold_ratio: 0.01,
        fewest_between_count: 2,
        fewest_point_count: 10,
        series: vec![
            series("hash/a|b,c/rayon/2", vec![change], points.clone()),
            series("moved/rayon/2", vec![same_commit], points.clone()),
            series("steady/rayon/2", Vec::new(), points[..11].to_vec()),
            series("short/rayon/2", Vec::new(), points[..6].to_vec()),
            series("failed/rayon/2", Vec::new(), Vec::new()),
        ],
    }
}

#[test]
fn the_table_names_each_change_and_its_commit() {
    let text = styled_table(&varied());
    insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn markdown_has_one_row_per_change() {
    insta::assert_snapshot!(markdown(&varied()));
    let mut steady = varied();
    steady.series.drain(..2);
    assert_eq!(
        markdown(&steady),
        "### taskdyno: 0 changes in 3 cases (2 of them with too few sessions to find a change)\n\n"
    );
}

#[test]
fn a_csv_parser_can_read_the_points() {
    let text = csv(&varied());
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 41);
    assert_eq!(&rows[6][0], "hash/a|b,c/rayon/2");
    assert_eq!((&rows[6][4], &rows[6][6]), ("12000000", "1.2"));
    assert_eq!((&rows[5][6], &rows[5][7]), ("", ""));
}

#[test]
fn the_picture_is_xml_and_says_what_it_shows() {
    let text = svg(&varied()).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let label = document.root_element().attribute("aria-label").unwrap();
    assert!(
        label.contains("hash/a|b,c/rayon/2: +20.0% at 06c0ffe"),
        "{label}"
    );
    assert!(label.contains("steady/rayon/2: no change"), "{label}");
    assert!(
        label.contains("short/rayon/2: too few sessions to find a change: at least 10"),
        "{label}"
    );
    // One line per series that has sessions.
    let lines = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "polyline")));
    assert_eq!(lines.count(), 4);
}

#[test]
fn no_change_says_which_changes_cannot_be_detected() {
    let mut history = varied();
    history.fewest_point_count = 0;
    let steady = Series {
        judged: Channel::Wall,
        changes: Vec::new(),
        fewest_side_count: Some(4),
        ..history.series[0].clone()
    };
    let words =
        "no change (a change with fewer than 4 sessions before or after it cannot be detected)";
    assert_eq!(no_change(&history, &steady).unwrap(), words);
    history.series = vec![steady];
    assert!(styled_table(&history).contains(words));
}
