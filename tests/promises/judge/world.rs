//! A campaign that lives by the throw of dice, and is judged after every run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use reinvite::config::KeepLinks::{UntilRedeemed, UntilSent};
use reinvite::config::{DeliverySettings, DeliveryWay, RemindSettings};
use reinvite::emulator::{Emulator, Lag};

use super::mails::{GAP, MAILBOX, MOST, Way};
use super::model::Model;
use super::weather::{fault, mailbox_fault};
use crate::mails::delivery;
use crate::support::{Campaign, Command, Cut, Ended, id, seconds};

/// As `[pace] replication_lag` says.
const LAG: Duration = Duration::from_mins(5);

pub(super) struct World<'s> {
    dice: Rng,
    /// For what was added since, so that a seed stays the campaign that it was.
    more_dice: Rng,
    /// The same once more.
    mail_dice: Rng,
    story: &'s Mutex<Vec<String>>,
    campaign: Option<Campaign>,
    model: Model,
    guests: u32,
    /// Whether people meddle, beyond editing the manifest and redeeming.
    has_people: bool,
    /// Whether anything is wrong with the tenant just now.
    is_foul: bool,
    /// Whether nothing will be wrong any more.
    is_fair: bool,
}

/// Somebody's hand in the middle of a run, and when and what it did.
struct Hand {
    n: u32,
    is_redemption: bool,
    done: Arc<Mutex<Option<(Timestamp, String)>>>,
}

/// Does something to a guest, and says what.
fn meddle(emulator: &Emulator, n: u32, what: u8) -> String {
    match what {
        0 => {
            emulator.delete(&id(n));
            "deleted".to_owned()
        }
        1 => {
            emulator.reinvite(&id(n));
            "invited by hand".to_owned()
        }
        other => {
            let mut choices = addresses(n).to_vec();
            choices.push(format!("guest{n}@fabrikam.example"));
            let mail = choices[usize::from(other) - 2].clone();
            let said = format!("given {mail} by hand");
            emulator.edit(&id(n), |user| user.mail = Some(mail));
            said
        }
    }
}

/// The addresses a guest may be moved to.
fn addresses(n: u32) -> [String; 3] {
    ["northwind", "tailspin", "wingtip"].map(|domain| format!("guest{n}@{domain}.example"))
}

impl<'s> World<'s> {
    pub(super) fn new(seed: u64, story: &'s Mutex<Vec<String>>) -> Self {
        let mut dice = Rng::with_seed(seed);
        let guests = dice.u32(1..=4);
        let lag = |dice: &mut Rng| match dice.u8(0..4) {
            0 => Lag::None,
            1 => Lag::Fixed(seconds(dice.u64(1..30))),
            2 => Lag::Fixed(seconds(dice.u64(30..250))),
            _ => Lag::Spread(Duration::ZERO, seconds(dice.u64(1..250))),
        };
        let (read_lag, invitation_lag) = (lag(&mut dice), lag(&mut dice));
        let in_flight = *dice.choice([1, 4, 16].iter()).unwrap();
        let mut more_dice = Rng::with_seed(!seed);
        let has_mailbox = more_dice.u8(0..3) == 0;
        let keep_links = *more_dice.choice([UntilSent, UntilRedeemed].iter()).unwrap();
        let mail_lag = seconds(more_dice.u64(0..90));
        let reminds = more_dice.bool();
        let mut mail_dice = Rng::with_seed(seed ^ 0x00c0_ffee);
        let by = match mail_dice.u8(0..3) {
            _ if has_mailbox => DeliveryWay::Graph,
            0 => DeliveryWay::Files,
            _ => DeliveryWay::Microsoft,
        };
        // One more, of whom no manifest says anything.
        let campaign = Campaign::new()
            .guests(guests + 1)
            .behaviour(|options| {
                options.read_lag = read_lag;
                options.invitation_lag = invitation_lag;
                options.mail_lag = mail_lag;
            })
            .settings(|settings| {
                if by.is_own() {
                    settings.delivery = DeliverySettings { keep_links, ..delivery(by) };
                }
                if reminds {
                    let gap = Duration::try_from(GAP).unwrap();
                    let after = Some(gap);
                    settings.remind = RemindSettings { after, gap, max: MOST, ..settings.remind };
                }
            })
            .pace(20.0, u32::try_from(in_flight).unwrap(), in_flight);
        let has_people = dice.bool();
        let world = Self {
            dice,
            more_dice,
            mail_dice,
            story,
            campaign: Some(campaign),
            model: Model::new(guests, Way::Microsoft),
            guests,
            has_people,
            is_foul: false,
            is_fair: false,
        };
        world.tell(format!(
            "{guests} guests, reads lag {read_lag:?}, invitations {invitation_lag:?}, \
             {in_flight} in flight, reminders {reminds}, mails by {by:?} {keep_links:?} \
             {mail_lag:?}"
        ));
        world
    }

