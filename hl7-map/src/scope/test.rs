//! Conditions.

use std::cell::OnceCell;
use std::ops::Deref;

use super::{Scope, Source};
use crate::budget::Mark;
use crate::compare::Texts;
use crate::expr::Comparison;
use crate::json::Json;
use crate::pattern::Pattern;
use crate::plan::{Operand, Term, Test};
use crate::value::{Fault, Value};

impl<'v> Scope<'v> {
    /// Whether a condition holds.
    pub(crate) fn test(&self, test: &'v Test) -> Result<bool, Fault> {
        match test {
            Test::Any(tests) => self.first_that_is(tests, true),
            Test::All(tests) => self.first_that_is(tests, false),
            Test::Not(inner) => Ok(!self.test(inner)?),
            Test::Present(formula) => self.is_present(formula),
            Test::Compare(left, comparison, right) => {
                if let Comparison::Equal | Comparison::NotEqual = comparison
                    && let Some(same) = self.are_same(left, right)?
                {
                    return Ok(same == (*comparison == Comparison::Equal));
                }
                let mark = self.keep_fixed([left, right])?;
                let holds = self.compares(left, *comparison, right);
                self.budget.release(mark);
                holds
            }
            Test::Matches(formula, pattern) => {
                let mark = self.budget.mark();
                let fits = self.formula(formula).and_then(|value| self.any_fits(value, pattern));
                self.budget.release(mark);
                fits
            }
            Test::In(left, list) => {
                let mark = self.keep_fixed(std::iter::once(left).chain(list))?;
                let holds = self.is_in(left, list);
                self.budget.release(mark);
                holds
            }
        }
    }

    /// Whether a text of the value fits.
    fn any_fits(&self, value: Value<'v>, pattern: &Pattern) -> Result<bool, Fault> {
        for item in value.into_items().filter(|item| !matches!(item, Value::Null)) {
            let Some(text) = item.into_text()? else { continue };
            self.budget.step(pattern.steps(text.len()).saturating_add(1))?;
            if pattern.fits(&text) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether two texts are the same, each of which stands in the file or in the payload as it is; `None` of all else.
    fn are_same(&self, left: &'v Operand, right: &'v Operand) -> Result<Option<bool>, Fault> {
        let (Some(here), Some(there)) = (self.text_as_is(right), self.text_as_is(left)) else {
            return Ok(None);
        };
        self.read.set(left.formula.only_path().map(Source::Json));
        self.budget.text(here.len().min(there.len()))?;
        Ok(Some(here == there))
    }

    fn text_as_is(&self, operand: &'v Operand) -> Option<&'v str> {
        let text = match (operand.formula.choice.as_slice(), operand.formula.steps.as_slice()) {
            ([Term::Text(text)], []) => text,
            ([Term::Path(path)], []) if self.is_of_payload(path) => match self.json(path)? {
                Json::String(text) | Json::Number(text) => text.as_ref(),
                _ => return None,
            },
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn compares(&self, left: &'v Operand, how: Comparison, right: &'v Operand) -> Result<bool, Fault> {
        let left = self.operand(left)?;
        left.compares(how, &*self.beside(right)?, &self.budget)
    }

    fn is_in(&self, left: &'v Operand, list: &'v [Operand]) -> Result<bool, Fault> {
        let left = self.operand(left)?;
        for operand in list {
            if !left.is_empty() && left.equals(&*self.beside(operand)?, &self.budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the operands that are the same in every round, for once; what is made after the mark is not kept.
    fn keep_fixed(&self, operands: impl IntoIterator<Item = &'v Operand>) -> Result<Mark, Fault> {
        for operand in operands {
            let Some(kept) = operand.slot.and_then(|slot| self.fixed.get(slot)) else { continue };
            if kept.get().is_none() {
                let texts = Texts::of(self.formula(&operand.formula)?, &self.budget)?;
                self.budget.keep(texts.kept_bytes())?;
                kept.get_or_init(|| texts);
            }
        }
        Ok(self.budget.mark())
    }

    fn operand(&self, operand: &'v Operand) -> Result<Side<'_, 'v>, Fault> {
        self.read.set(None);
        if let Some(kept) = operand.slot.and_then(|slot| self.fixed.get(slot)).and_then(OnceCell::get) {
            return Ok(Side::Kept(kept));
        }
        Texts::of(self.inner(&operand.formula)?, &self.budget).map(Side::Made)
    }

    /// An operand that does not count as what the condition works on.
    fn beside(&self, operand: &'v Operand) -> Result<Side<'_, 'v>, Fault> {
        let read = self.read.get();
        let side = self.operand(operand);
        self.read.set(read);
        side
    }

    /// `wanted` when one of the tests gives it, the contrary else.
    fn first_that_is(&self, tests: &'v [Test], wanted: bool) -> Result<bool, Fault> {
        for test in tests {
            if self.test(test)? == wanted {
                return Ok(wanted);
            }
        }
        Ok(!wanted)
    }
}

/// One side of a comparison: read for this one, or kept from another round.
enum Side<'s, 'v> {
    Made(Texts<'v>),
    Kept(&'s Texts<'v>),
}

impl<'v> Deref for Side<'_, 'v> {
    type Target = Texts<'v>;

    fn deref(&self) -> &Texts<'v> {
        match self {
            Side::Made(texts) => texts,
            Side::Kept(texts) => texts,
        }
    }
}
