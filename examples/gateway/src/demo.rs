//! The demo: a receiver, a gateway and one payload, on this machine alone.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hl7_mllp::{Reply, Request, Server};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::gateway::make_private;
use crate::output;
use crate::post;
use crate::secret::{Secret, random_hex};
use crate::serve;

const CONFIG: &str = include_str!("../demo/gateway.yaml");
const MAPPING: &str = include_str!("../demo/crm-to-adt.yaml");
const PAYLOAD: &str = include_str!("../demo/payload.json");
const DEADLINE: Duration = Duration::from_secs(30);

type Failure = Box<dyn std::error::Error>;

/// A message that the receiver got, and what it answered.
struct Received {
    control_id: String,
    er7: String,
    acknowledgment: String,
}

/// Runs the demo. With `once` it ends after the acknowledgment, else at Ctrl-C.
///
/// # Errors
/// When a part of it cannot start, or the message was not acknowledged.
pub(crate) async fn run(data: Option<PathBuf>, once: bool) -> Result<(), Failure> {
    let secret = Secret::generate()?;
    let folder = lay_out(data, &secret)?;
    let mut config = Config::load(&folder.join("gateway.yaml"))?;
    let (receiver, ehr) = bind_receiver(&mut config).await?;
    let webhooks = bind_or_any(config.listen).await?;
    let status = bind_or_any(config.status).await?;
    let (base, status_url) = (url(&webhooks)?, url(&status)?);
    let (inbox, mut received) = mpsc::channel(256);
    let (stop_receiver, stopped) = oneshot::channel::<()>();
    let receiving = tokio::spawn(receive(receiver, inbox, stopped));
    let running = serve::start(config, webhooks, status).await.map_err(|why| why.to_string())?;
    let workflow = running.gateway.workflows.first().ok_or("the demo's configuration has no workflow")?;
    let target = format!("{base}{}", workflow.url_path());
    output::line(format_args!("data folder   {}", folder.display()));
    output::line(format_args!("receiver      {ehr} (MLLP)"));
    output::line(format_args!(
        "workflow      {}, mapping {}, to {}",
        workflow.name,
        workflow.mapping.name(),
        workflow.to
    ));
    let told = tell(&target, &secret, &status_url, &mut received).await;
    if told.is_ok() && !once {
        output::line(format_args!(
            "\nPost more with\n  {}\nCtrl-C ends the demo.",
            curl(&folder, &target, &secret)
        ));
        stay(&mut received).await?;
    }
    running.stop().await;
    let _ = stop_receiver.send(());
    let _ = receiving.await;
    told
}

/// Marks a folder as the demo's own.
const MARK: &str = "this-is-a-demo";

/// Writes the demo's files into its folder; ones that are there stay as they are. A folder with anything else in it is refused: the demo's
/// receiver accepts everything, and would take a real outbox's messages.
fn lay_out(data: Option<PathBuf>, secret: &Secret) -> Result<PathBuf, Failure> {
    let folder = match data {
        Some(folder) => folder,
        None => std::env::temp_dir().join(format!("hl7-gateway-demo-{}", random_hex::<4>()?)),
    };
    make_private(&folder)?;
    if !folder.join(MARK).is_file() && fs::read_dir(&folder)?.next().is_some() {
        let text = "holds something else; give the demo a new folder, or one that an earlier demo made";
        return Err(format!("error[G024]: {} {text}", folder.display()).into());
    }
    for (name, text) in
        [(MARK, ""), ("gateway.yaml", CONFIG), ("crm-to-adt.yaml", MAPPING), ("payload.json", PAYLOAD)]
    {
        write_new(&folder.join(name), text)?;
    }
    let secrets = folder.join("webhook.secrets");
    match fs::remove_file(&secrets) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
        _ => write_new(&secrets, &format!("{}\n", secret.hash()))?,
    }
    Ok(folder)
}

/// Writes a file for its owner alone, unless it is there.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut new) => io::Write::write_all(&mut new, text.as_bytes()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why),
    }
}

