//! Faults of the wire as a destination meets them: each by a scripted receiver, on a real socket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::{AckCode, Message};
use hl7_mllp::scripted::{Act, Answer as Said, Receiver, Script};
use hl7_mllp::{
    ApplicationAcks, Client, ClientBuilder, Reply, Request, ResolveError, Resolver, Resolving, Server,
};
use hl7_sender::{Destination, Outcome, Sender, SettleOn, State, Status};

use crate::peer::{Folder, PATIENCE, delivered, message, nowhere, outcome, quick, state, until, vacant};

/// Long enough for an answer on this machine, and short for a test that waits for it to pass.
const SHORT: Duration = Duration::from_millis(250);
/// Longer than it takes to look.
const VISIBLE: Duration = Duration::from_millis(80);

fn to(receiver: &Receiver) -> Destination {
    by(receiver, Client::builder())
}

fn by(receiver: &Receiver, client: ClientBuilder) -> Destination {
    Destination::mllp_with("ehr", receiver.address().to_string(), client.ack_timeout(SHORT)).retry(quick())
}

/// A message with these values of MSH-15 and MSH-16.
fn asking(control_id: &str, accept: &str, application: &str) -> Message<'static> {
    let text = format!(
        "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102030405||ADT^A08^ADT_A01|{control_id}|P|2.5.1|||{accept}|{application}\rPID|1||a\r"
    );
    Message::parse(&text).unwrap().into_owned()
}

/// A receiver that plays these scripts, one connection after the other.
async fn playing(scripts: impl IntoIterator<Item = Script>) -> Receiver {
    Receiver::start_at("127.0.0.1:0".parse().unwrap(), scripts).await.unwrap()
}

