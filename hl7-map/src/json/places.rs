//! What a mapping reads of a payload: only that is kept of it, each place where it is found at once.

use std::ops::Range;

use super::Json;

/// Up to so many names, going through them is faster than searching in order.
const FEW: usize = 16;

/// The places of a payload that are kept. A place is the names on the way to it from the top.
#[derive(Default)]
pub(crate) struct Places {
    top: Node,
    /// How many numbers its nodes have.
    numbers: usize,
    /// By the number under which a place was asked for.
    asked: Vec<Asked>,
}

/// Where the value of a place is.
#[derive(Clone, Copy)]
struct Asked {
    number: usize,
    /// How many names lead to what is kept; the others lead on in it.
    names: usize,
}

/// An object on the way to what is kept, or what is kept itself.
#[derive(Default)]
pub(crate) struct Node {
    /// By length and name.
    members: Vec<(String, Node)>,
    /// How each name begins, in the same order.
    starts: Vec<Start>,
    /// It is kept whole.
    is_kept: bool,
    /// Its own number, and those of what is in it.
    numbers: Range<usize>,
}

impl Places {
    /// The places with these names.
    pub(crate) fn new(asked: &[Vec<String>]) -> Self {
        let mut top = Node::default();
        for names in asked {
            top.add(names);
        }
        let numbers = top.number(0);
        let asked = asked.iter().map(|names| top.find(names)).collect();
        Self { top, numbers, asked }
    }

    pub(crate) fn top(&self) -> &Node {
        &self.top
    }
}

impl Node {
    fn add(&mut self, names: &[String]) {
        let Some((first, rest)) = names.split_first() else {
            self.is_kept = true;
            return;
        };
        let at = self.place_of(first).unwrap_or_else(|at| {
            self.members.insert(at, (first.clone(), Node::default()));
            at
        });
        if let Some((_, node)) = self.members.get_mut(at) {
            node.add(rest);
        }
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(known, _)| (known.len(), known.as_str()).cmp(&(name.len(), name)))
    }

    /// Gives out numbers from this one on, one after the other. What is in something that is kept whole gets none. Gives the next.
    fn number(&mut self, first: usize) -> usize {
        let mut next = first + 1;
        if self.is_kept {
            self.members.clear();
        }
        self.starts = self.members.iter().map(|(name, _)| Start::of(name)).collect();
        for (_, member) in &mut self.members {
            next = member.number(next);
        }
        self.numbers = first..next;
        next
    }

    fn find(&self, names: &[String]) -> Asked {
        let (mut node, mut depth) = (self, 0);
        for name in names {
            let Ok(at) = node.place_of(name) else { break };
            let Some((_, member)) = node.members.get(at) else { break };
            (node, depth) = (member, depth + 1);
        }
        Asked { number: node.numbers.start, names: depth }
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Node> {
        let at = if self.members.len() <= FEW {
            self.members.iter().position(|(known, _)| known == name)
        } else {
            self.place_of(name).ok()
        };
        self.members.get(at?).map(|(_, node)| node)
    }

    /// The member whose name stands in JSON at the start of `text`, without a character that is escaped, and how long it is with its quotes.
    /// `None` says nothing.
    #[inline]
    pub(crate) fn member_at(&self, text: &[u8]) -> Option<(&Node, usize)> {
        if self.members.len() > FEW {
            return None;
        }
        let start = u64::from_le_bytes(*text.first_chunk()?);
        let fits = |known: &Start| start & known.of_bytes == known.bytes;
        let at = self.starts.iter().position(fits)?;
        let (name, node) = self.members.get(at)?;
        let length = name.len() + 2;
        let whole = length <= START || text.get(1..)?.strip_prefix(name.as_bytes())?.first() == Some(&b'"');
        whole.then_some((node, length))
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }
}

/// So many bytes of a member are compared together.
const START: usize = size_of::<u64>();

/// The first bytes of a name in JSON, with the quotes where they are among them.
struct Start {
    bytes: u64,
    /// Which bits of them are of the name.
    of_bytes: u64,
}

impl Start {
    fn of(name: &str) -> Self {
        let escaped = |c: char| c < ' ' || c == '"' || c == '\\';
        let json = if name.contains(escaped) { String::new() } else { format!("\"{name}\"") };
        let (mut bytes, mut of_bytes) = ([0; START], [0; START]);
        for ((byte, of_byte), json) in bytes.iter_mut().zip(&mut of_bytes).zip(json.bytes()) {
            (*byte, *of_byte) = (json, u8::MAX);
        }
        // Where nothing is compared, one bit is asked for that cannot be there.
        let bytes = u64::from_le_bytes(bytes) | u64::from(json.is_empty());
        Self { bytes, of_bytes: u64::from_le_bytes(of_bytes) }
    }
}

