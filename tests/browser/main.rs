//! Tests of the HTML report in a real browser. They are ignored tests, because a machine may have none: `scripts/test`
//! installs one if it can, and says which tests it left out if it cannot.
//!
//! | module | what it does |
//! |---|---|
//! | `chromium` | finds and starts a browser |
//! | `devtools` | speaks the DevTools protocol with it |
//! | `tab` | a page in the browser: open it, look at it, press keys |
//! | `records` | records and their reports |
//! | `page` | the tests of the page of a report |
//! | `looks` | its pictures, its first paint, and the pages of comparisons and histories |

mod chromium;
mod devtools;
mod looks;
mod page;
mod records;
mod tab;

use tab::{Look, Tab};

/// The page can name what goes wrong in it only if the tab notices it.
#[test]
#[ignore = "needs a browser"]
fn a_tab_notices_errors_and_requests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.html");
    let text = r#"<!doctype html><title>x</title><p>here</p><script>
        console.error("said");
        new Image().src = "http://127.0.0.1:9/away.png";
        undefinedName();
    </script>"#;
    std::fs::write(&file, text).unwrap();
    let mut tab = Tab::open(&file);
    let faults = tab.faults().join("\n");
    for fault in ["said", "undefinedName", "http://127.0.0.1:9/away.png"] {
        assert!(faults.contains(fault), "{fault} is missing in:\n{faults}");
    }
    assert_eq!(tab.text("p"), "here");
}

#[test]
#[ignore = "needs a browser"]
fn a_tab_clicks_presses_keys_and_changes_its_look() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let text = r##"<!doctype html><title>x</title><button>0</button><p id="last"></p><p>two</p><script>
        const button = document.querySelector("button");
        button.addEventListener("click", () => { button.textContent = Number(button.textContent) + 1; });
        document.addEventListener("keydown", event => { document.querySelector("#last").textContent = event.key; });
    </script>"##;
    std::fs::write(&file, text).unwrap();
    let mut tab = Tab::open(&file);
    tab.click("button");
    assert_eq!(tab.text("button"), "1");
    // The button has the focus, and Enter presses it.
    tab.press("Enter");
    assert_eq!(
        (tab.text("button"), tab.text("#last")),
        ("2".into(), "Enter".into())
    );
    assert_eq!(tab.count("p"), 2);
    let media = "[matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('print').matches, innerWidth]";
    for (look, expected) in [
        (Look::DARK, serde_json::json!([true, false, 1280])),
        (Look::PHONE, serde_json::json!([false, false, 390])),
        (Look::PRINT, serde_json::json!([false, true, 718])),
    ] {
        tab.look(look);
        assert_eq!(tab.value(media), expected);
    }
    let picture = folder.path().join("page.png");
    tab.picture(&picture);
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(tab.faults(), Vec::<String>::new());
}
