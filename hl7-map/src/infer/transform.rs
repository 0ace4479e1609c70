//! How a value of the payload can have become one of the message.

/// The functions that are tried, in their order: what changes least comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transform {
    Same,
    Trim,
    Upper,
    Lower,
    Date,
    Moment,
    Digits,
}

impl Transform {
    pub(super) const ALL: [Transform; 7] = [
        Transform::Same,
        Transform::Trim,
        Transform::Upper,
        Transform::Lower,
        Transform::Date,
        Transform::Moment,
        Transform::Digits,
    ];

    /// As it stands behind the path.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Transform::Same => "",
            Transform::Trim => " | trim",
            Transform::Upper => " | upper",
            Transform::Lower => " | lower",
            Transform::Date => " | date",
            Transform::Moment => " | dtm",
            Transform::Digits => " | digits",
        }
    }

    /// What becomes of a value; `None` where the function says nothing of it.
    pub(super) fn of(self, text: &str) -> Option<String> {
        match self {
            Transform::Same => Some(text.to_owned()),
            Transform::Trim => Some(text.trim().to_owned()),
            Transform::Upper => Some(text.to_uppercase()),
            Transform::Lower => Some(text.to_lowercase()),
            Transform::Date => moment(text).map(|moment| moment.chars().take(8).collect()),
            Transform::Moment => moment(text).filter(|moment| moment.len() > 8),
            Transform::Digits => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                (digits.len() >= 3).then_some(digits)
            }
        }
    }
}

/// An ISO date or time in HL7's form: `1984-07-03`, `2026-01-02T03:04:05-06:00`.
fn moment(text: &str) -> Option<String> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let parts: Vec<&str> = date.split('-').collect();
    let widths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_date = matches!(widths.as_slice(), [4] | [4, 2] | [4, 2, 2]);
    if !is_date || !date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    let date = parts.concat();
    if time.is_empty() {
        return Some(date);
    }
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(zone);
    let offset = if offset == "Z" { "+0000".to_owned() } else { offset.replace(':', "") };
    let clock: String = clock.chars().filter(|c| *c != ':').collect();
    let is_clock = clock.chars().all(|c| c.is_ascii_digit() || c == '.') && clock.len() >= 4;
    is_clock.then(|| format!("{date}{clock}{offset}"))
}
