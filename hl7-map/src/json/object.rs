//! The members of an object, found by name at the same cost however many there are.

use std::borrow::Cow;

use super::Json;

/// Up to so many members, going through them is faster than searching in order.
const FEW: usize = 16;

/// The members of an object. Where a name stands twice, the later one counts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Object<'a> {
    /// By name when there are more than [`FEW`], else as they came.
    members: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Object<'a> {
    pub(crate) fn of(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        if members.len() > FEW {
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Self { members }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.members.get(self.find(name)?).map(|(_, value)| value)
    }

    /// The place of the last member of this name.
    fn find(&self, name: &str) -> Option<usize> {
        if self.members.len() <= FEW {
            return self.members.iter().rposition(|(key, _)| key == name);
        }
        let behind = self.members.partition_point(|(key, _)| key.as_ref() <= name);
        let last = behind.checked_sub(1)?;
        self.members.get(last).is_some_and(|(key, _)| key == name).then_some(last)
    }

    /// The member of this name, which is null where there was none.
    pub(crate) fn get_or_add(&mut self, name: &str) -> Option<&mut Json<'a>> {
        if self.find(name).is_none() {
            let mut members = std::mem::take(&mut self.members);
            members.push((Cow::Owned(name.to_owned()), Json::Null));
            *self = Self::of(members);
        }
        let at = self.find(name)?;
        self.members.get_mut(at).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_is_found_among_few_and_many() {
        for count in [1, 16, 17, 500] {
            let value = |n: usize| Json::Number(n.to_string().into());
            let members = (0..2 * count).map(|n| (format!("k{}", n % count).into(), value(n)));
            let mut object = Object::of(members.collect());
            for n in 0..count {
                assert_eq!(object.get(&format!("k{n}")), Some(&value(n + count)));
            }
            assert_eq!(object.get("k"), None);
            assert_eq!(object.get("zz"), None);
            if let Some(added) = object.get_or_add("new") {
                *added = Json::Bool("true");
            }
            assert_eq!(object.get("new"), Some(&Json::Bool("true")));
            assert_eq!(object.len(), 2 * count + 1);
        }
    }
}