    fn tell(&self, what: String) {
        self.story.lock().unwrap().push(what);
    }

    fn emulator(&mut self) -> Emulator {
        self.campaign.as_mut().unwrap().emulator()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.u32(0..100) < percent
    }

    fn with(&mut self, change: impl FnOnce(Campaign) -> Campaign) {
        let campaign = self.campaign.take().unwrap();
        self.campaign = Some(change(campaign));
    }

    /// Where the mails go.
    fn open_the_way(&mut self) {
        let campaign = self.campaign.as_mut().unwrap();
        let by = campaign.settings.delivery.by;
        self.model.way = match by {
            // On real sockets and so on the real clock: `mail_crash` plays it.
            DeliveryWay::Microsoft | DeliveryWay::Smtp | DeliveryWay::None => Way::Microsoft,
            DeliveryWay::Graph => Way::Mailbox,
            DeliveryWay::Files => {
                let folder = campaign.checkpoint().with_file_name("mails");
                campaign.settings.delivery.folder = Some(folder.clone());
                Way::Folder(folder)
            }
        };
    }

    pub(super) async fn play(mut self) {
        self.open_the_way();
        for n in 1..=self.guests {
            if self.chance(85) {
                self.want(n);
            }
        }
        for _ in 0..self.dice.u32(3..9) {
            self.between_runs();
            if self.rows().is_empty() {
                self.want(1);
            }
            self.time_passes().await;
            self.run().await;
        }
        self.fair_weather().await;
    }

    /// A guest is to be moved somewhere.
    fn want(&mut self, n: u32) {
        let wanted = self.dice.choice(addresses(n)).unwrap();
        self.tell(format!("guest {n} is to have {wanted}"));
        self.model.guests.get_mut(&n).unwrap().wanted = Some(wanted);
    }

    fn between_runs(&mut self) {
        for n in 1..=self.guests {
            match self.dice.u8(0..20) {
                0..=2 => self.want(n),
                3 => {
                    self.tell(format!("guest {n} leaves the manifest"));
                    self.model.guests.get_mut(&n).unwrap().wanted = None;
                }
                4..=6 => self.redeem(n),
                7 if self.has_people => self.meddle(n),
                _ => {}
            }
        }
    }

    /// A guest redeems its invitation, if it has one.
    fn redeem(&mut self, n: u32) {
        let emulator = self.emulator();
        let state = emulator.user(&id(n)).and_then(|user| user.external_user_state);
        if state.as_deref() == Some("PendingAcceptance") {
            self.tell(format!("guest {n} redeems"));
            emulator.redeem(&id(n));
            let guest = self.model.guests.get_mut(&n).unwrap();
            guest.is_redeemed = true;
            guest.redeemed_at.push(emulator.now());
        }
    }

    /// Somebody does something to a guest.
    fn meddle(&mut self, n: u32) {
        let emulator = self.emulator();
        let guest = self.model.guests.get_mut(&n).unwrap();
        guest.meddled_at = Some(emulator.now());
        let what = meddle(&emulator, n, self.dice.u8(0..6));
        self.tell(format!("guest {n} is {what}"));
    }

