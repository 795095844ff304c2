//! A command's end as the body of a webhook: everything for a program, or a
//! message of at most five lines for a channel.
//!
//! Leaves to others: sending it.

use serde_json::{Value, json};

use crate::report::{seconds, stamp};

use super::ending::{Ending, Verdict};

/// The version of the generic body. Keys are only ever added to it.
const SCHEMA: u8 = 1;

/// The body for a program of one's own.
pub(super) fn webhook_json(ending: &Ending) -> Value {
    json!({
        "schema": SCHEMA,
        "event": "finished",
        "run_id": ending.run_id,
        "command": ending.command,
        "result": ending.verdict,
        "exit_code": ending.exit_code,
        "meaning": ending.meaning,
        "to_do": ending.to_do,
        "stop_reason": ending.stop_reason,
        "stop_message": ending.stop_message,
        "tenant_id": ending.tenant_id(),
        "tenant_name": ending.tenant_name,
        "manifest": ending.manifest,
        "checkpoint": ending.checkpoint,
        "started_at": stamp(ending.started_at),
        "ended_at": stamp(ending.ended_at),
        "duration_seconds": seconds(ending.duration),
        "summary": ending.summary(),
    })
}

/// The body for Slack's incoming webhooks. Three characters are special in its texts
/// (Slack, *Formatting text for app surfaces*); without `mrkdwn`, stars and the like
/// are not.
pub(super) fn webhook_slack(ending: &Ending) -> Value {
    let text = ending.lines().join("\n");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": text, "mrkdwn": false })
}

/// The body for a Teams workflow "When a Teams webhook request is received": an
/// adaptive card. Its text runs, other than its text blocks, know no Markdown, so
/// that a name with a star or a bracket in it stays what it is.
pub(super) fn webhook_teams(ending: &Ending) -> Value {
    let colour = match ending.verdict {
        Verdict::Success => "Good",
        Verdict::Skipped => "Default",
        Verdict::Failure => "Attention",
    };
    let block = |position: usize, text: &String| {
        let (weight, colour) =
            if position == 0 { ("Bolder", colour) } else { ("Default", "Default") };
        json!({
            "type": "RichTextBlock",
            "inlines": [{ "type": "TextRun", "text": text, "weight": weight, "color": colour }],
        })
    };
    let lines = ending.lines();
    let body: Vec<_> = lines.iter().enumerate().map(|(at, text)| block(at, text)).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::ending::tests::stopped_night;
    use super::*;

    #[test]
    fn a_program_is_told_everything() {
        insta::assert_json_snapshot!(webhook_json(&stopped_night()), @r#"
        {
          "checkpoint": "nights/guests.csv.checkpoint",
          "command": "apply",
          "duration_seconds": 192.4,
          "ended_at": "2026-03-02T02:03:12.400Z",
          "event": "finished",
          "exit_code": 5,
          "manifest": "nights/guests \"old\".csv",
          "meaning": "stopped by a safety limit or by the tenant",
          "result": "failure",
          "run_id": "00000000-0000-0000-0000-000000000000",
          "schema": 1,
          "started_at": "2026-03-02T02:00:00.000Z",
          "stop_message": "the tenant says stop: Guest invitations are blocked for suspicious activity",
          "stop_reason": "invitations-blocked",
          "summary": {
            "blocked": 5,
            "elapsed_seconds": 192.4,
            "exit_code": 5,
            "failed": 1,
            "invited": 2,
            "mail_failed": 0,
            "mail_files": 0,
            "mail_unknown": 0,
            "mailed": 0,
            "not_attempted": 2,
            "not_invited": 0,
            "patched": 4,
            "plan_digest": "f1ff",
            "retries": 7,
            "rows": 14,
            "settled": 3,
            "started_at": "2026-03-02T02:00:00.000Z",
            "stop_message": "the tenant says stop: Guest invitations are blocked for suspicious activity",
            "stop_reason": "invitations-blocked",
            "tenant_id": "7d1c2a40-0000-4000-8000-0000000000aa",
            "tenant_name": "Contoso *Ltd*",
            "throttle_wait_seconds": 12.5,
            "throttled": 1,
            "unknown": 1
          },
          "tenant_id": "7d1c2a40-0000-4000-8000-0000000000aa",
          "tenant_name": "Contoso *Ltd*",
          "to_do": "ask Microsoft support <today> & wait"
        }
        "#);
    }

    #[test]
    fn slack_takes_three_characters_escaped() {
        insta::assert_json_snapshot!(webhook_slack(&stopped_night()), @r#"
        {
          "mrkdwn": false,
          "text": "reinvite apply nights/guests \"old\".csv: stopped by a safety limit or by the tenant (exit code 5)\nTenant: Contoso *Ltd* (7d1c2a40-0000-4000-8000-0000000000aa)\n14 rows: 2 invited, 3 settled, 5 blocked, 1 failed, 1 unknown, 2 not attempted\nWhy: the tenant says stop: Guest invitations are blocked for suspicious activity\nTo do: ask Microsoft support &lt;today&gt; &amp; wait"
        }
        "#);
    }

    #[test]
    fn teams_takes_a_card_whose_texts_are_taken_literally() {
        insta::assert_json_snapshot!(webhook_teams(&stopped_night()), @r#"
        {
          "attachments": [
            {
              "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "body": [
                  {
                    "inlines": [
                      {
                        "color": "Attention",
                        "text": "reinvite apply nights/guests \"old\".csv: stopped by a safety limit or by the tenant (exit code 5)",
                        "type": "TextRun",
                        "weight": "Bolder"
                      }
                    ],
                    "type": "RichTextBlock"
                  },
                  {
                    "inlines": [
                      {
                        "color": "Default",
                        "text": "Tenant: Contoso *Ltd* (7d1c2a40-0000-4000-8000-0000000000aa)",
                        "type": "TextRun",
                        "weight": "Default"
                      }
                    ],
                    "type": "RichTextBlock"
                  },
                  {
                    "inlines": [
                      {
                        "color": "Default",
                        "text": "14 rows: 2 invited, 3 settled, 5 blocked, 1 failed, 1 unknown, 2 not attempted",
                        "type": "TextRun",
                        "weight": "Default"
                      }
                    ],
                    "type": "RichTextBlock"
                  },
                  {
                    "inlines": [
                      {
                        "color": "Default",
                        "text": "Why: the tenant says stop: Guest invitations are blocked for suspicious activity",
                        "type": "TextRun",
                        "weight": "Default"
                      }
                    ],
                    "type": "RichTextBlock"
                  },
                  {
                    "inlines": [
                      {
                        "color": "Default",
                        "text": "To do: ask Microsoft support <today> & wait",
                        "type": "TextRun",
                        "weight": "Default"
                      }
                    ],
                    "type": "RichTextBlock"
                  }
                ],
                "type": "AdaptiveCard",
                "version": "1.4"
              },
              "contentType": "application/vnd.microsoft.card.adaptive",
              "contentUrl": null
            }
          ],
          "type": "message"
        }
        "#);
    }
}
