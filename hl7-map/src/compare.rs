//! Comparisons of values, which may be lists: each side is read once, so that the cost is that of both sides and not of their pairs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;

use crate::budget::Budget;
use crate::decimal::Decimal;
use crate::expr::Comparison;
use crate::value::{Fault, Value};

/// The texts of one side: none when the value is absent, several of a list.
pub(crate) struct Texts<'v> {
    texts: List<'v>,
    range: OnceCell<Box<Range>>,
}

enum List<'v> {
    One(Cow<'v, str>),
    /// Sorted.
    Any(Vec<Cow<'v, str>>),
}

/// The smallest and the largest of a side: of its numbers by size, of the other texts by their characters.
struct Range {
    numbers: Option<(Decimal, Decimal)>,
    /// Places in the sorted list.
    others: Option<(usize, usize)>,
}

impl<'v> Texts<'v> {
    /// Takes a step for each text.
    pub(crate) fn of(value: Value<'v>, budget: &Budget) -> Result<Self, Fault> {
        let texts = match value {
            Value::Text(text) => {
                budget.text(text.len())?;
                List::One(text)
            }
            value => List::Any(sorted(value, budget)?),
        };
        Ok(Self { texts, range: OnceCell::new() })
    }

    /// The bytes that are kept with it, beside the texts that were made before.
    pub(crate) fn kept_bytes(&self) -> usize {
        size_of_val(self.list())
    }

    fn list(&self) -> &[Cow<'v, str>] {
        match &self.texts {
            List::One(text) => std::slice::from_ref(text),
            List::Any(texts) => texts,
        }
    }

    /// Whether one text of each side are the same; an absent value equals an absent one only.
    pub(crate) fn equals(&self, other: &Self, budget: &Budget) -> Result<bool, Fault> {
        let (few, many) = if self.list().len() < other.list().len() { (self, other) } else { (other, self) };
        budget.step(few.list().len())?;
        if few.list().is_empty() {
            return Ok(many.list().is_empty());
        }
        Ok(few.list().iter().any(|text| many.list().binary_search(text).is_ok()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Whether the comparison holds for one text of each side.
    pub(crate) fn compares(&self, how: Comparison, other: &Self, budget: &Budget) -> Result<bool, Fault> {
        match how {
            Comparison::Equal => self.equals(other, budget),
            Comparison::NotEqual => Ok(!self.equals(other, budget)?),
            Comparison::Less => self.precedes(other, Ordering::is_lt, budget),
            Comparison::LessOrEqual => self.precedes(other, Ordering::is_le, budget),
            Comparison::Greater => other.precedes(self, Ordering::is_lt, budget),
            Comparison::GreaterOrEqual => other.precedes(self, Ordering::is_le, budget),
        }
    }

    /// Whether any text here stands before any there: the smallest here before the largest there. Two numbers are ordered by size, a
    /// number and another text by their characters.
    fn precedes(&self, other: &Self, holds: fn(Ordering) -> bool, budget: &Budget) -> Result<bool, Fault> {
        let (here, there) = (self.range(budget)?, other.range(budget)?);
        let numbers = match (&here.numbers, &there.numbers) {
            (Some((smallest, _)), Some((_, largest))) => holds(smallest.cmp(largest)),
            _ => false,
        };
        let by_text = |a: Option<&Cow<'v, str>>, b: Option<&Cow<'v, str>>| {
            a.zip(b).is_some_and(|(a, b)| holds(a.cmp(b)))
        };
        let smallest_other = here.others.and_then(|(first, _)| self.list().get(first));
        let largest_other = there.others.and_then(|(_, last)| other.list().get(last));
        Ok(numbers
            || by_text(smallest_other, other.list().last())
            || by_text(self.list().first(), largest_other))
    }

    fn range(&self, budget: &Budget) -> Result<&Range, Fault> {
        if let Some(range) = self.range.get() {
            return Ok(range);
        }
        let mut range = Range { numbers: None, others: None };
        for (at, text) in self.list().iter().enumerate() {
            budget.text(text.len())?;
            range.add(at, Decimal::of(text).ok());
        }
        Ok(self.range.get_or_init(|| Box::new(range)))
    }
}

impl Range {
    fn add(&mut self, at: usize, number: Option<Decimal>) {
        match (number, &mut self.numbers) {
            (Some(number), None) => self.numbers = Some((number.clone(), number)),
            (Some(number), Some((smallest, _))) if number < *smallest => *smallest = number,
            (Some(number), Some((_, largest))) if number > *largest => *largest = number,
            (Some(_), Some(_)) => {}
            (None, _) => self.others = Some((self.others.map_or(at, |(first, _)| first), at)),
        }
    }
}

fn sorted<'v>(value: Value<'v>, budget: &Budget) -> Result<Vec<Cow<'v, str>>, Fault> {
    let mut texts = Vec::new();
    for item in value.into_items() {
        let Some(text) = item.into_text()? else { continue };
        budget.text(text.len())?;
        texts.push(text);
    }
    // Sorting compares each text some times more.
    budget.step(texts.len().saturating_mul(2))?;
    texts.sort_unstable();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use proptest::prelude::*;

    const ALL: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];

    fn texts(list: &[String], budget: &Budget) -> Texts<'static> {
        let items = list.iter().map(|text| Value::text(Cow::Owned(text.clone()))).collect();
        Texts::of(Value::List(items), budget).expect("texts")
    }

    /// Pair by pair.
    fn plainly(left: &[String], how: Comparison, right: &[String]) -> bool {
        let order = |l: &str, r: &str| match (Decimal::of(l), Decimal::of(r)) {
            (Ok(l), Ok(r)) => l.cmp(&r),
            _ => l.cmp(r),
        };
        let any = |holds: fn(Ordering) -> bool| left.iter().any(|l| right.iter().any(|r| holds(order(l, r))));
        let equal = match (left, right) {
            ([], right) => right.is_empty(),
            (left, right) => left.iter().any(|l| right.contains(l)),
        };
        match how {
            Comparison::Equal => equal,
            Comparison::NotEqual => !equal,
            Comparison::Less => any(Ordering::is_lt),
            Comparison::LessOrEqual => any(Ordering::is_le),
            Comparison::Greater => any(Ordering::is_gt),
            Comparison::GreaterOrEqual => any(Ordering::is_ge),
        }
    }

    proptest! {
        #[test]
        fn lists_compare_as_their_pairs_do(
            left in prop::collection::vec("[0-9]{1,2}|-[0-9]|[a-c]{1,2}|1\\.0|[0-9]x", 0..5),
            right in prop::collection::vec("[0-9]{1,2}|-[0-9]|[a-c]{1,2}|1\\.0|[0-9]x", 0..5),
        ) {
            let budget = Budget::new(&Context::new("", std::time::UNIX_EPOCH));
            let (l, r) = (texts(&left, &budget), texts(&right, &budget));
            for how in ALL {
                let got = l.compares(how, &r, &budget).expect("a result");
                prop_assert_eq!(got, plainly(&left, how, &right), "{:?} {:?} {:?}", left, how, right);
            }
        }
    }
}