    /// Somebody will do something to a guest in the middle of the next run.
    fn hand(&mut self) -> Option<Hand> {
        if self.more_dice.u8(0..4) > 0 {
            return None;
        }
        let (n, at_request) = (self.more_dice.u32(1..=self.guests), self.more_dice.usize(1..30));
        let meddles = self.has_people && self.more_dice.bool();
        let what = meddles.then(|| self.more_dice.u8(0..6));
        let (emulator, done) = (self.emulator(), Arc::new(Mutex::new(None)));
        let hand = Hand { n, is_redemption: what.is_none(), done: Arc::clone(&done) };
        self.with(|campaign| {
            campaign.at_each_request(move |request, _| {
                if request == at_request {
                    let said = match what {
                        Some(what) => meddle(&emulator, n, what),
                        None if emulator.redeem(&id(n)) => "redeemed".to_owned(),
                        None => return,
                    };
                    let said = format!("     at request {request} guest {n} is {said}");
                    *done.lock().unwrap() = Some((emulator.now(), said));
                }
            })
        });
        Some(hand)
    }

    fn note(&mut self, hand: &Hand) {
        let Some((at, said)) = hand.done.lock().unwrap().take() else { return };
        self.tell(said);
        let guest = self.model.guests.get_mut(&hand.n).unwrap();
        if hand.is_redemption {
            guest.is_redeemed = true;
            guest.redeemed_at.push(at);
        } else {
            guest.meddled_at = Some(at);
        }
    }

    async fn time_passes(&mut self) {
        let time = match self.dice.u8(0..5) {
            0 => Duration::ZERO,
            1 => seconds(self.dice.u64(1..60)),
            2 => seconds(self.dice.u64(60..600)),
            3 => seconds(self.dice.u64(600..7_200)),
            _ => Duration::from_hours(24),
        };
        if !time.is_zero() {
            self.tell(format!("{time:?} later"));
        }
        tokio::time::sleep(time).await;
    }

    async fn run(&mut self) {
        for _ in 0..self.dice.u32(0..4) {
            let fault = fault(&mut self.dice, self.guests);
            self.tell(format!("  {fault:?}"));
            self.emulator().inject(fault);
            self.is_foul = true;
        }
        let is_shut = match &self.model.way {
            Way::Folder(folder) if self.mail_dice.u8(0..5) == 0 => {
                self.tell("  the list of links can't be written".to_owned());
                // A directory is in its place.
                std::fs::create_dir_all(folder.join("links.csv.partial/x")).unwrap();
                self.is_foul = true;
                Some(folder.join("links.csv.partial"))
            }
            Way::Folder(_) | Way::Microsoft | Way::Mailbox => None,
        };
        if matches!(self.model.way, Way::Mailbox) && self.more_dice.u8(0..3) == 0 {
            let fault = mailbox_fault(&mut self.more_dice, MAILBOX);
            self.tell(format!("  {fault:?}"));
            self.emulator().inject(fault);
            self.is_foul = true;
        }
        let command = match self.dice.u8(0..10) {
            0..=5 => Command::Apply,
            6..=8 => Command::Reconcile,
            _ => Command::Verify,
        };
        let retry_failed = self.chance(20);
        let resend = if command == Command::Apply && self.chance(15) {
            let wanted: Vec<u32> = self.rows().iter().map(|(n, _)| *n).collect();
            // The first line is the heading.
            (!wanted.is_empty()).then(|| self.dice.usize(0..wanted.len()) + 2)
        } else {
            None
        };
        let cut = match self.dice.u8(0..8) {
            0 => Some(Cut::Before(self.dice.usize(1..40))),
            1 => Some(Cut::After(self.dice.usize(1..40))),
            2 => {
                let after = SignedDuration::from_secs(self.dice.i64(0..400));
                Some(Cut::At(self.emulator().now() + after))
            }
            _ => None,
        };
        self.begin(command, retry_failed, resend, cut).await;
        if let Some(in_the_way) = is_shut {
            std::fs::remove_dir_all(in_the_way).unwrap();
        }
    }

    /// The guests that the manifest asks for, in its order.
    fn rows(&self) -> Vec<(u32, String)> {
        let wanted = |(n, guest): (&u32, &super::model::Guest)| Some((*n, guest.wanted.clone()?));
        self.model.guests.iter().filter_map(wanted).collect()
    }

