//! A page in a browser of its own.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::devtools::DevTools;

/// An open page.
pub(crate) struct Tab {
    tools: DevTools,
    session: String,
}

/// A way to show a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// The width of the window in CSS pixels.
    pub(crate) width: u32,
    /// The height of the window in CSS pixels.
    pub(crate) height: u32,
    /// Whether the reader prefers dark colours.
    pub(crate) is_dark: bool,
    /// Whether it is printed.
    pub(crate) is_print: bool,
}

impl Look {
    /// A window on a desk, in light colours.
    pub(crate) const DESK: Self = Self {
        width: 1280,
        height: 900,
        is_dark: false,
        is_print: false,
    };
    /// The same in dark colours.
    pub(crate) const DARK: Self = Self {
        is_dark: true,
        ..Self::DESK
    };
    /// A narrow phone.
    pub(crate) const PHONE: Self = Self {
        width: 390,
        height: 844,
        ..Self::DESK
    };
    /// A4 paper with margins of 1 cm, at 96 pixels per inch.
    pub(crate) const PRINT: Self = Self {
        width: 718,
        height: 1047,
        is_dark: false,
        is_print: true,
    };
}

impl Tab {
    /// Opens a file on a desk, in a browser of its own, and waits until it is loaded.
    pub(crate) fn open(file: &Path) -> Self {
        Self::open_at(file, "", Look::DESK)
    }

    /// Opens a file, with this text after the `#` of its address unless it is empty.
    pub(crate) fn open_at(file: &Path, fragment: &str, look: Look) -> Self {
        let mut tools = DevTools::start();
        let target = tools.call("", "Target.createTarget", json!({ "url": "about:blank" }));
        let attached = tools.call(
            "",
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let mut tab = Self { tools, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab.look(look);
        tab.go_to(file, fragment);
        tab
    }

    /// Opens a file, with this text after the `#` of its address unless it is empty, and waits until it is loaded.
    pub(crate) fn go_to(&mut self, file: &Path, fragment: &str) {
        // Another file than the one before, so that the page is loaded again and not only scrolled.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.tools.wait_for("Page.loadEventFired");
        self.tools.forget();
        let mut url = format!("file://{}", file.canonicalize().unwrap().display());
        if !fragment.is_empty() {
            url = format!("{url}#{fragment}");
        }
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert_eq!(answer["errorText"], Value::Null, "cannot open {url}");
        self.tools.wait_for("Page.loadEventFired");
        self.settle();
    }

    /// Shows the page in another way.
    pub(crate) fn look(&mut self, look: Look) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false,
            }),
        );
        let scheme = if look.is_dark { "dark" } else { "light" };
        let media = if look.is_print { "print" } else { "screen" };
        self.call(
            "Emulation.setEmulatedMedia",
            json!({
                "media": media,
                "features": [{ "name": "prefers-color-scheme", "value": scheme }],
            }),
        );
        self.settle();
    }

    /// The value of an expression. A promise is awaited. Panics if the expression throws.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        let exception = &answer["exceptionDetails"];
        assert_eq!(exception, &Value::Null, "in: {expression}");
        answer["result"]["value"].clone()
    }

    /// The text of the first element that matches this selector. Panics if there is none.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let selector = json!(selector);
        let text = self.value(&format!("document.querySelector({selector}).innerText"));
        text.as_str().unwrap().to_owned()
    }

    /// How many elements match this selector.
    pub(crate) fn count(&mut self, selector: &str) -> u64 {
        let selector = json!(selector);
        let count = self.value(&format!("document.querySelectorAll({selector}).length"));
        count.as_u64().unwrap()
    }

    /// Presses a key, such as `Tab`, `Enter` or `a`.
    pub(crate) fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => ("\r", 13),
            "Tab" => ("", 9),
            " " => (" ", 32),
            "ArrowLeft" => ("", 37),
            "ArrowUp" => ("", 38),
            "ArrowRight" => ("", 39),
            "ArrowDown" => ("", 40),
            letter => (letter, 0),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
        self.settle();
    }

    /// Clicks the middle of the first element that matches this selector. Panics if there is none.
    pub(crate) fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        let place = self.value(&format!(
            "(() => {{ const element = document.querySelector({selector});
                element.scrollIntoView({{ block: 'center', inline: 'center', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({
                    "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
                }),
            );
        }
        self.settle();
    }

    /// A picture of the whole page as a PNG file. The window becomes as high as the page, so that everything is drawn.
    pub(crate) fn picture(&mut self, file: &Path) {
        let size = self.value("[innerWidth, document.documentElement.scrollHeight]");
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": false,
            }),
        );
        // What comes into sight is drawn in one frame, and shown in the next.
        self.settle();
        self.settle();
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let text = answer["data"].as_str().unwrap();
        std::fs::write(file, BASE64_STANDARD.decode(text).unwrap()).unwrap();
    }

    /// What went wrong in the page since it was opened: exceptions, errors on its console, and requests for anything but
    /// the page itself.
    pub(crate) fn faults(&mut self) -> Vec<String> {
        self.settle();
        let events = self.tools.events().iter();
        events.filter_map(fault).collect()
    }

    /// Waits until the page has not moved or grown for ten frames.
    pub(crate) fn rest(&mut self) {
        self.value(
            "new Promise(done => {
                let last = '', still = 0;
                const look = () => {
                    const now = [window.scrollY, document.documentElement.scrollHeight].join();
                    still = now === last ? still + 1 : 0;
                    last = now;
                    still < 10 ? requestAnimationFrame(look) : done(0);
                };
                look();
            })",
        );
    }

    /// Waits until the page has drawn what it was going to draw: two frames, because the first may have been begun already.
    fn settle(&mut self) {
        self.value(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))",
        );
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.tools.call(&self.session, method, parameters)
    }
}

/// What is wrong about an event, if anything.
fn fault(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if parameters["type"] == "error" => {
            Some(parameters["args"].to_string())
        }
        "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
            Some(parameters["entry"].to_string())
        }
        "Network.requestWillBeSent" => {
            let url = parameters["request"]["url"].as_str()?;
            let is_page = parameters["type"] == "Document" && url.starts_with("file:");
            (!is_page && !url.starts_with("data:")).then(|| format!("request: {url}"))
        }
        _ => None,
    }
}
