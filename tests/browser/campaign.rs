//! A campaign's checkpoint with everything a report can show, written through the
//! library as a run and `verify` would.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use reinvite::checkpoint::{
    BeforeImage, Checkpoint, IntentReason, InvitedHow, ManifestRow, Planned, Record, RunEnd,
    RunStart,
};
use reinvite::domain::{Email, InvitationKey, Redemption, Shows, Sighting, UserId};

/// Names made to break out of a page, a script, an attribute, or the order of letters.
pub(crate) const HOSTILE: [&str; 4] = [
    "</script><script>window.pwned=1</script>@northwind.example",
    "\"><img src=x onerror=\"window.pwned=1\">@northwind.example",
    "{{ 7*7 }}{% raw %}<!--@northwind.example",
    "ada\u{202e}elpmaxe.kirbaf@northwind.example",
];

const FORM: &str = r#"{"format":"csv","encoding":"utf8","delimiter":",","preamble":"","header":["user","new_email"]}"#;

/// What becomes of the row on a line.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Redeemed,
    Pending,
    Failed,
    Unknown,
    Blocked,
    NotReached,
}

fn fate(n: u32) -> Fate {
    match n {
        0..4 => Fate::Blocked,
        n if n % 29 == 0 => Fate::Failed,
        n if n % 37 == 0 => Fate::Unknown,
        n if n % 41 == 0 => Fate::NotReached,
        n if n % 3 == 0 => Fate::Pending,
        _ => Fate::Redeemed,
    }
}

struct Guest {
    user: String,
    key: InvitationKey,
    fate: Fate,
    line: u32,
}

fn guest(n: u32) -> Guest {
    let domain = ["fabrikam", "tailspin", "wingtip"][n as usize % 7 % 3];
    Guest {
        user: match HOSTILE.get(n as usize) {
            Some(name) => (*name).to_owned(),
            None => format!("guest{n}@northwind.example"),
        },
        key: InvitationKey {
            user_id: UserId::parse(&format!("{n:08x}-0000-4000-8000-00000000c0de")).unwrap(),
            address: Email::parse(&format!("guest{n}@{domain}.example")).unwrap(),
        },
        fate: fate(n),
        line: n + 2,
    }
}

/// Writes the checkpoint of a campaign of so many rows.
pub(crate) fn checkpoint(directory: &Path, manifest: &str, rows: u32) -> PathBuf {
    let path = directory.join(format!("{manifest}.checkpoint"));
    let began = Timestamp::now() - SignedDuration::from_hours(24 * 20);
    let guests: Vec<Guest> = (0..rows).map(guest).collect();
    let checkpoint = Checkpoint::open(&path, began).unwrap();
    checkpoint.claim("7d1c2a40-0000-4000-8000-0000000000aa", "contoso.example").unwrap();
    let start = RunStart {
        command: "apply",
        at: began,
        manifest,
        tenant_name: Some("Contoso <b>"),
        plan_digest: String::new(),
        manifest_form: FORM.to_owned(),
    };
    let planned = guests.iter().map(|guest| ManifestRow {
        line: guest.line,
        user: guest.user.clone(),
        user_id: (guest.fate != Fate::Blocked).then_some(guest.key.user_id),
        address: Some(guest.key.address.clone()),
        decision: if guest.fate == Fate::Blocked { Planned::Blocked } else { Planned::Change },
        reason: if guest.fate == Fate::Blocked { "not-found" } else { "new-address" }.to_owned(),
        explanation: if guest.fate == Fate::Blocked {
            "no user has this object id, UPN or address".to_owned()
        } else {
            String::new()
        },
        cells: "[]".to_owned(),
    });
    let journal = checkpoint.begin_run(&start, planned).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut at = began;
    let waits = journal.waits();
    runtime.block_on(async {
        // Handed in together, so that they share their commits.
        let mut records = Vec::new();
        for (n, guest) in guests.iter().enumerate() {
            at += SignedDuration::from_millis(900);
            if n == guests.len() / 3 || n == guests.len() / 2 {
                waits.note(at, Some("Tenant"), 9.0);
                at += SignedDuration::from_secs(9);
            }
            records.extend(story(guest).into_iter().map(|record| (record, at)));
        }
        for chunk in records.chunks(4096) {
            futures_util::future::join_all(
                chunk.iter().map(|(record, at)| journal.append(record.clone(), *at)),
            )
            .await
            .into_iter()
            .for_each(Result::unwrap);
        }
    });
    let summary = r#"{"invited":1,"failed":1,"unknown":1,"throttled":2}"#.to_owned();
    journal
        .end_run(&RunEnd { at, stop_reason: Some("time-budget"), exit_code: 9, summary })
        .unwrap();
    verify(&path, began, &guests);
    path
}

fn story(guest: &Guest) -> Vec<Record> {
    let key = guest.key.clone();
    let reference = guest.user.to_lowercase();
    let before = BeforeImage { mail: Some(guest.user.clone()), other_mails: Vec::new() };
    let patching =
        Record::Patching { key: key.clone(), reference: reference.clone(), before, anew: false };
    let patched = Record::Patched { key: key.clone() };
    let before = Redemption::default();
    let reason = IntentReason::NewAddress;
    let silent = false;
    let intended =
        Record::Intended { key: key.clone(), reference, reason, before, silent, anew: false };
    match guest.fate {
        Fate::Redeemed | Fate::Pending => {
            vec![patching, patched, intended, Record::Invited { key, how: InvitedHow::Accepted }]
        }
        Fate::Failed => {
            let failed = Record::Failed {
                key,
                code: "address-conflict".to_owned(),
                message: "400: <b>another</b> object has it".to_owned(),
                advice: "release the address first".to_owned(),
                request_id: Some("0000aaaa-11bb-cccc-dd22-eeeeee333333".to_owned()),
                anew: true,
            };
            vec![patching, failed]
        }
        Fate::Unknown => {
            let evidence = "no answer: connection reset".to_owned();
            vec![patching, patched, intended, Record::Unknown { key, evidence }]
        }
        Fate::Blocked | Fate::NotReached => Vec::new(),
    }
}

/// What `verify` would have seen: some redeemed one after the other, some pending.
fn verify(path: &Path, began: Timestamp, guests: &[Guest]) {
    let looked = Timestamp::now();
    let journal = Checkpoint::open(path, looked).unwrap().begin_look("verify", looked).unwrap();
    let seen = (1..).zip(guests).filter_map(|(n, guest)| {
        let (shows, hours) = match guest.fate {
            Fate::Redeemed => (Shows::Redeemed, 1 + n % 400),
            Fate::Pending => (Shows::Pending, 0),
            Fate::Failed | Fate::Unknown | Fate::Blocked | Fate::NotReached => return None,
        };
        let since = Some(began + SignedDuration::from_hours(hours));
        Some(Record::Seen(Sighting { key: guest.key.clone(), shows, since }))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let appended = seen.map(|record| journal.append(record, looked));
    for appended in runtime.block_on(futures_util::future::join_all(appended)) {
        appended.unwrap();
    }
    let summary = "{}".to_owned();
    journal.end_run(&RunEnd { at: looked, stop_reason: None, exit_code: 0, summary }).unwrap();
}