    async fn begin(
        &mut self,
        command: Command,
        retry_failed: bool,
        resend: Option<usize>,
        cut: Option<Cut>,
    ) -> Ended {
        let emulator = self.emulator();
        // A campaign begins by planning something.
        if command == Command::Verify && !self.campaign.as_ref().unwrap().checkpoint().exists() {
            return Ended::Cut;
        }
        self.tell(format!(
            "{}: {command:?}{}{}{}",
            emulator.now().strftime("%d %H:%M:%S"),
            if retry_failed { " --retry-failed" } else { "" },
            resend.map(|line| format!(" --resend {line}")).unwrap_or_default(),
            cut.map(|cut| format!(", killed {cut:?}")).unwrap_or_default(),
        ));
        let rows = self.rows();
        self.with(|campaign| {
            let mut campaign = campaign.rows(rows.into_iter().map(|(n, wanted)| (id(n), wanted)));
            campaign.retry_failed = retry_failed;
            campaign.resend = resend.map(|line| ([line.to_string()].into(), "the mail was lost"));
            match cut {
                Some(cut) => campaign.cut(cut),
                None => campaign,
            }
        });
        if command != Command::Verify {
            self.model.asked();
        }
        let hand = if self.is_fair { None } else { self.hand() };
        // What people did before that, every replica shows.
        let settled = emulator.now() - LAG;
        let ended = self.campaign.as_mut().unwrap().command(command).await;
        self.campaign.as_mut().unwrap().resend = None;
        if let Some(hand) = hand {
            self.note(&hand);
        }
        let now = emulator.now().strftime("%H:%M:%S");
        self.tell(match &ended {
            Ended::Failed(error) => format!("  -> {now} {error}"),
            Ended::Refused(why) => format!("  -> {now} refused: {why}"),
            ended => format!("  -> {now} {ended:?}"),
        });
        if let Ended::Failed(error) = &ended {
            assert!(self.is_foul, "without any fault: {error}");
        }
        let campaign = self.campaign.as_ref().unwrap();
        if campaign.checkpoint().exists() {
            for told in [
                "SELECT '     line ' || line || ' ' || decision || ' ' || reason FROM manifest_row",
                "SELECT '     ' || substr(user_id, 8, 1) || ' ' || address || ' ' || state FROM row",
                "SELECT '     mail to ' || address || ' ' || state FROM mail",
            ] {
                for told in campaign.query(told) {
                    self.tell(told);
                }
            }
        }
        self.model.judge_writes(&emulator, campaign);
        if let Ended::Out(0) = ended {
            // A look knows of the manifest that a run planned last.
            let is_planned = command != Command::Verify || self.model.is_planned(campaign);
            let in_need = self.model.in_need(&emulator, settled);
            assert!(!is_planned || in_need.is_empty(), "exit 0, and {in_need:?}");
            let open = self.model.open_requests(&emulator, campaign);
            assert!(!is_planned || open.is_empty(), "exit 0, and {open:?}");
            let unknown = campaign.status().counts.unknown;
            assert!(!is_planned || unknown == 0, "exit 0, and {unknown} unknown");
        }
        ended
    }

    /// No more faults, no more people, and time for every replica: everybody gets there.
    async fn fair_weather(&mut self) {
        self.tell("fair weather".to_owned());
        let emulator = self.emulator();
        emulator.heal();
        (self.is_foul, self.is_fair) = (false, true);
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_hours(24)).await;
            let ended = self.begin(Command::Apply, true, None, None).await;
            assert!(matches!(ended, Ended::Out(_)), "{ended:?}");
            if matches!(ended, Ended::Out(0)) {
                break;
            }
        }
        // Only whom somebody meddled with may need a person, and who redeemed while an answer
        // was lost: then nobody can tell which invitation it was.
        let needs_a_person = |n: u32| {
            let guest = &self.model.guests[&n];
            guest.meddled_at.is_some() || guest.is_redeemed
        };
        let in_need = self.model.in_need(&emulator, emulator.now());
        let stuck: Vec<_> = in_need.into_iter().filter(|(n, _)| !needs_a_person(*n)).collect();
        assert!(stuck.is_empty(), "never got there: {stuck:?}");
        let ended = self.begin(Command::Apply, false, None, None).await;
        let status = self.campaign.as_ref().unwrap().status();
        let unknown = status.counts.unknown + status.mails.unknown;
        if !self.has_people && unknown == 0 && !self.model.is_anybody_left(&emulator) {
            assert!(matches!(ended, Ended::Out(0)), "nobody meddled, and it ends with {ended:?}");
        }
        if self.campaign.as_ref().unwrap().checkpoint().exists() {
            self.begin(Command::Verify, false, None, None).await;
        }
    }
}