/// Posts the payload and shows each stage of its way.
async fn tell(
    target: &str,
    secret: &Secret,
    status_url: &str,
    received: &mut mpsc::Receiver<Received>,
) -> Result<(), Failure> {
    output::line(format_args!(
        "\n1. The payload, posted to {target}\n   with Authorization: Bearer {}\n",
        secret.reveal()
    ));
    output::line(format_args!("{}", PAYLOAD.trim_end()));
    let asked = Instant::now();
    let answer = post::json(&format!("{target}?wait=10s"), secret.reveal(), PAYLOAD, DEADLINE).await?;
    let took = asked.elapsed();
    let body: Value = serde_json::from_str(&answer.body)?;
    let got = if body["repeat"] == false { of_message(&body, received).await } else { None };
    match &got {
        Some(got) => {
            show(2, "The HL7 v2 message, as the receiver got it", &got.er7);
            show(3, "The acknowledgment, as the receiver wrote it", &got.acknowledgment);
        }
        None if body["repeat"] == true => {
            output::line(format_args!(
                "\nThis payload is in this folder's outbox already: the answer is the first one's, and nothing is sent twice."
            ));
        }
        None => {}
    }
    output::line(format_args!(
        "\n4. The answer to the POST: {}, {}, in {:.1} ms\n",
        answer.status,
        state(&body),
        took.as_secs_f64() * 1e3
    ));
    output::line(format_args!("{}", serde_json::to_string_pretty(&body)?));
    output::line(format_args!("\nStatus page: {status_url}/"));
    if answer.status == 200 {
        Ok(())
    } else {
        Err(format!("the message was not acknowledged (HTTP {})", answer.status).into())
    }
}

/// What the receiver got of this message. An earlier demo's that waited in the outbox may come before it.
async fn of_message(body: &Value, received: &mut mpsc::Receiver<Received>) -> Option<Received> {
    let until = tokio::time::Instant::now() + Duration::from_secs(1);
    while let Some(got) = tokio::time::timeout_at(until, received.recv()).await.ok().flatten() {
        if body["control_id"] == got.control_id.as_str() {
            return Some(got);
        }
        show(0, "Received from an earlier demo", &got.er7);
    }
    None
}

fn state(body: &Value) -> &str {
    body["state"].as_str().unwrap_or("not accepted")
}

fn show(step: u8, title: &str, er7: &str) {
    let step = if step > 0 { format!("{step}. ") } else { String::new() };
    output::line(format_args!("\n{step}{title}\n"));
    // A terminal obeys control characters, and what a receiver gets may come from anywhere.
    let shown = |segment: &str| segment.replace(|c: char| c.is_control(), "\u{FFFD}");
    er7.split('\r').filter(|segment| !segment.is_empty()).for_each(|segment| output::line(shown(segment)));
}

/// Shows what the receiver gets until Ctrl-C.
async fn stay(received: &mut mpsc::Receiver<Received>) -> io::Result<()> {
    let stop = serve::stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            stopped = &mut stop => return stopped,
            got = received.recv() => match got {
                Some(got) => show(0, "Received", &got.er7),
                None => return Ok(()),
            },
        }
    }
}

/// A command that posts the payload as another event, so that it is another message.
fn curl(folder: &Path, target: &str, secret: &Secret) -> String {
    let payload = folder.join("payload.json");
    format!(
        "sed \"s/crm-2026-000417/$(date +%s%N)/\" {} | curl -H 'Authorization: Bearer {}' -d @- '{target}?wait=5s'",
        payload.display(),
        secret.reveal()
    )
}

/// An EHR that accepts everything.
async fn receive(server: Server, inbox: mpsc::Sender<Received>, stopped: oneshot::Receiver<()>) {
    let answer = move |request: Request| {
        let inbox = inbox.clone();
        async move {
            let acknowledgment = hl7_core::Ack::to(request.message(), hl7_core::AckCode::AA).build();
            let received = Received {
                control_id: request
                    .message()
                    .header()
                    .control_id()
                    .map_or_else(String::new, |id| id.text().into()),
                er7: request.message().as_er7().to_owned(),
                acknowledgment: acknowledgment.as_er7().to_owned(),
            };
            // A full channel means that nobody reads the terminal; the message is acknowledged all the same.
            let _ = inbox.try_send(received);
            Reply::message(acknowledgment)
        }
    };
    if let Err(why) = server.serve_until(answer, async { drop(stopped.await) }).await {
        output::complaint(format_args!("the receiver stopped: {why}"));
    }
}

/// Binds the receiver where the connection points, or at a free port that the connection is then pointed to.
async fn bind_receiver(config: &mut Config) -> Result<(Server, SocketAddr), Failure> {
    let connection = config.connections.first_mut().ok_or("the demo's configuration has no connection")?;
    let server = match Server::bind(connection.mllp.as_str()).await {
        Ok(server) => server,
        Err(_) => Server::bind("127.0.0.1:0").await?,
    };
    let address = server.local_addr()?;
    connection.mllp = address.to_string();
    Ok((server, address))
}

async fn bind_or_any(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => TcpListener::bind((address.ip(), 0)).await,
        bound => bound,
    }
}

fn url(listener: &TcpListener) -> io::Result<String> {
    listener.local_addr().map(|address| format!("http://{address}"))
}
