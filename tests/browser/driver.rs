//! A little of the `WebDriver` protocol: enough to open a page, run script in it, press
//! keys, and take what Chromium's own protocol adds.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::number;

/// A browser with one page; it ends with the value.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    runtime: Runtime,
    profile: TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed, as of the package chromium-driver");
        let port = port(&mut driver);
        let profile = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Loopback is nobody's proxy's business.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut browser =
            Self { driver, session: format!("http://127.0.0.1:{port}"), client, runtime, profile };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            &format!("--user-data-dir={}", browser.profile.path().display()),
        ];
        let answer = browser.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": { "args": arguments },
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            } } }),
        );
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let answer = self.runtime.block_on(async {
            let request = self.client.post(&url).header("content-type", "application/json");
            request.body(body.to_string()).send().await?.text().await
        });
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer).expect("an answer in JSON");
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// What a script of the tests returns, which runs in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.run_with(script, &[])
    }

    pub(crate) fn run_with(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    pub(crate) fn told(&self) -> String {
        let told = self.run("return document.querySelector('[role=status]').textContent");
        told.as_str().expect("a text").to_owned()
    }

    /// The texts of a column of the table of all rows, as they stand there.
    pub(crate) fn column(&self, at: usize) -> Vec<String> {
        let column = self.run_with(
            "return [...document.querySelectorAll('table.rows tbody tr')].map(r => r.cells[arguments[0]].textContent.trim())",
            &[json!(at)],
        );
        serde_json::from_value(column).expect("texts")
    }

    pub(crate) fn click_text(&self, text: &str) {
        self.run_with(
            "[...document.querySelectorAll('button')].find(b => b.textContent === arguments[0]).click()",
            &[json!(text)],
        );
    }

    /// Types as a person would, and waits until the page has taken it in.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.run_with(
            "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input'))",
            &[json!(selector), json!(text)],
        );
        // The page filters in a task of its own, which was queued before this one.
        self.post(
            "/execute/async",
            &json!({ "script": "setTimeout(arguments[0], 0)", "args": [] }),
        );
    }

    /// The reference of an element, as the protocol has it.
    fn element(&self, selector: &str) -> Value {
        self.post("/element", &json!({ "using": "css selector", "value": selector }))
    }

    /// Clicks with the mouse, as a person would.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        let id = element.as_object().and_then(|it| it.values().next()).and_then(Value::as_str);
        self.post(&format!("/element/{}/click", id.expect("an element")), &json!({}));
    }

    /// Goes into a frame of the page.
    pub(crate) fn enter(&self, selector: &str) {
        let element = self.element(selector);
        self.post("/frame", &json!({ "id": element }));
    }

    /// Goes back to the page itself.
    pub(crate) fn leave(&self) {
        self.post("/frame", &json!({ "id": null }));
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.run_with(
            "return document.querySelector(arguments[0]).textContent",
            &[json!(selector)],
        );
        text.as_str().expect("a text").to_owned()
    }

    pub(crate) fn press_enter(&self) {
        let enter = "\u{e007}";
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": [
                { "type": "keyDown", "value": enter },
                { "type": "keyUp", "value": enter },
            ] }] }),
        );
    }

    pub(crate) fn prefer(&self, scheme: &str) {
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// Lays the page out as for paper of so many CSS pixels.
    pub(crate) fn print_media(&self, width: usize) {
        self.devtools("Emulation.setEmulatedMedia", &json!({ "media": "print" }));
        self.screenshot("print", width, 1100);
    }

    pub(crate) fn without_script(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// How many elements take room on the page; asked of the browser rather than of
    /// script in the page.
    pub(crate) fn count_visible(&self, selector: &str) -> usize {
        let document = self.devtools("DOM.getDocument", &json!({ "depth": 0 }));
        let found = self.devtools(
            "DOM.querySelectorAll",
            &json!({ "nodeId": document["root"]["nodeId"], "selector": selector }),
        );
        let nodes = found["nodeIds"].as_array().expect("a list");
        let is_visible = |node: &&Value| {
            let body = json!({ "cmd": "DOM.getBoxModel", "params": { "nodeId": node } });
            let url = format!("{}/goog/cdp/execute", self.session);
            let answer = self.runtime.block_on(async {
                self.client.post(&url).body(body.to_string()).send().await?.text().await
            });
            let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
            answer["value"]["model"]["height"].as_u64().is_some_and(|height| height > 0)
        };
        nodes.iter().filter(is_visible).count()
    }

    /// Errors and warnings of the console, and requests for anything but the page.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = |name| self.post("/se/log", &json!({ "type": name }));
        let messages = |entries: Value| -> Vec<String> {
            let entries = entries.as_array().expect("a list").iter();
            entries.filter_map(|entry| Some(entry["message"].as_str()?.to_owned())).collect()
        };
        let mut complaints = messages(log("browser"));
        for message in messages(log("performance")) {
            let message: Value = serde_json::from_str(&message).expect("an event in JSON");
            let sent = &message["message"];
            let request = sent["params"]["request"]["url"].as_str().unwrap_or_default();
            // The browser's own start page asks for a lot, and it is no page of ours.
            let document = sent["params"]["documentURL"].as_str().unwrap_or_default();
            if sent["method"] == "Network.requestWillBeSent"
                && document.starts_with("file:")
                && request != document
            {
                complaints.push(format!("a request for {request}"));
            }
        }
        complaints
    }

    /// Prints to a PDF and counts its pages.
    pub(crate) fn pages_printed(&self) -> usize {
        let pdf = self.post("/print", &json!({}));
        let pdf = base64::engine::general_purpose::STANDARD
            .decode(pdf.as_str().expect("a document"))
            .expect("in base64");
        if let Some(directory) = std::env::var_os("REINVITE_SCREENSHOTS") {
            std::fs::write(std::path::Path::new(&directory).join("report.pdf"), &pdf).unwrap();
        }
        let text = String::from_utf8_lossy(&pdf);
        text.matches("/Type /Page\n").count().max(text.matches("/Type /Page/").count())
    }

    /// A picture for a person, if asked for, and the window's size in any case.
    pub(crate) fn screenshot(&self, name: &str, width: usize, height: usize) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
        assert_eq!(number(&self.run("return innerWidth")), width);
        let Some(directory) = std::env::var_os("REINVITE_SCREENSHOTS") else { return };
        let picture = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        let picture = base64::engine::general_purpose::STANDARD
            .decode(picture["data"].as_str().expect("a picture"))
            .expect("in base64");
        let path = std::path::Path::new(&directory).join(format!("{name}.png"));
        std::fs::write(path, picture).expect("the directory for screenshots is there");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session's end closes the browser; the driver is ours to end.
        let _ = self.runtime.block_on(self.client.delete(&self.session).send());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that the driver chose, which it says on stdout.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
    let port = lines.find_map(|line| {
        let line = line.expect("its words are text");
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // It may say more, and must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("it says its port")
}
