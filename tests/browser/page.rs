//! The page of a report: what it shows, and what readers do with it.

use serde_json::{Value, json};

use crate::records::{Page, failed, measured, renamed, thousand};
use crate::tab::{Look, Tab};

/// The page of a real run.
pub(crate) fn page() -> Page {
    Page::of(measured())
}

/// Draws what would be drawn when the reader comes near, and returns what went wrong.
pub(crate) fn draw_all(tab: &mut Tab) -> Vec<String> {
    tab.value("Dyno.drawAll()");
    tab.faults()
}

/// Fails if the page is wider than its window.
fn assert_fits(tab: &mut Tab, width: u32, what: &str) {
    let widest = "Math.max(...[...document.querySelectorAll('body *')]
        .filter(one => !one.closest('.scroll') && !one.closest('svg') && !one.closest('.hidden') && !one.closest('.skip'))
        .map(one => one.getBoundingClientRect().right))";
    let widest = tab.value(widest).as_f64().unwrap();
    assert!(
        widest <= f64::from(width) + 0.5,
        "{what}: {widest} of {width}"
    );
    let scrolled = tab.value("document.documentElement.scrollWidth");
    assert!(
        scrolled.as_u64().unwrap() <= u64::from(width),
        "{what}: {scrolled} of {width}"
    );
}

#[test]
#[ignore = "needs a browser"]
fn every_view_draws_and_answers() {
    let page = page();
    let mut tab = Tab::open(&page.file);
    assert_eq!(draw_all(&mut tab), Vec::<String>::new());
    for view in [
        "families", "backends", "scaling", "overhead", "lost", "tail", "cost", "trust",
    ] {
        assert_eq!(tab.count(&format!("section#{view} h2")), 1, "{view}");
        assert!(
            tab.count(&format!("#{view} .closing")) > 0,
            "{view} has no answer"
        );
        assert!(
            tab.count(&format!("#{view} .folded")) > 0,
            "{view} has no table"
        );
    }
    for view in [
        "backends", "scaling", "overhead", "lost", "tail", "cost", "trust",
    ] {
        assert!(
            tab.count(&format!("#{view} svg.drawing")) > 0,
            "{view} has no drawing"
        );
    }
    // The limit is never the winner.
    assert_eq!(tab.count(".heat.limit.best"), 0);
    assert!(tab.count(".heat.limit") > 0);
    let first = tab.text("#families");
    for family in ["Threads", "Async", "Processes"] {
        assert!(first.contains(family), "{first}");
    }
}