/// What is kept of a payload.
#[derive(Default)]
pub(crate) struct Payload<'a> {
    /// By the number of its node.
    kept: Vec<Kept<'a>>,
    is_object: bool,
    /// An object, or what should be one, came more than once.
    came_again: bool,
}

/// What was read last at a place: of an object on the way to others only where it began.
#[derive(Default)]
struct Kept<'a> {
    at: usize,
    value: Option<Json<'a>>,
}

impl<'a> Payload<'a> {
    /// Nothing yet.
    pub(crate) fn new(places: &Places, is_object: bool) -> Self {
        let kept = std::iter::repeat_with(Kept::default).take(places.numbers).collect();
        Self { kept, is_object, came_again: false }
    }

    /// What is kept of a value that was read before.
    pub(crate) fn of(json: &Json<'a>, places: &Places) -> Self {
        let mut payload = Self::new(places, matches!(json, Json::Object(_)));
        payload.take(json, &places.top);
        payload
    }

    fn take(&mut self, json: &Json<'a>, node: &Node) {
        if node.is_kept {
            return self.keep(node, 0, json.clone());
        }
        for (name, member) in &node.members {
            if let Some(json) = json.member(name) {
                self.take(json, member);
            }
        }
    }

    /// Keeps a value that was read at this byte.
    pub(crate) fn keep(&mut self, node: &Node, at: usize, json: Json<'a>) {
        if let Some(kept) = self.kept.get_mut(node.numbers.start) {
            *kept = Kept { at, value: Some(json) };
        }
    }

    /// Begins an object at this byte, or what stands in its place.
    pub(crate) fn begin(&mut self, node: &Node, at: usize) {
        if let Some(kept) = self.kept.get_mut(node.numbers.start) {
            self.came_again |= kept.at > 0;
            kept.at = at;
        }
    }

    /// Ends reading: of what came more than once the last counts, and what an earlier one had is forgotten. It is done once, so that names
    /// that come again and again cost no more than others.
    pub(crate) fn end(&mut self, places: &Places) {
        if self.came_again {
            self.forget_earlier(&places.top);
        }
    }

    fn forget_earlier(&mut self, node: &Node) {
        let Some((own, inner)) = self.kept.get_mut(node.numbers.clone()).and_then(<[_]>::split_first_mut)
        else {
            return;
        };
        for kept in inner.iter_mut().filter(|kept| kept.at < own.at) {
            kept.value = None;
        }
        node.members.iter().for_each(|(_, member)| self.forget_earlier(member));
    }

    pub(crate) fn is_object(&self) -> bool {
        self.is_object
    }

    /// What is kept for a place, and how many of its names lead there.
    #[inline]
    pub(crate) fn at(&self, places: &Places, asked: usize) -> Option<(&Json<'a>, usize)> {
        let asked = places.asked.get(asked)?;
        self.kept.get(asked.number)?.value.as_ref().map(|json| (json, asked.names))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{JsonLimits, read, read_places};
    use super::*;
    use proptest::prelude::*;

    const LIMITS: JsonLimits = JsonLimits { bytes: 10_000, values: 1_000 };

    fn places(paths: &[&str]) -> (Vec<Vec<String>>, Places) {
        let names = |path: &&str| path.split('.').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let asked: Vec<_> = paths.iter().map(names).collect();
        let places = Places::new(&asked);
        (asked, places)
    }

    /// What stands at each place, by way of the whole tree and by reading only what is kept.
    fn both(payload: &str, paths: &[&str]) -> Result<[Vec<Option<String>>; 3], super::super::JsonFault> {
        let (asked, places) = places(paths);
        let whole = read(payload.as_bytes(), LIMITS);
        let kept = read_places(payload.as_bytes(), LIMITS, &places);
        let (whole, kept) = match (whole, kept) {
            (Ok(whole), Ok(kept)) => (whole, kept),
            (whole, kept) => {
                let (fault, other) = (whole.err(), kept.err());
                assert_eq!(fault, other, "{payload}");
                return Err(fault.expect("a fault"));
            }
        };
        assert_eq!(kept.is_object(), matches!(whole, Json::Object(_)));
        let of = Payload::of(&whole, &places);
        let from = |payload: &Payload<'_>, n: usize| {
            let (json, names) = payload.at(&places, n)?;
            let json = asked[n][names..].iter().try_fold(json, |json, name| json.member(name))?;
            Some(json.shown())
        };
        let plainly = |names: &Vec<String>| {
            names.iter().try_fold(&whole, |json, name| json.member(name)).map(Json::shown)
        };
        Ok([
            asked.iter().map(plainly).collect(),
            (0..asked.len()).map(|n| from(&kept, n)).collect(),
            (0..asked.len()).map(|n| from(&of, n)).collect(),
        ])
    }

