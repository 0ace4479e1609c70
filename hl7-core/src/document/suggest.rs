//! "Did you mean": the known word nearest to one that is not known.

/// The word of `known` that is nearest to `given`, when it is near enough to be meant: one slip in words of up to four characters, two
/// in words up to eight, three in longer ones. A slip is a character too many, missing, other, or swapped with its neighbour.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    /// Longer words are not looked up, so that the cost stays small.
    const LONGEST: usize = 64;
    /// Nor are more words than this compared.
    const MOST: usize = 1_000;
    let given: Vec<char> = given.chars().take(LONGEST + 1).map(|c| c.to_ascii_lowercase()).collect();
    if given.is_empty() || given.len() > LONGEST {
        return None;
    }
    let allowed = match given.len() {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .take(MOST)
        .filter(|word| word.len() <= 4 * LONGEST && word.chars().count().abs_diff(given.len()) <= allowed)
        .map(|word| (distance(&given, &word.to_ascii_lowercase().chars().collect::<Vec<_>>()), word))
        .filter(|&(slips, word)| slips <= allowed && slips < word.chars().count())
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, word)| word)
}

/// The sentence for a suggestion.
pub fn did_you_mean<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(given, known).map(|word| format!("did you mean `{word}`?"))
}

/// Which of `names`, each some words, a name of another file means: `maritalStatus` is `Marital Status`. All of its words are in it; of
/// several names that with the fewest other words.
pub fn named<'k>(given: &str, names: impl IntoIterator<Item = &'k str>) -> Option<usize> {
    let given = words(given);
    if given.is_empty() {
        return None;
    }
    let found = names.into_iter().map(words).enumerate();
    let all = found.filter(|(_, name)| given.iter().all(|word| name.contains(word)));
    all.min_by_key(|(_, name)| name.len()).map(|(number, _)| number)
}

/// The words of a name in small letters and without the `s` of several.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars().take(200) {
        if c.is_uppercase() && before.is_lowercase() || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words.into_iter().map(|word| word.strip_suffix('s').map_or(word.clone(), str::to_owned)).collect()
}

/// The number of slips between two words (Damerau and Levenshtein's distance, neighbours swapped once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_the_shortest_that_has_all_its_words() {
        let known = ["Race", "Marital Status", "Mother's Maiden Name", "Patient Name", "Name"];
        for (given, found) in [
            ("race", Some(0)),
            ("maritalStatus", Some(1)),
            ("MARITAL_STATUS", Some(1)),
            ("names", Some(4)),
            ("patient-name", Some(3)),
            ("sex", None),
            ("", None),
        ] {
            assert_eq!(named(given, known), found, "{given}");
        }
    }

    #[test]
    fn the_nearest_word_is_found_within_the_allowed_slips() {
        let known = ["upper", "lower", "table", "trim", "hash"];
        for (given, found) in [
            ("uper", Some("upper")),
            ("lowre", Some("lower")),
            ("Upper", Some("upper")),
            ("tabel", Some("table")),
            ("hsah", Some("hash")),
            ("x", None),
            ("", None),
            ("completely", None),
        ] {
            assert_eq!(nearest(given, known), found, "{given}");
        }
    }
}