#[test]
#[ignore = "needs a browser"]
fn filters_work_by_mouse_and_live_in_the_address() {
    let page = page();
    let mut tab = Tab::open(&page.file);
    let all = tab.text(".shown");
    tab.click("details[data-key=backend] summary");
    tab.click("input[name=backend][value=rayon]");
    assert_ne!(tab.text(".shown"), all);
    let fragment = tab.value("location.hash.slice(1)");
    assert_eq!(fragment, "backend=rayon");
    let rows = "new Set(Dyno.selected().flatMap(group => group.rows.map(row => row.label))).size";
    assert_eq!(tab.value(rows), 1);

    // The same address shows the same view.
    let mut again = Tab::open_at(&page.file, fragment.as_str().unwrap(), Look::DESK);
    assert_eq!(again.value(rows), 1);
    again.click("[data-focus=reset]");
    assert_eq!(again.text(".shown"), all);
    assert_eq!(again.value("location.hash"), "");
    assert_eq!(again.faults(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a browser"]
fn a_filter_does_not_move_what_the_reader_sees() {
    let page = page();
    let mut tab = Tab::open_at(&page.file, "at=trust", Look::DESK);
    let place = "Math.round(document.querySelector('#trust h2').getBoundingClientRect().top)";
    // Figures above are drawn as they come near the screen, and are not as high as the place that was kept for them.
    tab.value("window.scrollBy(0, -60)");
    tab.rest();
    let before = tab.value(place).as_i64().unwrap();
    assert!((0..800).contains(&before), "the heading is at {before}");
    // `Tab::click` would scroll.
    tab.value("document.querySelector('input[name=backend][value=rayon]').click()");
    tab.rest();
    let after = tab.value(place).as_i64().unwrap();
    assert!((before - after).abs() <= 5, "from {before} to {after}");
}

#[test]
#[ignore = "needs a browser"]
fn filters_tables_and_samples_work_by_keyboard() {
    let page = page();
    let mut tab = Tab::open(&page.file);
    tab.value("document.querySelector('details[data-key=workers] summary').focus()");
    tab.press("Enter");
    tab.press("Tab");
    tab.press(" ");
    assert_eq!(tab.value("Dyno.readState().get('workers')"), "1");
    // The focus stays on the box.
    assert_eq!(tab.value("document.activeElement.value"), "1");
    tab.click("[data-focus=reset]");

    tab.value("document.querySelector('#families .folded summary').focus()");
    tab.press("Enter");
    tab.value("document.querySelector('[data-sort=families-5]').focus()");
    tab.press("Enter");
    let sorted =
        "document.querySelector('#table-families th:nth-child(6)').getAttribute('aria-sort')";
    assert_eq!(tab.value(sorted), "ascending");
    let ratios = "[...document.querySelectorAll('#table-families tbody td:nth-child(6)')]
        .map(cell => parseFloat(cell.textContent)).filter(ratio => !Number.isNaN(ratio))";
    let rising: Vec<f64> = serde_json::from_value(tab.value(ratios)).unwrap();
    assert!(rising.is_sorted() && rising.len() > 3, "{rising:?}");
    tab.press("Enter");
    let falling: Vec<f64> = serde_json::from_value(tab.value(ratios)).unwrap();
    assert!(falling.iter().rev().is_sorted(), "{falling:?}");

    draw_all(&mut tab);
    tab.value("document.querySelector('#backends a.label').focus()");
    tab.press("Enter");
    assert_eq!(tab.count("#backends .panel"), 1);
    assert!(tab.count("#backends .panel .sample") >= 30);
    assert_eq!(tab.faults(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a browser"]
fn a_cell_leads_to_its_cases_and_a_table_is_copied_as_csv() {
    let page = page();
    let mut tab = Tab::open(&page.file);
    tab.click(".heat a");
    assert_eq!(tab.count("#backends .panel"), 1);
    assert_eq!(
        tab.value("document.activeElement.classList.contains('figure')"),
        true
    );
    tab.click("#families .folded summary");
    tab.click("#families .copy");
    let copied = tab.value("new Promise(done => setTimeout(() => done(Dyno.copied), 0))");
    let copied = copied.as_str().unwrap_or_default().to_owned();
    assert!(
        copied.starts_with("Workload,Family,Backend,Workers,Median (ns),× best\r\n"),
        "{copied}"
    );
    assert!(copied.lines().count() > 5);
}

#[test]
#[ignore = "needs a browser"]
fn no_name_can_break_out_of_the_page() {
    let hostile = [
        "</script><script>document.title='broken'</script>",
        "<img src=http://127.0.0.1:9/x onerror=\"document.title='broken'\">",
        "\"quotes\" and 'quotes' & `backquotes`",
        "\u{202e}right to left\u{202c} \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        &"long".repeat(75),
        "__proto__",
    ];
    let template = &measured()[0];
    let pairs = hostile.iter().enumerate();
    let records: Vec<Value> = pairs
        .flat_map(|(index, name)| {
            let other = hostile[(index + 1) % hostile.len()];
            [
                renamed(template, name, other),
                failed(&renamed(template, name, name), name),
            ]
        })
        .collect();
    let page = Page::of(&records);
    for look in [Look::DESK, Look::PHONE] {
        let mut tab = Tab::open_at(&page.file, "", look);
        assert_eq!(draw_all(&mut tab), Vec::<String>::new());
        assert_eq!(tab.count("img, #app script"), 0);
        assert_eq!(tab.value("document.title"), "taskdyno report");
        assert_fits(&mut tab, look.width, "hostile names");
        let text = tab.text("main");
        assert!(
            text.contains("document.title='broken'"),
            "the names are shown as they are"
        );
    }
}

#[test]
#[ignore = "needs a browser"]
fn any_number_of_records_makes_a_page() {
    let one = &measured()[..1];
    let errors: Vec<Value> = measured()
        .iter()
        .map(|one| failed(one, "signal 9"))
        .collect();
    let many = thousand();
    for (what, records) in [
        ("no record", &[][..]),
        ("one record", one),
        ("only errors", &errors),
        ("a thousand", &many),
    ] {
        let page = Page::of(records);
        let mut tab = Tab::open(&page.file);
        assert_eq!(draw_all(&mut tab), Vec::<String>::new(), "{what}");
        assert_eq!(tab.count("h1"), 1, "{what}");
        let text = tab.text("body");
        match what {
            "no record" => assert!(text.contains("There are no records")),
            "only errors" => assert!(text.contains("killed") && text.contains("signal 9")),
            _ => assert!(tab.count(".heat") > 0, "{what}"),
        }
        let bytes = std::fs::metadata(&page.file).unwrap().len();
        assert!(bytes < 6_000_000, "{what}: {bytes} bytes");
    }
}

#[test]
#[ignore = "needs a browser"]
fn the_page_fits_a_phone_and_paper() {
    let page = page();
    for (look, what) in [(Look::PHONE, "phone"), (Look::PRINT, "paper")] {
        let mut tab = Tab::open_at(&page.file, "", look);
        draw_all(&mut tab);
        assert_fits(&mut tab, look.width, what);
    }
    // No text of a drawing is cut off, and the ends of each axis that has them are labelled.
    for look in [Look::PHONE, Look::DESK] {
        let mut tab = Tab::open_at(&page.file, "", look);
        draw_all(&mut tab);
        let cut = "[...document.querySelectorAll('svg text')].filter(text => {
            const [inner, outer] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];
            return inner.left < outer.left - 1 || inner.right > outer.right + 1;
        }).map(text => text.textContent)";
        assert_eq!(tab.value(cut), serde_json::json!([]), "{}", look.width);
        let one_end = "[...document.querySelectorAll('svg')].filter(svg => svg.querySelectorAll('.tick.end').length === 1).length";
        assert_eq!(tab.value(one_end), 0, "{}", look.width);
    }
    // On paper everything is drawn, wherever the reader was, and no table is cut off.
    let mut tab = Tab::open(&page.file);
    tab.click("#families .folded summary");
    tab.look(Look::PRINT);
    assert_eq!(tab.value("Dyno.waiting.size"), 0);
    let cut = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1).length";
    assert_eq!(tab.value(cut), 0);
}

/// The contrast of two colours according to WCAG 2, and the colours that the page has in this mode.
const CONTRASTS: &str = "(() => {
    const style = getComputedStyle(document.documentElement);
    const colour = name => {
        const probe = document.createElement('span');
        probe.style.color = style.getPropertyValue(name);
        document.body.append(probe);
        const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
        probe.remove();
        return parts;
    };
    const light = parts => {
        const [red, green, blue] = parts.map(part => {
            const share = part / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one, other) => {
        const [low, high] = [light(colour(one)), light(colour(other))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const marks = ['--line', '--link', '--bad', '--good', '--task', '--critical', '--ink', '--soft', '--warn'];
    for (const [name, count] of [['family', 6], ['line', 8], ['part', 3]]) {
        for (let index = 0; index < count; index += 1) marks.push(`--${name}-${index}`);
    }
    return marks.map(mark => [mark, contrast(mark, '--page')]);
})()";

#[test]
#[ignore = "needs a browser"]
fn every_mark_stands_out_in_both_modes() {
    let page = page();
    for look in [Look::DESK, Look::DARK] {
        let mut tab = Tab::open_at(&page.file, "", look);
        let contrasts: Vec<(String, f64)> = serde_json::from_value(tab.value(CONTRASTS)).unwrap();
        assert!(contrasts.len() > 20);
        for (mark, contrast) in contrasts {
            assert!(
                contrast >= 3.0,
                "{mark} has {contrast:.2}:1, dark: {}",
                look.is_dark
            );
        }
    }
}

#[test]
#[ignore = "needs a browser"]
fn the_page_is_accessible() {
    let Some(axe) = std::env::var_os("TASKDYNO_AXE") else {
        println!("not checked: TASKDYNO_AXE names no axe.min.js");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let page = page();
    for look in [Look::DESK, Look::DARK, Look::PHONE] {
        let mut tab = Tab::open_at(&page.file, "", look);
        tab.click("#families .folded summary");
        draw_all(&mut tab);
        tab.value(&format!("{axe}; 0"));
        let found = tab.value(
            "axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations.map(one =>
                `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')}`))",
        );
        assert_eq!(
            found,
            json!([]),
            "dark: {}, width: {}",
            look.is_dark,
            look.width
        );
    }
}