    #[test]
    fn the_later_of_a_name_counts_and_what_is_in_it() {
        let paths = [".a.b", ".a.c", ".a.c.d", ".e", ".f.g.h", ".a"];
        for (payload, paths) in [
            (r#"{"a":{"b":1,"c":{"d":2}},"e":[{}],"f":{"g":{"h":null}}}"#, &paths[..]),
            (r#"{"a":{"b":1},"a":{"c":2},"f":{"g":{"h":1}},"f":{"g":2}}"#, &paths[..5]),
            (r#"{"a":{"b":1},"a":7}"#, &paths[..5]),
            (
                r#"{"a":{"b":1,"c":{"d":3}},"e":1,"a":{"c":{}},"f":{"g":{"h":1}},"f":{},"a":{"c":{"d":2}}}"#,
                &paths[..5],
            ),
            (r#"{"a":{"b":1,"b":{},"b":"x"}}"#, &paths[..5]),
            (r#"[{"a":1}]"#, &paths[..]),
            (r#"null"#, &["", ".a"]),
            (r#"{"a":1}"#, &["", ".a"]),
            (r#"{"\u0061":1,"é":2}"#, &[".a", ".é"]),
        ] {
            let [plainly, kept, of] = both(payload, paths).expect("JSON");
            assert_eq!(kept, plainly, "{payload}");
            assert_eq!(of, plainly, "{payload}");
        }
    }

    #[test]
    fn names_that_are_escaped_or_lie_at_the_end_are_found() {
        for name in ["", "a", "ab", "abcdef", "abcdefg", "a\"b", "\\", "\n", "\u{7f}", "é", "Ünder"] {
            let mut json = String::new();
            super::super::push_string(&mut json, name);
            for payload in [format!("{{{json}:1}}"), format!("{{{json}:1, \"other\" : \"and more of it\"}}")]
            {
                let places = Places::new(&[vec![name.to_owned()], vec!["abcde".to_owned()]]);
                let kept = read_places(payload.as_bytes(), LIMITS, &places).expect("JSON");
                assert_eq!(
                    kept.at(&places, 0).map(|(json, _)| json.shown()),
                    Some("1".to_owned()),
                    "{payload}"
                );
                assert!(kept.at(&places, 1).is_none(), "{payload}");
            }
        }
    }

    #[test]
    fn long_names_with_the_same_start_are_told_apart() {
        let paths = [".longname1.a", ".longname2.a", ".longname", ".longnames"];
        let payload = r#"{"longname2":{"a":2},"longname":3,"longnamed":4,"longname1":{"a":1}}"#;
        let [plainly, kept, _] = both(payload, &paths).expect("JSON");
        assert_eq!(kept, plainly);
        assert_eq!(kept[..3], [Some("1".to_owned()), Some("2".to_owned()), Some("3".to_owned())]);
    }

    #[test]
    fn many_names_are_found_too() {
        let names: Vec<String> = (0..100).map(|n| format!(".name{n}")).collect();
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        let members: Vec<String> = (0..200).rev().map(|n| format!("\"name{n}\":{n}")).collect();
        let [plainly, kept, _] = both(&format!("{{{}}}", members.join(",")), &paths).expect("JSON");
        assert!(plainly.iter().all(Option::is_some));
        assert_eq!(kept, plainly);
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = "null|true|-1\\.5e3|0|\"[ab\u{e9}]{0,2}\"|\"\\\\u0061\\\\n\"|\\[\\]";
        leaf.prop_recursive(4, 40, 5, |inner| {
            let member = ("[abc]", inner.clone()).prop_map(|(name, value)| format!("\"{name}\": {value}"));
            prop_oneof![
                prop::collection::vec(member, 0..6)
                    .prop_map(|members| format!("{{{}}}", members.join(" , "))),
                prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_the_whole_has(payload in json(), cut in any::<prop::sample::Index>(), is_cut in prop::bool::weighted(0.2)) {
            let mut payload = payload;
            if is_cut {
                let at = payload.char_indices().map(|(at, _)| at).nth(cut.index(payload.chars().count())).unwrap_or(0);
                payload.truncate(at);
            }
            if let Ok([plainly, kept, of]) = both(&payload, &[".a", ".b.a", ".b.b", ".b.c.a", ".c.a", ".c.b.c", ".c.b"]) {
                prop_assert_eq!(&kept, &plainly);
                prop_assert_eq!(&of, &plainly);
            }
        }
    }
}
