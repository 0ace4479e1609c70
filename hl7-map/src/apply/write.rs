//! Makes JSON of a message.

use hl7_core::Message;

use super::{Record, Run, Written};
use crate::applied::Applied;
use crate::context::Context;
use crate::input::Input;
use crate::json;
use crate::plan::{Form, JsonRule, JsonSwitch, JsonValue, Member, ObjectRule, Plan, Write};
use crate::refusal::ApplyError;
use crate::scope::{Clock, Top};
use crate::trace::Role;
use crate::value::{Fault, Value};

/// The JSON of a message.
pub(crate) fn write(
    plan: &Plan,
    write: &Write,
    message: &Message<'_>,
    ctx: &Context,
) -> Result<Applied, ApplyError> {
    write_telling(plan, write, message, ctx, ()).0
}

/// The same, and who was told of it.
pub(crate) fn write_telling<R: Record>(
    plan: &Plan,
    write: &Write,
    message: &Message<'_>,
    ctx: &Context,
    record: R,
) -> (Result<Applied, ApplyError>, R) {
    let input = Input::new(message, write.layout.as_ref());
    let clock = Clock::new(ctx, Form::Iso);
    let mut run = Run::new(plan, None, Top::Message(input.all()), &clock, record);
    if let Some(source) = &write.source {
        run.check_source(source, message);
    }
    if let Some(dropped) = run.gate(&write.gate, message) {
        return (Ok(dropped), run.record);
    }
    if run.refused.is_empty() {
        run.require();
        run.members(&write.members);
    }
    let made = match run.refused.into_error() {
        Some(error) => Err(error),
        None => Ok(Applied::Json(run.out)),
    };
    (made, run.record)
}

impl<'v, R: Record> Run<'v, R> {
    /// An object with the members that are there.
    fn members(&mut self, members: &'v [Member]) -> Written {
        let mut written = Written::default();
        self.out.push('{');
        for member in members {
            let start = self.out.len();
            if written.any {
                self.out.push(',');
            }
            self.out.push_str(&member.name);
            let this = self.rule(&member.value);
            if !this.any {
                self.out.truncate(start);
            }
            written = written.and(this);
        }
        self.out.push('}');
        written
    }

    fn rule(&mut self, rule: &'v JsonRule) -> Written {
        match rule {
            JsonRule::Value(value) => self.json_value(value),
            JsonRule::Object(object) => self.object(object),
            JsonRule::List(items) => self.items(items),
            JsonRule::Switch(switch) => self.json_switch(switch),
        }
    }

    fn items(&mut self, items: &'v [JsonRule]) -> Written {
        let start = self.out.len();
        let mut written = Written::default();
        for item in items {
            let before = self.out.len();
            self.out.push(if written.any { ',' } else { '[' });
            let this = self.rule(item);
            if !this.any {
                self.out.truncate(before);
            }
            written = written.and(this);
        }
        self.close_list(written, start)
    }

    fn close_list(&mut self, written: Written, start: usize) -> Written {
        match written.any {
            true => self.out.push(']'),
            false => self.out.truncate(start),
        }
        written
    }

    /// An object, or a list of one for each item.
    fn object(&mut self, rule: &'v ObjectRule) -> Written {
        let start = self.out.len();
        let (mut written, looped, mut index) = (Written::default(), rule.each.is_some(), 0);
        self.rounds(rule.when.as_ref(), rule.each.as_ref(), &rule.place, rule.line, |run| {
            let before = run.out.len();
            if looped {
                run.out.push(if written.any { ',' } else { '[' });
            }
            run.indexes.extend(looped.then_some(index));
            run.record.on(|record| record.open());
            let this = run.members(&rule.members);
            let kept = this.read || (rule.constant && this.any);
            run.record.on(|record| record.close(kept, this.read));
            run.indexes.truncate(run.indexes.len() - usize::from(looped));
            if kept {
                written = written.and(this);
                index += 1;
            } else {
                run.out.truncate(before);
            }
        });
        if looped { self.close_list(written, start) } else { written }
    }

    fn json_value(&mut self, rule: &'v JsonValue) -> Written {
        if self.refused.stopped {
            return Written::default();
        }
        let (mark, start) = (self.scope.budget().mark(), self.out.len());
        self.tell_value(&rule.formula, false, &rule.place, rule.line);
        let value = self.scope.formula(&rule.formula);
        let any = value.and_then(|value| push(&mut self.out, value));
        let any = self.noted(any, &rule.place, rule.line, false);
        self.scope.budget().release(mark);
        let length = self.out.len();
        let steps = self.scope.budget().text(length - start);
        self.noted(steps, &rule.place, rule.line, ());
        if length > self.ctx.max_output_bytes {
            let fault = Fault::new("M210", "the JSON is longer than the limit");
            self.refuse(fault, Some(&rule.place), rule.line);
        }
        Written { any, read: any && !rule.constant }
    }

    fn json_switch(&mut self, switch: &'v JsonSwitch) -> Written {
        self.record.on(|record| record.enter());
        let written = self.json_switch_told(switch);
        self.record.on(|record| record.leave());
        written
    }

    fn json_switch_told(&mut self, switch: &'v JsonSwitch) -> Written {
        self.tell_over(&switch.over, Role::Condition, &switch.place, switch.line);
        let text = self.scope.formula(&switch.over).and_then(Value::into_text);
        let text = self.noted(text, &switch.place, switch.line, None);
        let Some(text) = text else { return Written::default() };
        let case = switch.cases.iter().find(|(case, _)| *case == text).map(|(_, rule)| rule);
        match case.or(switch.otherwise.as_deref()) {
            Some(rule) => {
                let any = self.rule(rule).any;
                Written { any, read: any }
            }
            None => {
                let fault = Fault::new("M220", "`switch` has no line for this value");
                self.refuse(
                    fault.suggest("give the value a line, or all others an `else`"),
                    Some(&switch.place),
                    switch.line,
                );
                Written::default()
            }
        }
    }
}

/// Appends a value; false when there is nothing to write.
fn push(out: &mut String, value: Value<'_>) -> Result<bool, Fault> {
    match value {
        Value::Absent => return Ok(false),
        Value::Null => out.push_str("null"),
        Value::Number(text) => json::push_number(out, &text),
        Value::Yes => out.push_str("true"),
        Value::No => out.push_str("false"),
        Value::List(items) => return push_list(out, items),
        Value::Record(members) => return push_record(out, members),
        single => match single.into_text()? {
            Some(text) => json::push_string(out, &text),
            None => return Ok(false),
        },
    }
    Ok(true)
}

fn push_list(out: &mut String, items: Vec<Value<'_>>) -> Result<bool, Fault> {
    let mut any = false;
    for item in items {
        let before = out.len();
        out.push(if any { ',' } else { '[' });
        if push(out, item)? {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    if any {
        out.push(']');
    }
    Ok(any)
}

fn push_record(out: &mut String, members: Vec<(&'static str, Value<'_>)>) -> Result<bool, Fault> {
    let mut any = false;
    for (name, value) in members {
        let before = out.len();
        out.push(if any { ',' } else { '{' });
        json::push_string(out, name);
        out.push(':');
        if push(out, value)? {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    if any {
        out.push('}');
    }
    Ok(any)
}
