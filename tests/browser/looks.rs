//! What is made to be looked at: pictures of every look, the first paint, and the pages of comparisons and histories.

use std::path::Path;
use std::process::Command;

use crate::page::{draw_all, page};
use crate::records::{Page, measured, thousand};
use crate::tab::{Look, Tab};

/// Says how long it takes, for BENCHMARKS.md, and is not a limit: a page that never paints fails.
#[test]
#[ignore = "needs a browser"]
fn the_first_paint_comes_and_is_timed() {
    let many = thousand();
    for (what, records) in [("a small run", measured()), ("1,000 records", &many)] {
        let page = Page::of(records);
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let mut tab = Tab::open(&page.file);
                // It comes after the page is loaded.
                let paint = "new Promise(done => new PerformanceObserver(list => {
                    const [paint] = list.getEntriesByName('first-contentful-paint');
                    if (paint) done(paint.startTime);
                }).observe({ type: 'paint', buffered: true }))";
                tab.value(paint).as_f64().expect("it is painted")
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("first paint of {what}: {times:.0?} ms");
    }
}

#[test]
#[ignore = "needs a browser"]
fn pictures_of_every_look_are_kept_to_be_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).unwrap();
    let page = page();
    for (name, look) in [
        ("light", Look::DESK),
        ("dark", Look::DARK),
        ("phone", Look::PHONE),
        ("print", Look::PRINT),
    ] {
        let mut tab = Tab::open_at(&page.file, "", look);
        draw_all(&mut tab);
        let file = folder.join(format!("{name}.png"));
        tab.picture(&file);
        assert!(std::fs::metadata(&file).unwrap().len() > 10_000, "{name}");
    }
}

/// A page of the result of `compare`, and one of `history`.
#[test]
#[ignore = "needs a browser"]
fn comparisons_and_histories_are_pages_too() {
    let folder = tempfile::tempdir().unwrap();
    let records = Page::of(&measured()[..4]);
    let records = records.file.with_file_name("records.jsonl");
    for (name, arguments) in [
        ("compare", &["compare", "--advisory"][..]),
        ("history", &["history", "--order", "given"]),
    ] {
        let file = folder.path().join(format!("{name}.json"));
        let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
            .args(arguments)
            .args(["--format", "json", "--out"])
            .arg(&file)
            .args([&records, &records])
            .output()
            .unwrap();
        assert!(file.exists(), "{name}: {output:?}");
        let made = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
            .arg("report")
            .arg(&file)
            .output()
            .unwrap();
        assert!(made.status.success(), "{name}: {made:?}");
        let mut tab = Tab::open(&folder.path().join("report.html"));
        assert_eq!(draw_all(&mut tab), Vec::<String>::new(), "{name}");
        assert!(tab.count("#worse svg.drawing") > 0, "{name}");
        assert!(!tab.text("body").contains("nothing to show"), "{name}");
    }
}
