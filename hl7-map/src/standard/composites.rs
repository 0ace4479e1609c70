//! Composite types by the names of their parts.

use super::Version;

/// A composite's name in mapping files, the types it fills, and its parts.
pub(crate) struct Composite {
    pub(crate) name: &'static str,
    pub(crate) types: &'static str,
    parts: &'static [Part],
}

struct Part {
    name: &'static str,
    at: Component,
    since: Version,
    until: Version,
}

/// A component and a subcomponent of it, both from 1. A component without parts is its own first subcomponent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Component {
    pub(crate) component: u16,
    pub(crate) subcomponent: u16,
}

const fn part(name: &'static str, component: u16, subcomponent: u16) -> Part {
    Part { name, at: Component { component, subcomponent }, since: Version::V2_1, until: Version::LAST }
}

const fn since(version: Version, mut part: Part) -> Part {
    part.since = version;
    part
}

const fn until(version: Version, mut part: Part) -> Part {
    part.until = version;
    part
}

/// The composites that a mapping names.
pub(crate) const COMPOSITES: &[Composite] = &[
    Composite {
        name: "name",
        types: "XPN",
        parts: &[
            part("family", 1, 1),
            part("given", 2, 1),
            part("middle", 3, 1),
            part("suffix", 4, 1),
            part("prefix", 5, 1),
            until(Version::V2_6, part("degree", 6, 1)),
            since(Version::V2_3, part("type", 7, 1)),
        ],
    },
    Composite {
        name: "address",
        types: "XAD",
        parts: &[
            part("street", 1, 1),
            part("other", 2, 1),
            part("city", 3, 1),
            part("state", 4, 1),
            part("zip", 5, 1),
            part("country", 6, 1),
            part("type", 7, 1),
            part("geographic", 8, 1),
            since(Version::V2_3, part("county", 9, 1)),
        ],
    },
    Composite {
        name: "identifier",
        types: "CX",
        parts: &[
            part("id", 1, 1),
            part("check_digit", 2, 1),
            part("check_scheme", 3, 1),
            part("authority", 4, 1),
            since(Version::V2_3, part("authority_id", 4, 2)),
            since(Version::V2_3, part("authority_type", 4, 3)),
            since(Version::V2_3, part("type", 5, 1)),
            since(Version::V2_3, part("facility", 6, 1)),
        ],
    },
    Composite {
        name: "phone",
        types: "XTN",
        parts: &[
            until(Version::V2_6, part("number", 1, 1)),
            since(Version::V2_7, part("number", 12, 1)),
            since(Version::V2_3, part("use", 2, 1)),
            since(Version::V2_3, part("equipment", 3, 1)),
            since(Version::V2_3, part("email", 4, 1)),
            since(Version::V2_3, part("country", 5, 1)),
            since(Version::V2_3, part("area", 6, 1)),
            since(Version::V2_3, part("local", 7, 1)),
            since(Version::V2_3, part("extension", 8, 1)),
            since(Version::V2_3, part("text", 9, 1)),
        ],
    },
    Composite {
        name: "coded",
        types: "CE or CWE",
        parts: &[
            part("code", 1, 1),
            part("text", 2, 1),
            part("system", 3, 1),
            part("alternate_code", 4, 1),
            part("alternate_text", 5, 1),
            part("alternate_system", 6, 1),
        ],
    },
    Composite {
        name: "location",
        types: "PL",
        parts: &[
            part("unit", 1, 1),
            part("room", 2, 1),
            part("bed", 3, 1),
            part("facility", 4, 1),
            part("status", 5, 1),
            since(Version::V2_3, part("type", 6, 1)),
            since(Version::V2_3, part("building", 7, 1)),
            since(Version::V2_3, part("floor", 8, 1)),
            since(Version::V2_3, part("description", 9, 1)),
        ],
    },
    Composite {
        name: "provider",
        types: "XCN",
        parts: &[
            part("id", 1, 1),
            part("family", 2, 1),
            part("given", 3, 1),
            part("middle", 4, 1),
            part("suffix", 5, 1),
            part("prefix", 6, 1),
            until(Version::V2_6, part("degree", 7, 1)),
            part("source", 8, 1),
            since(Version::V2_3, part("authority", 9, 1)),
            since(Version::V2_3, part("authority_id", 9, 2)),
            since(Version::V2_3, part("authority_type", 9, 3)),
            since(Version::V2_3, part("name_type", 10, 1)),
            since(Version::V2_3, part("check_digit", 11, 1)),
            since(Version::V2_3, part("check_scheme", 12, 1)),
            since(Version::V2_3, part("type", 13, 1)),
            since(Version::V2_3, part("facility", 14, 1)),
        ],
    },
];

/// Where the part `name` of a composite stands in this version.
pub(crate) fn component(composite: &Composite, name: &str, version: Version) -> Option<Component> {
    parts(composite, version).find(|part| part.name == name).map(|part| part.at)
}

impl Composite {
    /// Whether a field of this type takes the parts. Types that became another one in a later version have them at the same places.
    pub(crate) fn fits(&self, kind: &str) -> bool {
        composite_of(kind).is_some_and(|own| own.name == self.name)
            || matches!(
                (self.name, kind),
                ("name", "PN" | "XPN")
                    | ("address", "AD")
                    | ("identifier", "CK")
                    | ("phone", "TN")
                    | ("provider", "CN" | "CNN" | "PPN")
            )
    }
}

/// The composite that a data type is.
pub(crate) fn composite_of(kind: &str) -> Option<&'static Composite> {
    let name = match kind {
        "XPN" => "name",
        "XAD" => "address",
        "CX" => "identifier",
        "XTN" => "phone",
        "CE" | "CWE" | "CNE" | "CF" => "coded",
        "PL" => "location",
        "XCN" => "provider",
        _ => return None,
    };
    COMPOSITES.iter().find(|composite| composite.name == name)
}

/// The parts of a composite in this version, with their names.
pub(crate) fn parts_of(
    composite: &'static Composite,
    version: Version,
) -> impl Iterator<Item = (&'static str, Component)> {
    parts(composite, version).map(|part| (part.name, part.at))
}

/// The parts that a composite has in this version.
pub(crate) fn component_names(composite: &Composite, version: Version) -> impl Iterator<Item = &'static str> {
    parts(composite, version).map(|part| part.name)
}

fn parts(composite: &Composite, version: Version) -> impl Iterator<Item = &'static Part> + use<> {
    composite.parts.iter().filter(move |part| (part.since..=part.until).contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_a_component_of_its_type_in_every_version_that_has_it() {
        let mut looked = 0;
        for version in Version::all().filter(|version| *version >= Version::V2_3) {
            for kind in ["XPN", "XAD", "CX", "XTN", "CE", "CWE", "PL", "XCN"] {
                let Some(known) = version.dictionary().data_type(kind) else { continue };
                let Some(composite) = composite_of(kind) else { continue };
                for (name, at) in parts_of(composite, version) {
                    looked += 1;
                    let component = known.component(at.component.into());
                    let inner = component.and_then(|component| component.data_type());
                    let within = inner.is_some_and(|inner| inner.component(at.subcomponent.into()).is_some());
                    assert!(
                        component.is_some() && (at.subcomponent == 1 || within),
                        "{version:?} {kind} {name}"
                    );
                }
            }
        }
        assert!(looked > 500, "{looked}");
    }
}
