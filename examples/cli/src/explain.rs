//! `hl7 explain`: what the standard says of a segment, field, component, data type, structure, event or table.

use clap::Args;
use hl7_core::Path;
use hl7_core::dictionary::{
    DataType, Dictionary, Element, Group, SegmentDefinition, Structure, Table, TableKind, Version,
};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output;
use crate::validate::version;

/// What is explained, and of which version.
#[derive(Args)]
pub(crate) struct Explained {
    /// Such as PID, PID-5, PID-5.1, XPN, ADT_A01, ADT^A08 or 0001.
    what: String,
    /// The version of the standard.
    #[arg(long, value_name = "VERSION", default_value = "2.5.1", value_parser = version)]
    version: Version,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(explained: &Explained) -> Result<(), Failure> {
    let Explained { what, version, json } = explained;
    let found = page(Dictionary::of(*version), what).ok_or_else(|| {
        Failure::no(format!(
            "{what}: {version} has no such segment, field, data type, structure, event or table"
        ))
    })?;
    output::write_lines(&if *json { found.json() } else { found.text() })
}

/// A heading, facts, and a table of parts.
struct Page {
    heading: String,
    facts: Vec<(&'static str, String)>,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

fn page(dictionary: Dictionary, what: &str) -> Option<Page> {
    let table = || Some(of_table(dictionary.table(what.parse().ok()?)?));
    let of_event = |(kind, event): (&str, &str)| dictionary.structure_of(kind, event);
    let structure = || dictionary.structure(what).or_else(|| what.split_once(['^', '_']).and_then(of_event));
    let path = || what.parse::<Path>().ok().and_then(|path| of_path(dictionary, &path));
    table()
        .or_else(|| dictionary.segment(what).map(of_segment))
        .or_else(|| dictionary.data_type(what).map(of_type))
        .or_else(|| structure().map(of_structure))
        .or_else(path)
}

const ELEMENTS: &[&str] = &["place", "usage", "max", "type", "length", "table", "name"];

fn element_row(place: String, element: Element) -> Vec<String> {
    let or_empty = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        place,
        element.usage().letter().to_string(),
        element.max().map_or("*".to_owned(), |max| max.to_string()),
        element.data_type().map_or("", DataType::id).to_owned(),
        or_empty(element.length()),
        element.table_number().map(|number| format!("{number:04}")).unwrap_or_default(),
        element.name().to_owned(),
    ]
}

fn elements(id: &str, separator: char, elements: impl Iterator<Item = Element>) -> Vec<Vec<String>> {
    elements.map(|element| element_row(format!("{id}{separator}{}", element.number()), element)).collect()
}

fn of_segment(segment: SegmentDefinition) -> Page {
    Page {
        heading: format!("{}  {}", segment.id(), segment.name()),
        facts: Vec::new(),
        columns: ELEMENTS,
        rows: elements(segment.id(), '-', segment.fields()),
    }
}

fn of_type(data_type: DataType) -> Page {
    Page {
        heading: format!("{}  {}", data_type.id(), data_type.name()),
        facts: Vec::new(),
        columns: ELEMENTS,
        rows: elements(data_type.id(), '.', data_type.components()),
    }
}

/// A field, a component or a subcomponent, with what is in it.
fn of_path(dictionary: Dictionary, path: &Path) -> Option<Page> {
    let mut place = format!("{}-{}", path.segment_id(), path.field()?);
    let mut element = dictionary.segment(path.segment_id())?.field(usize::from(path.field()?))?;
    for number in [path.component(), path.subcomponent()].into_iter().flatten() {
        element = element.data_type()?.component(usize::from(number))?;
        place += &format!(".{number}");
    }
    let inner = element.data_type().map(|inner| elements(&place, '.', inner.components()));
    Some(Page {
        heading: format!("{place}  {}", element.name()),
        facts: facts_of(element),
        columns: ELEMENTS,
        rows: inner.unwrap_or_default(),
    })
}

fn facts_of(element: Element) -> Vec<(&'static str, String)> {
    let data_type = element.data_type().map(|own| format!("{} {}", own.id(), own.name()));
    let table = element.table().map(|table| format!("{:04} {}", table.number(), table.name()));
    let facts = [
        ("usage", Some(format!("{:?}", element.usage()).to_lowercase())),
        ("max", Some(element.max().map_or("any number".to_owned(), |max| max.to_string()))),
        ("type", data_type),
        ("length", element.length().map(|length| length.to_string())),
        ("table", table),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

fn of_structure(structure: Structure) -> Page {
    let events =
        structure.events().map(|event| format!("{}^{}", event.message_type(), event.trigger_event()));
    let mut rows = Vec::new();
    parts(structure.root(), 0, &mut rows);
    Page {
        heading: structure.name().to_owned(),
        facts: vec![("events", events.collect::<Vec<_>>().join(" "))],
        columns: &["part", "usage", "max", "name"],
        rows,
    }
}

fn parts(group: Group, depth: usize, rows: &mut Vec<Vec<String>>) {
    for part in group.parts() {
        let choice = part.group().is_some_and(Group::is_choice);
        let name = part.segment().map_or(if choice { "one of" } else { "" }, SegmentDefinition::name);
        rows.push(vec![
            format!("{}{}", "  ".repeat(depth), part.name()),
            if part.is_required() { "R" } else { "O" }.to_owned(),
            if part.repeats() { "*" } else { "1" }.to_owned(),
            name.to_owned(),
        ]);
        if let Some(inner) = part.group() {
            parts(inner, depth + 1, rows);
        }
    }
}

fn of_table(table: Table) -> Page {
    let kind = match table.kind() {
        TableKind::Hl7 => "HL7 table",
        TableKind::UserDefined => "user-defined: sites have their own codes",
        _ => "not stated",
    };
    let codes =
        table.codes().map(|code| vec![code.code().to_owned(), code.display().unwrap_or_default().to_owned()]);
    Page {
        heading: format!("{:04}  {}", table.number(), table.name()),
        facts: vec![("kind", kind.to_owned())],
        columns: &["code", "display"],
        rows: codes.collect(),
    }
}

impl Page {
    fn text(&self) -> String {
        let facts = self.facts.iter().map(|(name, fact)| format!("  {name:<8} {fact}\n"));
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let width = |row: &Vec<String>| row.get(column).map_or(0, |cell| cell.chars().count());
                self.rows.iter().map(width).max().unwrap_or(0)
            })
            .collect();
        let rows = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        });
        [format!("{}\n", self.heading)].into_iter().chain(facts).chain(rows).collect()
    }

    fn json(&self) -> String {
        let (id, name) = self.heading.split_once("  ").unwrap_or((&self.heading, ""));
        let mut object = Map::from_iter([("id".to_owned(), json!(id)), ("name".to_owned(), json!(name))]);
        object.extend(self.facts.iter().map(|(name, fact)| ((*name).to_owned(), json!(fact))));
        let row = |row: &Vec<String>| {
            let cells = self.columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            Value::Object(
                cells.map(|(column, cell)| ((*column).to_owned(), json!(cell.trim_start()))).collect(),
            )
        };
        object.insert("parts".to_owned(), self.rows.iter().map(row).collect());
        format!("{}\n", Value::Object(object))
    }
}
