//! The libraries beside rivals and hand-written floors, in one run: `cargo run --release [-- PART]`.

mod backlog;
mod block;
mod count;
mod delivery;
mod index;
mod intake;
mod languages;
mod listener;
mod mapping;
mod measure;
mod message;
mod outbox;
mod rivals;
mod samples;
mod scale;

#[global_allocator]
static ALLOCATOR: count::Counting = count::Counting;

fn main() {
    let part = std::env::args().nth(1);
    if part.as_deref() == Some(listener::IDLE_SENDERS) {
        return listener::idle_senders(&std::env::args().nth(2).unwrap_or_default());
    }
    if part.as_deref() == Some(backlog::CHILD) {
        return backlog::child(&std::env::args().nth(2).unwrap_or_default());
    }
    let parts: &[(&str, fn())] = &[
        ("message", message::run),
        ("index", index::run),
        ("rivals", rivals::run),
        ("scale", scale::run),
        ("block", block::run),
        ("listener", listener::run),
        ("mapping", mapping::run),
        ("outbox", outbox::run),
        ("intake", intake::run),
        ("delivery", delivery::run),
        ("backlog", backlog::run),
    ];
    for (name, run) in parts {
        if part.as_deref().is_none_or(|part| part == *name) {
            run();
        }
    }
}
