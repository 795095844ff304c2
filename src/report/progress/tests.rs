//! What a person sees of a run, in each of the three ways.

use std::io;

use indicatif::TermLike;

use super::*;
use crate::report::sample;
use crate::run::Phase;

/// What was written, and how often it was flushed.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<(Vec<u8>, u32)>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
    }

    fn flushes(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().0.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1 += 1;
        Ok(())
    }
}

impl TermLike for Shared {
    fn width(&self) -> u16 {
        100
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.clone().write_all(format!("{text}\n").as_bytes())
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.clone().write_all(text.as_bytes())
    }
    fn clear_line(&self) -> io::Result<()> {
        self.clone().write_all(b"<clear>")
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The sample's run as the engine would tell it.
fn events() -> Vec<Event> {
    let wait = Duration::from_secs(12);
    let mut events = vec![
        Event::Started { to_do: 6 },
        Event::RowEntered { line: 2, from: None, to: Phase::Patching },
        Event::Patched { line: 2 },
        Event::CanaryPassed { rows: 1 },
        Event::SignInNeeded {
            url: "https://login.example/device".to_owned(),
            code: "ABC\u{7}DEF".to_owned(),
            valid_for: wait * 75,
        },
        Event::Throttled { scope: Some("Tenant_Application/ReadWrite".to_owned()), wait },
        Event::Throttled { scope: None, wait },
        Event::Throttled { scope: None, wait: wait * 5 },
        Event::Retrying { line: Some(3), attempt: 1, wait, why: "timed\u{7} out".to_owned() },
        Event::Retrying { line: None, attempt: 2, wait, why: "503".to_owned() },
    ];
    let (plan, outcomes) = (sample::plan(), sample::outcomes());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        if let Some(outcome) = outcome {
            let line = plan.rows[index].line;
            events.push(Event::RowFinished { index, line, from: None, outcome });
        }
    }
    let reason = sample::summary().stop_reason.unwrap();
    events.extend([
        Event::Stopping { reason, at_most: Duration::from_secs(100) },
        Event::Finished(Box::new(sample::summary())),
    ]);
    events
}

fn show(mode: impl FnOnce(Box<Shared>) -> ProgressMode) -> String {
    let (shared, plan) = (Shared::default(), sample::plan());
    let mut progress = Progress::new(mode(Box::new(shared.clone())), &plan, Styles::plain());
    for event in events() {
        progress.on_event(&event);
    }
    shared.text()
}

#[test]
fn without_a_terminal_every_row_has_a_line() {
    insta::assert_snapshot!(show(|out| ProgressMode::Lines(out)), @r#"
        6 rows to do
        canary passed: 1 row sent and verified
        to sign in, open https://login.example/device in a browser and enter the code ABC\u{7}DEF within 15 min
        throttled by the tenant (Tenant_Application/ReadWrite), waiting 12 s
        throttled by the tenant, waiting 1 min
        line 3: attempt 1 failed: timed\u{7} out; again in 12 s
        attempt 2 failed: 503; again in 12 s
        line 2     invited       ada@northwind.example → ada@fabrikam.example
        line 3     invited       bob@northwind.example → bob@fabrikam.example
        line 4     failed        c.old@northwind.example (cleo@northwind.example) → cleo@fabrikam.example: the invitation service does not see the new mail: "doesn't match any emails on the user object" after 5 tries in 3 min [address-mismatch]
        line 5     unknown       dan@northwind.example: the connection was lost after the request left; the guest is unchanged since [answer-lost]
        stopping: the tenant says stop: Guest invitations are blocked for suspicious activity
        "#);
}

#[test]
fn quiet_shows_what_somebody_has_to_look_at() {
    insta::assert_snapshot!(show(|out| ProgressMode::Quiet(out)), @r#"
        to sign in, open https://login.example/device in a browser and enter the code ABC\u{7}DEF within 15 min
        line 4     failed        c.old@northwind.example (cleo@northwind.example) → cleo@fabrikam.example: the invitation service does not see the new mail: "doesn't match any emails on the user object" after 5 tries in 3 min [address-mismatch]
        line 5     unknown       dan@northwind.example: the connection was lost after the request left; the guest is unchanged since [answer-lost]
        stopping: the tenant says stop: Guest invitations are blocked for suspicious activity
        "#);
}

#[test]
fn a_busy_run_is_flushed_by_time_and_lost_by_nothing() {
    let (shared, plan) = (Shared::default(), sample::plan());
    let mode = ProgressMode::EveryRow(Box::new(shared.clone()));
    let mut progress = Progress::new(mode, &plan, Styles::plain());
    let outcome = sample::outcomes()[0].clone().unwrap();
    let event = Event::RowFinished { index: 0, line: 2, from: None, outcome };
    let started = Instant::now();
    for _ in 0..20_000 {
        progress.on_event(&event);
    }
    let by_time = started.elapsed().as_millis() / FLUSH_EVERY.as_millis() + 1;
    assert!(u128::from(shared.flushes()) <= by_time, "{} flushes", shared.flushes());
    progress.on_event(&Event::Finished(Box::default()));
    assert_eq!(shared.text().lines().count(), 20_000);
}

#[test]
fn a_run_of_many_rows_is_told_in_parts_and_its_problems_one_by_one() {
    let (shared, plan) = (Shared::default(), sample::plan());
    let mode = ProgressMode::Lines(Box::new(shared.clone()));
    let mut progress = Progress::new(mode, &plan, Styles::plain());
    progress.on_event(&Event::Started { to_do: 3000 });
    let outcomes = sample::outcomes();
    let [invited, failed] = [0, 2].map(|at| outcomes[at].clone().unwrap());
    for n in 0..3000 {
        let outcome = if n == 1200 { failed.clone() } else { invited.clone() };
        let index = if n == 1200 { 2 } else { 0 };
        progress.on_event(&Event::RowFinished { index, line: n + 2, from: None, outcome });
    }
    progress.on_event(&Event::Finished(Box::default()));
    let text = shared.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 22, "what is to do, twenty parts, one failure: {text}");
    assert_eq!(lines[0], "3000 rows to do");
    assert!(lines[1].starts_with("150 of 3000 rows (5 %)"), "{text}");
    assert!(lines[1].ends_with("150 invited"), "{text}");
    assert!(lines[9].starts_with("line 1202  failed "), "{text}");
    assert!(lines[21].starts_with("3000 of 3000 rows (100 %)"), "{text}");
}

#[test]
fn a_short_run_shows_no_bar() {
    let (shared, plan) = (Shared::default(), sample::plan());
    let target = ProgressDrawTarget::term_like(Box::new(shared.clone()));
    let mut progress = Progress::new(ProgressMode::Bar(target, 100), &plan, Styles::plain());
    progress.on_event(&Event::Started { to_do: 6 });
    progress.on_event(&Event::Finished(Box::default()));
    assert!(!shared.text().contains("0/6"), "{}", shared.text());
}

#[test]
fn a_longer_run_shows_the_bar_with_problems_above_it() {
    let (shared, plan) = (Shared::default(), sample::plan());
    let target = ProgressDrawTarget::term_like(Box::new(shared.clone()));
    let mut progress = Progress::new(ProgressMode::Bar(target, 100), &plan, Styles::plain());
    progress.on_event(&Event::Started { to_do: 6 });
    let waited = Instant::now();
    while !shared.text().contains(" 0/6") {
        assert!(waited.elapsed() < Duration::from_secs(10), "{}", shared.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(waited.elapsed() >= Duration::from_millis(200));
    for event in events().into_iter().skip(1) {
        progress.on_event(&event);
    }
    let text = shared.text();
    assert!(text.contains("stopping: the tenant says stop"), "{text}");
    assert!(text.contains("line 4     failed"), "{text}");
    assert!(!text.contains("line 2     invited"), "{text}");
    assert!(text.contains("canary passed: 1 row sent and verified"), "{text}");
    // Why it failed is on lines of its own where there is no room for it.
    let head = "line 5     unknown       dan@northwind.example:";
    let why = "    the connection was lost after the request left; the guest is unchanged since";
    assert!(text.contains(&format!("{head:<100}{why}")), "{text}");
}

#[test]
fn progress_may_move_to_the_engine_s_thread() {
    fn sendable<T: Send>() {}
    sendable::<Progress<'_>>();
}
