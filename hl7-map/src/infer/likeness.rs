//! How much a name of the payload is like a name of the standard.

/// Words that mean the same, each line one meaning. The words of the standard come first.
const MEANINGS: [&[&str]; 27] = [
    &["family", "last", "surname", "lastname"],
    &["given", "first", "firstname", "forename"],
    &["middle", "second", "further"],
    &["birth", "dob", "born", "birthday", "birthdate"],
    &["sex", "gender"],
    &["zip", "postal", "postcode", "zipcode"],
    &["street", "line1", "line", "address1"],
    &["state", "province", "region"],
    &["identifier", "id", "number", "mrn", "value", "key", "no", "nr"],
    &["authority", "assigner", "assigning", "issuer", "namespace"],
    &["type", "kind", "system", "category"],
    &["class", "type"],
    &["text", "name", "display", "description", "title", "label"],
    &["phone", "telephone", "tel", "mobile", "cell", "contact"],
    &["email", "mail", "communication"],
    &["marital", "married"],
    &["language", "lang"],
    &["admit", "admitted", "admission", "start", "begin"],
    &["discharge", "discharged", "end"],
    &["attending", "doctor", "physician", "provider"],
    &["point", "care", "ward", "unit"],
    &["observation", "result", "obs", "value"],
    &["units", "unit", "uom"],
    &["range", "reference", "normal"],
    &["status", "state"],
    &["flags", "flag", "abnormal", "interpretation"],
    &["comment", "note", "remark", "text"],
];

/// The words of a name in small letters, without the `s` of several.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars().take(200) {
        if (c.is_uppercase() && before.is_lowercase()) || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
        .into_iter()
        .map(|word| word.strip_suffix('s').filter(|it| it.len() > 2).map_or(word.clone(), str::to_owned))
        .collect()
}

fn mean_the_same(a: &str, b: &str) -> bool {
    let bare = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    a == b
        || MEANINGS.iter().any(|words| {
            let has = |word: &str| words.iter().any(|known| bare(known) == bare(word));
            has(a) && has(b)
        })
}

/// From 0, nothing is alike, to 1: every word of the last member's name is one of the standard's names, innermost first, and a member around it too.
pub(super) fn likeness(members: &[String], standard: &[&str]) -> f64 {
    let standard: Vec<String> = standard.iter().flat_map(|name| words(name)).collect();
    let share = |name: &str| {
        let own = words(name);
        let alike = own.iter().filter(|word| standard.iter().any(|known| mean_the_same(word, known))).count();
        if own.is_empty() { 0.0 } else { alike as f64 / own.len() as f64 }
    };
    let mut names = members.iter().rev();
    let last = names.next().map_or(0.0, |name| share(name));
    let around = names.map(|name| share(name)).fold(0.0, f64::max);
    (0.8 * last + 0.3 * around).min(1.0)
}
