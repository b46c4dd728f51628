//! Tests of the HTML report in a real browser. They are ignored tests, because a machine may have none: `scripts/test`
//! installs one if it can, and says which tests it left out if it cannot.
//!
//! | module | what it does |
//! |---|---|
//! | `chromium` | finds and starts a browser |
//! | `devtools` | speaks the DevTools protocol with it |
//! | `tab` | a page in the browser: open it, look at it, press keys |

mod chromium;
mod devtools;
mod tab;

use tab::Tab;

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