/// The first connection is broken as the script says, the next one is not: the message goes out twice, the same, and the attempts are counted.
async fn goes_again(first: Script, code: &str) {
    // The good answer takes so long that the failure can be seen before.
    let receiver = playing([first, Script::after(VISIBLE)]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let failed = until(&sender, &receipt, |status| status.last_failure().is_some()).await;
    assert_eq!(failed.last_failure(), Some(code));
    assert!(!failed.state().is_settled());
    delivered(&receipt).await;
    let status = receipt.status().await.unwrap();
    assert_eq!((status.attempts(), status.last_failure()), (2, None), "{code}");
    assert_eq!(receiver.control_ids().last().unwrap(), "m-1");
    assert_eq!(receiver.connections(), 2, "a new connection");
    let attempts = sender.attempts(&receipt.id()).await.unwrap();
    let [first, last] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!((first.number, first.failure.as_deref(), first.is_indeterminate()), (1, Some(code), true));
    assert_eq!((last.number, last.failure.as_deref(), last.answered), (2, None, true));
    assert!(first.sent_at <= Some(first.ended_at) && first.ended_at <= last.sent_at.unwrap());
}

/// The receiver answers so for ever: never delivered, and after three answers held.
async fn is_held(sender: &Sender, receiver: &Receiver, code: &str, answers: usize) -> Status {
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let held = state(sender, &receipt, State::Held).await;
    assert_eq!((held.last_failure(), held.attempts() as usize), (Some(code), answers));
    assert_eq!(receiver.control_ids().len(), answers);
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_01_sender_a_receiver_that_falls_silent_is_given_up_and_its_connection_with_it() {
    goes_again(Script::half_open(), "N111").await;
    goes_again(Script::stops_mid_ack(), "N111").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_02_sender_a_connection_that_is_never_answered_ends_at_its_deadline() {
    // A resolver that hangs stands for the network that swallows everything: the deadline is one for all of it.
    struct Hangs;
    impl Resolver for Hangs {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let folder = Folder::new();
    let client = Client::builder().resolver(Hangs).connect_timeout(Duration::from_millis(30));
    let sender =
        folder.sender(Destination::mllp_with("ehr", "ehr.example:2575", client).retry(quick())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = until(&sender, &receipt, |status| status.last_failure().is_some()).await;
    assert_eq!((status.last_failure(), status.attempts()), (Some("N204"), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_03_sender_a_refused_connection_costs_no_attempt_and_is_shown() {
    let address = vacant();
    let folder = Folder::new();
    let destination = Destination::mllp("ehr", address.to_string()).retry(quick().max_attempts(1));
    let sender = folder.sender(destination).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.last_failure() == Some("N203")).await;
    let shown = sender.destination("ehr").unwrap();
    assert_eq!((shown.unreachable(), shown.needs_help()), (Some("N203"), false));
    assert!(shown.failures() > 0 && shown.next_try_in().is_some() && shown.unreachable_for().is_some());
    let _receiver = Receiver::start_at(address, [Script::proper()]).await.unwrap();
    delivered(&receipt).await;
    assert_eq!(receipt.status().await.unwrap().attempts(), 1);
    assert_eq!(sender.destination("ehr").unwrap().unreachable(), None);
}

/// Addresses, or whether the name may exist after all.
type Found = Result<Vec<SocketAddr>, bool>;

/// Answers what it is told, one after the other and the last for ever.
#[derive(Clone, Default)]
struct Zone {
    answers: Arc<Mutex<VecDeque<Found>>>,
    asked: Arc<Mutex<usize>>,
}

impl Zone {
    fn of(answers: impl IntoIterator<Item = Found>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    fn tell(&self, answer: Vec<SocketAddr>) {
        *self.answers.lock().unwrap() = VecDeque::from([Ok(answer)]);
    }
}

impl Resolver for Zone {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        *self.asked.lock().unwrap() += 1;
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let answer = answer.unwrap().map_err(|exists| match exists {
            true => ResolveError::passing(io::Error::other("SERVFAIL")),
            false => ResolveError::no_such_name(),
        });
        Box::pin(async { answer })
    }
}

fn named(zone: &Zone) -> Destination {
    Destination::mllp_with("ehr", "ehr.example:2575", Client::builder().resolver(zone.clone())).retry(quick())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_04_sender_every_connection_asks_for_the_name_anew_and_tries_every_address() {
    let receiver = playing([Script::proper().idle(Duration::from_millis(30)), Script::proper()]).await;
    let other = playing([Script::proper()]).await;
    let zone = Zone::of([Ok(vec![nowhere()]), Ok(vec![nowhere(), receiver.address()])]);
    let folder = Folder::new();
    let sender = folder.sender(named(&zone)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    // The receiver moves, and closes the connection there is.
    zone.tell(vec![other.address()]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let moved = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    delivered(&moved).await;
    assert_eq!(
        (receiver.control_ids(), other.control_ids()),
        (vec!["m-1".to_owned()], vec!["m-2".to_owned()])
    );
    assert!(*zone.asked.lock().unwrap() >= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_05_sender_a_name_that_stays_unknown_is_told_and_still_tried() {
    let receiver = playing([Script::proper()]).await;
    for (passing, code) in [(true, "N202"), (false, "N207")] {
        let zone = Zone::of([Err(passing)]);
        let folder = Folder::new();
        let sender = folder.sender(named(&zone)).await;
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        let tries = async {
            while *zone.asked.lock().unwrap() < 8 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, tries).await.expect("it is tried on");
        let shown = sender.destination("ehr").unwrap();
        assert_eq!((shown.unreachable(), shown.needs_help()), (Some(code), !passing));
        zone.tell(vec![receiver.address()]);
        delivered(&receipt).await;
        assert!(!sender.destination("ehr").unwrap().needs_help());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_06_sender_a_reset_while_the_message_is_written_sends_it_again() {
    goes_again(Script::resets_while_reading(20), "N110").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_07_sender_half_an_acknowledgment_delivers_nothing() {
    goes_again(Script::resets_mid_ack(), "N110").await;
    goes_again(Script::resets_before_end(), "N110").await;
    goes_again(Script::closes_mid_ack(), "N113").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_07_sender_half_an_acknowledgment_is_no_answer_that_is_counted() {
    let receiver = playing([Script::closes_mid_ack(), Script::closes_before_end(), Script::proper()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver).retry(quick().max_rejections(1))).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    assert_eq!(receipt.status().await.unwrap().attempts(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_08_sender_an_end_without_an_answer_sends_it_again() {
    goes_again(Script::closes_without_answer(), "N112").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_09_sender_a_receiver_that_closes_when_idle_costs_no_attempt() {
    let receiver = playing([Script::closes_idle(Duration::from_millis(20))]).await;
    let folder = Folder::new();
    // With this delay a single one would be noticed.
    let hour = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = folder.sender(to(&receiver).retry(hour)).await;
    for n in 0..3 {
        let receipt = sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap();
        delivered(&receipt).await;
        assert_eq!(receipt.status().await.unwrap().attempts(), 1);
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(receiver.control_ids(), ["m-0", "m-1", "m-2"]);
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_11_sender_a_late_acknowledgment_settles_no_other_message() {
    let receiver = playing([Script::after(SHORT * 2), Script::after(VISIBLE)]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver)).await;
    let late = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let next = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    until(&sender, &late, |status| status.last_failure() == Some("N111")).await;
    for (receipt, id) in [(&late, "m-1"), (&next, "m-2")] {
        let Outcome::Delivered(ack) = outcome(receipt).await else { panic!("not delivered") };
        assert_eq!(ack.control_id(), id);
    }
    assert_eq!(receiver.control_ids(), ["m-1", "m-1", "m-2"]);
    assert_eq!(receiver.connections(), 2, "the connection on which it would come is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_12_sender_an_acknowledgment_of_another_message_is_never_taken() {
    goes_again(Script::wrong_control_id(), "N116").await;
    let receiver = playing([Script::wrong_control_id()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver).retry(quick().max_rejections(3))).await;
    is_held(&sender, &receiver, "N116", 3).await;
    assert_eq!(receiver.connections(), 3, "a connection each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_13_sender_a_missing_msa_2_is_taken_only_where_it_is_allowed() {
    goes_again(Script::no_control_id(), "N115").await;
    let receiver = playing([Script::no_control_id()]).await;
    let folder = Folder::new();
    let sender = folder.sender(by(&receiver, Client::builder().missing_control_id(true))).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    assert_eq!(receiver.control_ids(), ["m-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_14_sender_a_second_acknowledgment_reaches_no_other_message() {
    let receiver = playing([Script::answers_twice()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver)).await;
    for n in 0..4 {
        let receipt = sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap();
        let Outcome::Delivered(ack) = outcome(&receipt).await else { panic!("not delivered") };
        assert_eq!(ack.control_id(), format!("m-{n}"));
    }
    assert!(receiver.connections() >= 4, "none is used after the second acknowledgment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_15_sender_what_comes_before_the_message_is_no_answer_to_it() {
    let early = Said::bytes(*b"\x0BMSH|^~\\&|A\rMSA|AA|m-0\r\x1C\r");
    let first = Script::proper().opening([Act::Send(early)]);
    let receiver = playing([first, Script::proper()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let Outcome::Delivered(ack) = outcome(&receipt).await else { panic!("not delivered") };
    assert_eq!((ack.control_id(), receiver.connections()), ("m-1", 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_16_sender_what_is_no_acknowledgment_never_delivers_and_holds_in_the_end() {
    for script in
        [Script::no_msa(), Script::says_fail(), Script::html(), Script::xml(), Script::unknown_code()]
    {
        let receiver = playing([script]).await;
        let folder = Folder::new();
        let sender = folder.sender(to(&receiver).retry(quick().max_rejections(3))).await;
        let held = is_held(&sender, &receiver, "N114", 3).await;
        assert!(held.last_acknowledgment().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_21_sender_what_was_taken_is_never_sent_again_though_its_last_answer_is_missing() {
    let receiver = playing([Script::commit_only()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver)).await;
    let receipt = sender.enqueue("ehr", &asking("m-1", "NE", "AL")).await.unwrap();
    let next = sender.enqueue("ehr", &asking("m-2", "AL", "NE")).await.unwrap();
    assert!(matches!(outcome(&receipt).await, Outcome::Taken));
    let status = receipt.status().await.unwrap();
    assert_eq!(
        (status.state(), status.attempts(), status.last_failure()),
        (State::Delivered, 1, Some("N111"))
    );
    let Outcome::Delivered(ack) = outcome(&next).await else { panic!("not delivered") };
    assert_eq!(ack.code(), AckCode::CA);
    assert_eq!(receiver.control_ids(), ["m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_21_sender_settled_on_the_application_says_that_it_is_not_confirmed() {
    let receiver = playing([Script::commit_only(), Script::commit_then_application()]).await;
    let folder = Folder::new();
    let client = Client::builder().application_timeout(SHORT);
    let sender = folder.sender(by(&receiver, client).settle_on(SettleOn::Application)).await;
    let silent = sender.enqueue("ehr", &asking("m-1", "AL", "AL")).await.unwrap();
    let both = sender.enqueue("ehr", &asking("m-2", "AL", "AL")).await.unwrap();
    assert!(matches!(outcome(&silent).await, Outcome::Unconfirmed));
    let status = silent.status().await.unwrap();
    assert_eq!((status.state(), status.last_failure()), (State::Unconfirmed, Some("N111")));
    assert_eq!(status.last_acknowledgment().unwrap().code(), AckCode::CA);
    let Outcome::Delivered(ack) = outcome(&both).await else { panic!("not delivered") };
    assert_eq!(ack.code(), AckCode::AA);
    assert_eq!(receiver.control_ids(), ["m-1", "m-2"], "never sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_22_sender_an_application_acknowledgment_on_another_connection_settles_its_message() {
    let acks = ApplicationAcks::new();
    let handed = acks.clone();
    let listener = Server::bind("127.0.0.1:0").await.unwrap();
    let back = listener.local_addr().unwrap();
    let listening = tokio::spawn(listener.serve(move |request: Request| {
        let reply = handed.take(&request).unwrap_or_else(Reply::close);
        async { reply }
    }));
    let receiver = playing([Script::commit_only()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver).application_acks(acks.clone(), PATIENCE)).await;
    let mut receipts = Vec::new();
    for (id, code) in [("m-1", "AA"), ("m-2", "AE")] {
        receipts.push(sender.enqueue("ehr", &asking(id, "AL", "AL")).await.unwrap());
        assert!(receiver.messages(receipts.len(), PATIENCE).await);
        let text = format!("MSH|^~\\&|EHR|S|LAB|N|2026||ACK|b-{id}|P|2.5.1|||NE|NE\rMSA|{code}|{id}\r");
        let mut client = Client::connect(back.to_string()).await.unwrap();
        client.send_unconfirmed(&Message::parse(&text).unwrap()).await.unwrap();
        until(&sender, &receipts[receipts.len() - 1], |status| status.answered_at().is_some()).await;
    }
    let Outcome::Delivered(ack) = outcome(&receipts[0]).await else { panic!("not delivered") };
    assert_eq!((ack.code(), ack.control_id()), (AckCode::AA, "m-1"));
    let held = state(&sender, &receipts[1], State::Held).await;
    assert_eq!(held.last_acknowledgment().unwrap().code(), AckCode::AE, "the table holds for it too");
    assert_eq!((receiver.control_ids().len(), acks.awaited()), (2, 0));
    listening.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_22_sender_one_that_never_comes_is_told_and_sends_nothing_again() {
    let receiver = playing([Script::commit_only()]).await;
    let folder = Folder::new();
    let sender = folder.sender(to(&receiver).application_acks(ApplicationAcks::new(), SHORT)).await;
    let receipt = sender.enqueue("ehr", &asking("m-1", "AL", "AL")).await.unwrap();
    let accept_only = sender.enqueue("ehr", &asking("m-2", "AL", "NE")).await.unwrap();
    assert!(matches!(outcome(&receipt).await, Outcome::Unconfirmed));
    let status = receipt.status().await.unwrap();
    assert_eq!((status.last_failure(), status.attempts()), (Some("N143"), 1));
    delivered(&accept_only).await;
    assert_eq!(receiver.control_ids(), ["m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_23_sender_negative_commit_acknowledgments_are_bounded_and_each_has_its_connection() {
    let receiver = playing([Script::release_2_nak()]).await;
    let folder = Folder::new();
    let client = Client::builder().release2(true);
    let sender = folder.sender(by(&receiver, client).retry(quick().max_rejections(3))).await;
    is_held(&sender, &receiver, "N131", 3).await;
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_23_sender_a_commit_acknowledgment_takes_the_message_though_nothing_follows() {
    let receiver = playing([Script::release_2_ack()]).await;
    let folder = Folder::new();
    let sender = folder.sender(by(&receiver, Client::builder().release2(true)).unconfirmed()).await;
    for (msg, code) in [(message("m-1", "a"), "N111"), (asking("m-2", "NE", "NE"), "S205")] {
        let receipt = sender.enqueue("ehr", &msg).await.unwrap();
        assert!(matches!(outcome(&receipt).await, Outcome::Taken));
        assert_eq!(receipt.status().await.unwrap().last_failure(), Some(code));
    }
    assert_eq!(receiver.control_ids(), ["m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_24_sender_a_receiver_of_the_other_release_holds_the_lane_at_once() {
    for (script, release2, code) in
        [(Script::proper(), true, "N132"), (Script::release_2_ack(), false, "N133")]
    {
        let receiver = playing([script]).await;
        let folder = Folder::new();
        let sender = folder.sender(by(&receiver, Client::builder().release2(release2))).await;
        is_held(&sender, &receiver, code, 1).await;
    }
}
