//! Settings that cannot work are refused at the start.

use std::time::Duration;

use hl7_core::{AckCode, path};
use hl7_sender::{Action, Destination, FileDrop, Policy, Retry, Sender};

use crate::peer::Folder;

#[tokio::test]
async fn unusable_settings_are_refused() {
    let good = || Destination::mllp("ehr", "127.0.0.1:1");
    let cases = [
        ("S121", vec![Destination::mllp("", "127.0.0.1:1")]),
        ("S121", vec![Destination::mllp("my ehr", "127.0.0.1:1")]),
        ("S121", vec![Destination::mllp("x".repeat(65), "127.0.0.1:1")]),
        ("S122", vec![good(), good()]),
        ("S123", vec![good().connections(0)]),
        ("S123", vec![good().connections(1001)]),
        ("S124", vec![good().lane_key(path!("PID"))]),
        ("S125", vec![good().retry(Retry::new().first(Duration::ZERO))]),
        ("S125", vec![good().retry(Retry::new().first(Duration::from_secs(61)))]),
        ("S125", vec![good().retry(Retry::new().max_attempts(0))]),
        ("S125", vec![good().retry(Retry::new().used_up(Action::Retry))]),
        ("S126", vec![good().ack_timeout(Duration::ZERO)]),
        ("S126", vec![good().connect_timeout(Duration::ZERO)]),
        ("S127", vec![good().on(AckCode::AA, Action::Retry)]),
        ("S127", vec![good().on(AckCode::CA, Action::DeadLetter)]),
        ("S127", vec![good().policy(Policy::new().on(AckCode::AA, Action::Skip))]),
        ("S125", vec![good().retry(Retry::new().rest(Duration::ZERO))]),
        ("S125", vec![good().retry(Retry::new().rest(Duration::from_secs(48 * 3600)))]),
        ("S129", vec![Destination::files("ehr", FileDrop::new("/tmp").named("{time}.hl7"))]),
        ("S129", vec![Destination::files("ehr", FileDrop::new("/tmp").named("../{entry}"))]),
    ];
    for (code, destinations) in cases {
        let folder = Folder::new();
        let builder = Sender::builder(folder.store().await);
        let builder = destinations.into_iter().fold(builder, |builder, one| builder.destination(one));
        let error = builder.start().await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.suggestion().is_empty());
    }
}
