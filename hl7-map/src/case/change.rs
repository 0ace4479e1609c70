//! Changes of what a test gives.

use crate::expr::Step;
use crate::json::{Json, Object};

/// Puts `value` at `steps`, making objects on the way. An index behind the end of a list adds to it.
pub(super) fn put(target: &mut Json<'static>, steps: &[Step], value: Json<'static>) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    match step {
        Step::Name(name) => {
            if !matches!(target, Json::Object(_)) {
                *target = Json::Object(Object::of(Vec::new()));
            }
            let Json::Object(members) = target else { return };
            if let Some(member) = members.get_or_add(name) {
                put(member, rest, value);
            }
        }
        Step::Index(index) => {
            if !matches!(target, Json::List(_)) {
                *target = Json::List(Vec::new());
            }
            let Json::List(items) = target else { return };
            if let Some(item) = items.get_mut(*index) {
                return put(item, rest, value);
            }
            let mut item = Json::Null;
            put(&mut item, rest, value);
            items.push(item);
        }
    }
}
