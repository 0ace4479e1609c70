//! What a mapping refers to outside its file: files, secrets, lookups and functions of the embedding program.

use std::sync::Arc;

/// A lookup of the embedding program: a text for a text, or none. It is called while a mapping is applied, so it should be quick, and it
/// ought to give the same for the same text.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A function of the embedding program: a text for a text and the arguments behind the function's name. `Err` refuses the payload with
/// that reason, which must not hold the value.
pub type Function = Arc<dyn Fn(&str, &[&str]) -> Result<Option<String>, String> + Send + Sync>;

/// Gives a mapping what it refers to, when it is loaded ([`Mapping::load`](crate::Mapping::load)). The crate opens nothing by itself.
///
/// Everything is asked for by the name that the file has, and `None` makes a mistake of the file that names it. By default there is nothing.
///
/// ```
/// use std::sync::Arc;
/// use hl7_map::{Context, Lookup, Mapping, Sources};
///
/// struct Site;
///
/// impl Sources for Site {
///     fn file(&self, name: &str) -> Option<String> {
///         (name == "units.csv").then(|| "from,to\nmg/dl,mg/dL\n".to_owned())
///     }
///
///     fn lookup(&self, name: &str) -> Option<Lookup> {
///         (name == "ward").then(|| Arc::new(|id: &str| (id == "3").then(|| "ICU".to_owned())) as Lookup)
///     }
/// }
///
/// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\ntables: { units: { csv: units.csv } }\n\
///     emit:\n  PV1: { 2: I, 3: .ward | lookup ward }\n  OBX: { 6: .unit | table units }\n";
/// let mapping = Mapping::load(text, &Site)?;
/// let msg = mapping.apply_json(br#"{"ward":"3","unit":"mg/dl"}"#, &Context::new("1", std::time::UNIX_EPOCH))?;
/// assert!(msg.as_er7().ends_with("PV1|1|I|ICU\rOBX|1|||||mg/dL\r"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Sources {
    /// The text of a file, such as the CSV of a table.
    fn file(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// A secret, by what stands behind `$secret.`.
    fn secret(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// A lookup, for `.id | lookup NAME`.
    fn lookup(&self, name: &str) -> Option<Lookup> {
        let _ = name;
        None
    }

    /// A function that the language does not have, for `.id | NAME ARGUMENTS`.
    fn function(&self, name: &str) -> Option<Function> {
        let _ = name;
        None
    }
}
