//! The demo: an EHR, a gateway, one payload and two messages, on this machine alone.

mod ehr;
mod folder;
mod inbound;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::ehr::{Ehr, Received};
use crate::config::Config;
use crate::output;
use crate::post;
use crate::secret::Secret;
use crate::serve::{self, Running};
use crate::sockets::Sockets;

const PAYLOAD: &str = include_str!("../../demo/payload.json");
/// Of the payload's patient.
const SAME_PATIENT: &str = include_str!("../../demo/adt-a03.hl7");
const OTHER_PATIENT: &str = include_str!("../../demo/adt-a01.hl7");
const DEADLINE: Duration = Duration::from_secs(30);

type Failure = Box<dyn std::error::Error>;

/// What the demo talks to.
struct Stage {
    target: String,
    status: String,
    secret: Secret,
    running: Running,
    ehr: Ehr,
}

/// Runs the demo. With `once` it ends after the last acknowledgment, else at Ctrl-C.
///
/// # Errors
/// When a part of it cannot start, or a message was not acknowledged.
pub(crate) async fn run(data: Option<PathBuf>, once: bool) -> Result<(), Failure> {
    let secret = Secret::generate()?;
    let folder = folder::lay_out(data, &secret)?;
    let mut config = Config::load(&folder.join("gateway.yaml"))?;
    let ehr = Ehr::start(&mut config).await?;
    let sockets = Sockets::bind_somewhere(&config).await?;
    let (base, status) = (url(sockets.webhooks.as_ref())?, url(Some(&sockets.status))?);
    let running = serve::start(config, sockets).await.map_err(|why| why.to_string())?;
    let workflow = running.gateway.workflows.first().ok_or("the demo's configuration has no workflow")?;
    let target = format!("{base}{}", workflow.url_path());
    let mut stage = Stage { target, status, secret, running, ehr };
    stage.introduce(&folder);
    let told = stage.tell().await;
    if told.is_ok() && !once {
        stage.stay(&folder).await?;
    }
    stage.running.stop().await;
    stage.ehr.stop().await;
    told
}

impl Stage {
    fn introduce(&self, folder: &Path) {
        let gateway = &self.running.gateway;
        output::line(format_args!("data folder   {}", folder.display()));
        output::line(format_args!("EHR           {} (MLLP)", self.ehr.address));
        for workflow in &gateway.workflows {
            let (name, mapping, to) = (&workflow.name, workflow.mapping.name(), &workflow.to);
            output::line(format_args!("workflow      {name}, mapping {mapping}, to {to}"));
        }
        for listener in &gateway.listeners {
            let (name, address, to) = (&listener.name, listener.address, listener.to.join(", "));
            output::line(format_args!("listener      {name} at {address} (MLLP), to {to}"));
        }
    }

    /// Shows each stage of each message's way.
    async fn tell(&mut self) -> Result<(), Failure> {
        self.tell_webhook().await?;
        let gateway = &self.running.gateway;
        // Who takes the listener out of the demo's file has seen enough of it.
        if let Some(listener) = gateway.listeners.first() {
            inbound::tell(listener, SAME_PATIENT, 5, &mut self.ehr).await?;
            inbound::tell(listener, OTHER_PATIENT, 8, &mut self.ehr).await?;
        }
        inbound::tell_lanes(11, &gateway.sender).await?;
        output::line(format_args!("\nStatus page: {}/", self.status));
        Ok(())
    }

    async fn tell_webhook(&mut self) -> Result<(), Failure> {
        let secret = self.secret.reveal();
        output::line(format_args!("\n1. The payload, posted to {}", self.target));
        output::line(format_args!("   with Authorization: Bearer {secret}\n"));
        output::line(PAYLOAD.trim_end());
        let asked = Instant::now();
        let answer = post::json(&format!("{}?wait=10s", self.target), secret, PAYLOAD, DEADLINE).await?;
        let took = asked.elapsed().as_secs_f64() * 1e3;
        let body: Value = serde_json::from_str(&answer.body)?;
        self.show_delivery(&body).await;
        let state = body["state"].as_str().unwrap_or("not accepted");
        output::line(format_args!(
            "\n4. The answer to the POST: {}, {state}, in {took:.1} ms\n",
            answer.status
        ));
        output::line(serde_json::to_string_pretty(&body)?);
        match answer.status {
            200 => Ok(()),
            status => Err(format!("the message was not acknowledged (HTTP {status})").into()),
        }
    }

    async fn show_delivery(&mut self, body: &Value) {
        if body["repeat"] == true {
            let text = "This payload is in this folder's outbox already: the answer is the first one's, and nothing is sent twice.";
            return output::line(format_args!("\n{text}"));
        }
        let control_id = body["control_id"].as_str().unwrap_or_default();
        if let Some(got) = self.ehr.got(control_id, Duration::from_secs(1)).await {
            show(2, "The HL7 v2 message, as the EHR got it", &got.er7);
            show(3, "The acknowledgment, as the EHR wrote it", &got.acknowledgment);
        }
    }

    /// Shows what the EHR gets until Ctrl-C.
    async fn stay(&mut self, folder: &Path) -> io::Result<()> {
        output::line(format_args!("\nPost more with\n  {}", self.curl(folder)));
        if let Some(listener) = self.running.gateway.listeners.first() {
            let (file, address) = (folder.join("adt-a01.hl7"), listener.address);
            let send = format!(
                "sed \"s/adt-2026-000982/$(date +%s%N)/\" {} | hl7 send --to {address}",
                file.display()
            );
            output::line(format_args!("or send more with\n  {send}"));
        }
        output::line("Ctrl-C ends the demo.");
        let stop = serve::stop_signal();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                stopped = &mut stop => return stopped,
                got = self.ehr.received.recv() => match got {
                    Some(Received { er7, .. }) => show(0, "Received", &er7),
                    None => return Ok(()),
                },
            }
        }
    }

    /// A command that posts the payload as another event, so that it is another message.
    fn curl(&self, folder: &Path) -> String {
        let payload = folder.join("payload.json");
        let (file, secret, target) = (payload.display(), self.secret.reveal(), &self.target);
        format!(
            "sed \"s/crm-2026-000417/$(date +%s%N)/\" {file} | curl -H 'Authorization: Bearer {secret}' -d @- '{target}?wait=5s'"
        )
    }
}

/// A message under a title, a segment a line.
fn show(step: u8, title: &str, er7: &str) {
    let step = if step > 0 { format!("{step}. ") } else { String::new() };
    output::line(format_args!("\n{step}{title}\n"));
    // A terminal obeys control characters, and what a receiver gets may come from anywhere.
    let shown = |segment: &str| segment.replace(|c: char| c.is_control(), "\u{FFFD}");
    er7.split('\r').filter(|segment| !segment.is_empty()).for_each(|segment| output::line(shown(segment)));
}

fn url(socket: Option<&tokio::net::TcpListener>) -> Result<String, Failure> {
    let socket = socket.ok_or("the demo's configuration has no workflow")?;
    Ok(format!("http://{}", socket.local_addr()?))
}
