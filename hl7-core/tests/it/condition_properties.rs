//! Properties that hold for any condition and any message.

use std::cmp::Ordering;

use hl7_core::{Condition, Message};
use proptest::prelude::*;

/// A message of few places with few texts, so that they often meet.
fn er7() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "", "\"\"", "F", "A", "7", "7.20", "7.2", "-3", "+007.2", "12", "a\\T\\b", "é", "1e3", "&x", "^x",
    ]);
    let field = prop::collection::vec(leaf, 1..4).prop_map(|leaves| leaves.join("~"));
    let segment =
        (prop::sample::select(vec!["PID", "OBX", "OBX", "ZZZ"]), prop::collection::vec(field, 0..4))
            .prop_map(|(id, fields)| format!("{id}|{}\r", fields.join("|")));
    prop::collection::vec(segment, 0..6).prop_map(|all| format!("MSH|^~\\&|A|B\r{}", all.concat()))
}

fn path() -> impl Strategy<Value = String> {
    "(PID|OBX|ZZZ)(\\[[*12]\\])?-[1-3](\\[([*12]|1=7)\\])?(\\.[12])?"
}

fn constant() -> impl Strategy<Value = String> {
    let texts = ["F", "A", "7", "7.2", "-3", "12", "a&b", "é", "1e3", "", "\"\"", "PID-1", "and"];
    prop::sample::select(texts.to_vec()).prop_map(|text| serde_json::to_string(text).unwrap())
}

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![2 => constant(), 1 => path(), 1 => "[A-Z][a-z0-9]{0,3}"]
}

fn sign() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

fn asked() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(argument(), 1..4).prop_map(|items| items.join(" "));
    let pattern = prop::sample::select(vec!["7.*", ".", "F|A", "[^7]*", "\\\\d+"]);
    let test = prop_oneof![
        1 => prop_oneof![path(), Just("ZZZ".to_owned()), Just("OBX[2]".to_owned())],
        3 => (path(), sign(), argument()).prop_map(|(p, s, a)| format!("{p} {s} {a}")),
        1 => (path(), list).prop_map(|(p, l)| format!("{p} in ({l})")),
        1 => (path(), pattern).prop_map(|(p, r)| format!("{p} matches \"{r}\"")),
    ];
    test.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and {b}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("(( {a}))")),
        ]
    })
}

fn condition(text: &str) -> Condition {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The texts at a path, as the documentation of conditions says: the first leaf of each place, what is empty left out.
fn texts(msg: &Message<'_>, path: &str) -> Vec<String> {
    let path = path.parse().unwrap();
    msg.get_all(&path).map(|v| v.text().into_owned()).filter(|text| !text.is_empty()).collect()
}

/// Numbers small enough for whole thousandths to be exact.
fn thousandths(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    text.parse::<f64>().ok().filter(|_| is_number).map(|n| (n * 1000.0).round() as i64)
}

fn pair_holds(left: &str, sign: &str, right: &str) -> bool {
    match sign {
        "==" => return left == right,
        "!=" => return left != right,
        _ if left == "\"\"" || right == "\"\"" => return false,
        _ => {}
    }
    let order = match (thousandths(left), thousandths(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    };
    match sign {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}

proptest! {
    #[test]
    fn any_text_is_a_condition_or_refused(text in any::<String>()) {
        if let Ok(condition) = text.parse::<Condition>() {
            prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition));
        }
    }

    #[test]
    fn any_words_are_a_condition_or_refused_at_a_character(words in prop::collection::vec(prop::sample::select(vec![
        "PID-8", "OBX[*]-5", "PID-3[5=a b].1", "PID", "é", "==", "!=", "<", ">=", "=", "in", "matches", "and", "or", "not", "(", ")", "\"",
        "\"a\"", "\\u0041", "F", "7.20", "[", "]", "*", " ", " ", " ", ",",
    ]), 0..14)) {
        let text = words.concat();
        match text.parse::<Condition>() {
            Ok(condition) => prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition)),
            Err(error) => prop_assert!(text.is_char_boundary(error.offset())),
        }
    }

    #[test]
    fn what_is_shown_reads_back_and_means_the_same(text in asked(), er7 in er7()) {
        let given = condition(&text);
        let shown = given.to_string();
        let again = condition(&shown);
        prop_assert_eq!(again.to_string(), shown);
        let msg = Message::parse(&er7).unwrap();
        prop_assert_eq!(again.holds(&msg), given.holds(&msg));
        prop_assert_eq!(again, given);
    }

    #[test]
    fn any_constant_reads_back(text in any::<String>()) {
        let given = condition(&format!("PID-8 == {}", serde_json::to_string(&text).unwrap()));
        prop_assert_eq!(given.to_string().parse::<Condition>(), Ok(given));
    }

    #[test]
    fn logic_is_logic(a in asked(), b in asked(), er7 in er7()) {
        let msg = Message::parse(&er7).unwrap();
        let holds = |text: String| condition(&text).holds(&msg);
        let (is_a, is_b) = (holds(a.clone()), holds(b.clone()));
        prop_assert_eq!(holds(format!("not (not ({a}))")), is_a);
        prop_assert_eq!(holds(format!("({a}) and ({b})")), is_a && is_b);
        prop_assert_eq!(holds(format!("({a}) or ({b})")), is_a || is_b);
        prop_assert_eq!(holds(format!("not (({a}) and ({b}))")), holds(format!("not ({a}) or not ({b})")));
        prop_assert_eq!(holds(format!("not (({a}) or ({b}))")), holds(format!("not ({a}) and not ({b})")));
    }

    #[test]
    fn places_on_both_sides_are_compared_each_with_each(l in path(), sign in sign(), r in path(), er7 in er7()) {
        let msg = Message::parse(&er7).unwrap();
        let (left, right) = (texts(&msg, &l), texts(&msg, &r));
        let expected = match (left.is_empty(), right.is_empty()) {
            (false, false) => left.iter().any(|l| right.iter().any(|r| pair_holds(l, sign, r))),
            (true, true) => sign == "==",
            _ => sign == "!=",
        };
        prop_assert_eq!(condition(&format!("{l} {sign} {r}")).holds(&msg), expected, "{:?} {} {:?}", left, sign, right);
    }

    #[test]
    fn in_is_equality_with_one_of_the_list(p in path(), list in prop::collection::vec(argument(), 1..5), er7 in er7()) {
        let msg = Message::parse(&er7).unwrap();
        let any = list.iter().any(|item| condition(&format!("{p} == {item}")).holds(&msg));
        prop_assert_eq!(condition(&format!("{p} in ({})", list.join(" "))).holds(&msg), any);
    }
}
