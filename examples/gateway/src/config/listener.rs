//! `listeners:`, each an MLLP port whose messages go where its routes say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hl7_core::{Charset, Condition, ReadOptions};
use hl7_mllp::tls::ServerTls;
use hl7_mllp::{Server, ServerBuilder};
use hl7_sender::{Builder, Router, Unrouted};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::{Place, Problem};
use super::several::Several;
use super::{Checker, duration, tls};

/// A listener: where, how, and where its messages go.
#[derive(Debug)]
pub(crate) struct ListenerConfig {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) server: ServerBuilder,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) router: Router,
    /// The connections that its routes name, each once.
    pub(crate) to: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    address: Spanned<String>,
    tls: Option<Spanned<tls::Listening>>,
    routes: Vec<Spanned<Route>>,
    #[serde(default, rename = "match")]
    matching: Matching,
    #[serde(default)]
    unrouted: Rest,
    charset: Option<Spanned<String>>,
    release2: Option<bool>,
    max_message_bytes: Option<Spanned<u64>>,
    max_connections: Option<Spanned<u64>>,
    max_connections_per_peer: Option<Spanned<u64>>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    idle_timeout: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    when: Option<Spanned<String>>,
    to: Spanned<Several>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
enum Matching {
    #[default]
    All,
    First,
}

/// What becomes of a message that no route takes.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Rest {
    #[default]
    Refuse,
    DeadLetter(Spanned<String>),
}

const EXAMPLE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 2575);
/// A process has some thousand descriptors unless its supervisor gives it more.
const MOST_CONNECTIONS: usize = 100_000;

impl Checker {
    pub(super) fn listeners(
        &mut self,
        entries: BTreeMap<String, Spanned<Entry>>,
        connections: &[String],
        workflows: &[String],
    ) -> Vec<ListenerConfig> {
        let mut all = Vec::new();
        for (name, entry) in entries {
            let at = self.at(&entry);
            self.check_name(&name, at.clone());
            if workflows.contains(&name) {
                let text = format!("a workflow and a listener are both called {name}");
                let problem = Problem::new("G031", text).at(at.clone());
                self.problems.push(problem.suggest("give each its own name: messages are known by it"));
            }
            all.extend(self.listener(name, entry.value, at, connections));
        }
        all
    }

    fn listener(
        &mut self,
        name: String,
        entry: Entry,
        at: Place,
        connections: &[String],
    ) -> Option<ListenerConfig> {
        let address = self.address(Some(&entry.address), EXAMPLE);
        let who = format!("the listener {name}");
        let routes = self.routes(&who, entry.routes, at, connections);
        let unrouted = self.unrouted(&who, entry.unrouted, connections);
        let mut server = self.limits(&entry.max_connections, &entry.max_connections_per_peer);
        if let Some(most) = entry.max_message_bytes {
            // The outbox takes no longer ones.
            let most = self.number("G032", "max_message_bytes", &most, 1..=Builder::MAX_MESSAGE_BYTES);
            server = most.into_iter().fold(server, ServerBuilder::max_block_bytes);
        }
        server = entry.idle_timeout.into_iter().fold(server, ServerBuilder::idle_timeout);
        server = entry.release2.into_iter().fold(server, ServerBuilder::release2);
        if let Some(charset) = entry.charset.and_then(|label| self.charset(&label)) {
            server = server.read(ReadOptions::new().default_charset(charset));
        }
        let secured = entry.tls.is_some();
        let tls = entry.tls.and_then(|stated| self.server_tls(stated));
        server = tls.clone().into_iter().fold(server, ServerBuilder::tls);
        let router = router(entry.matching, &routes).unrouted(unrouted);
        let mut to: Vec<String> = routes.into_iter().flat_map(|(_, to)| to).collect();
        to.sort();
        to.dedup();
        // What is to be secured is never taken in clear, whatever else is wrong.
        (tls.is_some() || !secured).then_some(ListenerConfig { name, address, server, tls, router, to })
    }

    fn limits(&mut self, all: &Option<Spanned<u64>>, each: &Option<Spanned<u64>>) -> ServerBuilder {
        let all = all.as_ref().and_then(|n| self.number("G032", "max_connections", n, 1..=MOST_CONNECTIONS));
        let each = each.as_ref();
        let each =
            each.and_then(|n| self.number("G032", "max_connections_per_peer", n, 1..=MOST_CONNECTIONS));
        let server = all.into_iter().fold(Server::builder(), ServerBuilder::max_connections);
        each.into_iter().fold(server, ServerBuilder::max_connections_per_peer)
    }

    fn routes(
        &mut self,
        who: &str,
        routes: Vec<Spanned<Route>>,
        at: Place,
        connections: &[String],
    ) -> Vec<(Option<Condition>, Vec<String>)> {
        if routes.is_empty() || routes.len() > Router::MAX_RULES {
            let text = format!("{who} needs at least one route, and takes at most {}", Router::MAX_RULES);
            let problem = Problem::new("G026", text).at(at);
            self.problems.push(problem.suggest("`routes: [ { to: ehr } ]` sends everything to ehr"));
        }
        routes.into_iter().map(|route| self.route(who, route, connections)).collect()
    }

    fn route(
        &mut self,
        who: &str,
        route: Spanned<Route>,
        connections: &[String],
    ) -> (Option<Condition>, Vec<String>) {
        let at = self.at(&route);
        let condition = route.value.when.and_then(|text| self.condition(&text));
        let stated = self.several(Some(route.value.to));
        if stated.is_empty() {
            let problem = Problem::new("G026", format!("{who} has a route that leads nowhere")).at(at);
            self.problems.push(problem.suggest("name at least one connection"));
        }
        let known = |(name, at)| self.known(who, name, at, connections);
        (condition, stated.into_iter().filter_map(known).collect())
    }

    fn condition(&mut self, text: &Spanned<String>) -> Option<Condition> {
        let parsed = text.value.parse::<Condition>();
        let place = |why: &hl7_core::ConditionError| self.within(text, why.offset());
        let problem = match parsed {
            Ok(condition) => return Some(condition),
            Err(why) => Problem::new("G018", format!("when: {why}")).at(place(&why)),
        };
        self.problems.push(problem);
        None
    }

    fn unrouted(&mut self, who: &str, rest: Rest, connections: &[String]) -> Unrouted {
        let Rest::DeadLetter(name) = rest else { return Unrouted::Refuse };
        let at = self.at(&name);
        self.known(who, name.value, at, connections).map_or(Unrouted::Refuse, Unrouted::DeadLetter)
    }

    fn charset(&mut self, label: &Spanned<String>) -> Option<Charset> {
        let failed = |why: hl7_core::CharsetError| Problem::new("G030", format!("charset: {why}"));
        let charset = Charset::from_label(&label.value).map_err(failed);
        charset.map_err(|problem| self.problems.push(problem.at(self.at(label)))).ok()
    }
}

fn router(matching: Matching, routes: &[(Option<Condition>, Vec<String>)]) -> Router {
    let router = match matching {
        Matching::All => Router::all_matches(),
        Matching::First => Router::first_match(),
    };
    routes.iter().cloned().fold(router, |router, (condition, to)| match condition {
        Some(condition) => router.when(condition, to),
        None => router.always(to),
    })
}
