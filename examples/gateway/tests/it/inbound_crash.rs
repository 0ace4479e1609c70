//! Nothing that was answered positively over MLLP is lost, whatever becomes of the process or its disk.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hl7_core::{AckCode, path};
use hl7_mllp::Client;

use crate::mllp::{Link, adt};
use crate::receiver::{Answer, Receiver};
use crate::site::{Site, gateway, payload};

const PATIENTS: usize = 3;

/// A sender that sends each message until it is answered positively, wherever the gateway is just then.
struct Feed {
    address: Arc<Mutex<SocketAddr>>,
    taken: Arc<AtomicUsize>,
    thread: std::thread::JoinHandle<()>,
}

impl Feed {
    fn start(address: SocketAddr, messages: usize) -> Self {
        let (address, taken) = (Arc::new(Mutex::new(address)), Arc::new(AtomicUsize::new(0)));
        let (to, count) = (Arc::clone(&address), Arc::clone(&taken));
        let thread = std::thread::spawn(move || {
            let mut link = None;
            for n in 0..messages {
                let message = adt(&format!("m{n:05}"), &format!("p{}", n % PATIENTS));
                until_taken(&mut link, &to, &message);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, taken, thread }
    }

    /// Waits until so many messages were taken.
    fn until(&self, messages: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.taken.load(Ordering::SeqCst) < messages {
            assert!(Instant::now() < deadline, "{} of {messages}", self.taken.load(Ordering::SeqCst));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn until_taken(link: &mut Option<Link>, to: &Mutex<SocketAddr>, message: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < deadline, "it was never taken");
        if link.is_none() {
            let address = to.lock().unwrap().to_string();
            *link = Link::by(address, Client::builder()).ok();
        }
        match link.as_mut().map(|link| link.try_send(message)) {
            Some(Ok(ack)) => return assert!(ack.code().is_positive(), "{ack:?}"),
            Some(Err(_)) => *link = None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// How often the process is killed: five times, or as often as HL7_GATEWAY_KILLS says.
fn kills() -> usize {
    std::env::var("HL7_GATEWAY_KILLS").map_or(5, |kills| kills.parse().unwrap())
}

#[test]
fn fault_50_killed_while_messages_come_in_all_arrive_once_per_kill_at_most_and_in_order() {
    let kills = kills();
    let messages = (kills + 1) * 15;
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 5s, lane_key: PID-3.1, connections: 3");
    site.listen("routes: [ { when: MSH-9.1 == ADT, to: ehr } ]");
    let mut running = site.start();
    let feed = Feed::start(running.listener(), messages);
    for kill in 1..=kills {
        feed.until(kill * messages / (kills + 1));
        running.process.kill();
        running = site.start();
        *feed.address.lock().unwrap() = running.listener();
    }
    feed.thread.join().unwrap();
    let arrived = arrivals(&ehr, messages);
    // One message of each lane can be under way at a kill.
    assert!(arrived - messages <= kills * PATIENTS, "{} duplicates", arrived - messages);
    let duplicates = arrived - messages;
    let _ = writeln!(
        std::io::stderr(),
        "{messages} messages, {kills} kills: lost 0, out of order 0, duplicates {duplicates}"
    );
}

/// Waits for all, each patient's in order, and gives how many came.
fn arrivals(ehr: &Receiver, messages: usize) -> usize {
    let mut by_patient: HashMap<String, Vec<String>> = HashMap::new();
    let (mut distinct, mut all) = (HashSet::new(), 0);
    while distinct.len() < messages {
        let message = ehr.next().expect("a message is missing");
        let field = |place: &hl7_core::Path| message.get(place).unwrap().text().into_owned();
        let (id, of) = (field(path!("MSH-10")), by_patient.entry(field(path!("PID-3.1"))).or_default());
        all += 1;
        match distinct.insert(id.clone()) {
            true => of.push(id),
            // Only the message that was under way may come again, and before any later one of its patient.
            false => assert_eq!(of.last(), Some(&id)),
        }
    }
    assert!(by_patient.values().all(|ids| ids.is_sorted()), "{by_patient:?}");
    all
}

/// The control IDs of the messages in a folder.
fn filed(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let whole = files.filter(|file| !file.file_name().unwrap().to_string_lossy().starts_with('.'));
    whole.map(|file| control_id(&file)).collect()
}

fn control_id(file: &Path) -> String {
    let mut head = [0; 100];
    std::fs::File::open(file).unwrap().read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head).split('|').nth(9).unwrap().to_owned()
}

#[test]
fn fault_45_a_store_that_cannot_grow_is_never_answered_for_positively() {
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    site.listen("routes: [ { to: ehr } ]");
    // A file may have 1,500 blocks of a kilobyte; writing beyond that fails, as on a broken disk.
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1500; exec \"$0\" serve \"$1\""]);
    shell.arg(gateway().get_program()).arg(site.config()).env("HL7_LOG", "debug").env("NO_COLOR", "1");
    let mut running = site.start_by(&mut shell);
    const MOST: usize = 500;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for n in 0..MOST {
        let id = format!("m{n}");
        let message = format!("{}NTE|1||{}\r", adt(&id, "7"), "x".repeat(20_000));
        // After a fault the gateway ends, for its supervisor to start it again.
        let Ok(mut link) = Link::by(running.listener().to_string(), Client::builder()) else { break };
        match link.try_send(&message) {
            Ok(ack) if ack.code().is_positive() => taken.push(id),
            Ok(ack) => {
                assert_eq!(ack.code(), AckCode::AR, "m{n}: another time may be better");
                refused += 1;
            }
            Err(_) => refused += 1,
        }
        if refused >= 3 {
            break;
        }
    }
    assert!((5..MOST).contains(&taken.len()), "{} taken, {refused} refused", taken.len());
    running.process.kill();
    // What was taken goes into a folder now.
    std::fs::create_dir(site.path("drop")).unwrap();
    site.change(
        "gateway.yaml",
        "ehr: { mllp: \"127.0.0.1:9\", ack_timeout: 1s, connect_timeout: 2s }",
        "ehr: { folder: drop }",
    );
    let _running = site.start();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !taken.iter().all(|id| filed(&site.path("drop")).contains(id)) {
        assert!(Instant::now() < deadline, "{:?} of {taken:?}", filed(&site.path("drop")));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn fault_45_an_outbox_that_is_full_answers_negatively_and_goes_on() {
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    site.add("outbox: { max_bytes: 1048576 }");
    site.listen("routes: [ { to: ehr } ]");
    let running = site.start();
    let mut link = Link::to(running.listener());
    let long = |id: &str| format!("{}NTE|1||{}\r", adt(id, "7"), "x".repeat(200_000));
    let first = link.send(&long("m0"));
    assert_eq!(first.0, "AA");
    let answers: Vec<_> = (1..8).map(|n| link.send(&long(&format!("m{n}")))).collect();
    let (code, text) = answers.last().unwrap();
    assert_eq!(code, "AR", "another time may be better: {answers:?}");
    assert!(text.contains("207") && text.contains("S00"), "{text}");
    assert_eq!(link.send(&long("m0")), first, "what was taken is known also then");
    let refused = answers.iter().filter(|(code, _)| code == "AR").count();
    let page = running.page();
    let row = page.split("<tr").find(|row| row.contains("<td>adt-in<td>127.0.0.1")).unwrap();
    assert!(row.contains(&format!("<td>1<td>{}<td>1<td>0<td>0<td>0<td>{refused}<td>", 8 - refused)), "{row}");
    let webhook = running.post("", &[], &payload("m9"));
    assert_eq!((webhook.status, webhook.json()["code"].as_str()), (507, Some("G114")), "{webhook:?}");
}

#[test]
fn fault_45_a_store_whose_file_is_taken_away_is_never_answered_for_positively() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    site.listen("routes: [ { to: ehr } ]");
    let running = site.start();
    let mut link = Link::to(running.listener());
    assert_eq!(link.send(&adt("m1", "7")).0, "AA");
    std::fs::rename(site.path("data/outbox.db"), site.path("data/elsewhere.db")).unwrap();
    if let Ok(ack) = link.try_send(&adt("m2", "7")) {
        assert!(!ack.code().is_positive(), "{ack:?}");
    }
    let (status, _, err) = running.process.wait();
    assert_eq!(status.code(), Some(1), "it ends, for its supervisor to start it again: {err}");
    assert!(err.contains("error: the outbox failed: S1"), "{err}");
}
