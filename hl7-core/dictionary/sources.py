"""The three published tables, each read into the same form.

A version is {"segments", "types", "structures", "messages", "tables"}:
  segments, types   ID -> (name, {place: Element})
  structures        name -> Group
  events            message_event -> name of its structure
  tables            number -> (name, [codes])
"""

import ast
import dataclasses
import importlib
import json
import re
import sys
import tarfile
import tempfile
import zipfile

VERSIONS = ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"]
UNBOUNDED = 0
# Stands in the structures of patient care (chapter 12) for whatever segments a site agrees on.
ANY_SEGMENT = "ANYHL7SEGMENT"


@dataclasses.dataclass(frozen=True)
class Element:
    """A field or a component."""

    name: str = ""
    type: str = ""
    usage: str = ""
    max: int = 1
    length: int = 0
    table: int = 0


@dataclasses.dataclass(frozen=True)
class Part:
    """A segment (`group` is None) or a group, within a group."""

    id: str
    required: bool
    max: int
    group: object = None


@dataclasses.dataclass(frozen=True)
class Group:
    name: str
    choice: bool
    parts: tuple


def table_number(text):
    digits = re.sub(r"^HL7", "", text or "")
    return int(digits) if digits.isdigit() else 0


def short(name):
    """PATIENT_RESULT of ORU_R01_PATIENT_RESULT."""
    return re.sub(r"^[A-Z]{3}_[A-Za-z0-9]{3}[._]", "", name)


# hl7apy: Python modules, imported from the unpacked wheel.


def hl7apy(wheel):
    folder = tempfile.mkdtemp()
    zipfile.ZipFile(wheel).extractall(folder)
    sys.path.insert(0, folder)
    versions = {}
    for version in VERSIONS:
        try:
            module = importlib.import_module("hl7apy.v" + version.replace(".", "_"))
        except ImportError:
            continue
        versions[version] = _hl7apy_version(module)
    return versions


def _hl7apy_version(module):
    tables = getattr(module, "TABLES", {})
    segments = {id: shape for id, shape in module.SEGMENTS.items() if id != ANY_SEGMENT}
    return {
        "segments": {id: ("", _hl7apy_fields(module, _parts(shape))) for id, shape in segments.items()},
        "types": {id: ("", _hl7apy_components(parts)) for id, parts in module.DATATYPES_STRUCTS.items()},
        "structures": {id: _hl7apy_group(module, id, shape) for id, shape in module.MESSAGES.items()},
        "events": {},
        "tables": {table_number(id): (name, codes) for id, (name, codes) in tables.items() if table_number(id)},
    }


def _parts(shape):
    """The parts of ("sequence", parts), also where the word, the parts or the comma of a tuple of one were forgotten."""
    parts = shape if not isinstance(shape[0], str) else shape[1] if len(shape) > 1 else ()
    return [parts] if parts and isinstance(parts[0], str) else parts


def _hl7apy_fields(module, parts):
    fields = {}
    for part in parts:
        shape = list(module.FIELDS[part[0]])
        # RX1-30 of 2.1 lacks the first part of its tuple.
        shape = shape if len(shape) == 6 else [None] * (6 - len(shape)) + shape
        if shape[0] == "TX":
            shape = [None, None, "TX", shape[3], shape[4], shape[5]]
        fields[int(part[0].rsplit("_", 1)[1])] = _hl7apy_element(shape, part[2])
    return fields


def _hl7apy_components(parts):
    return {int(part[0].rsplit("_", 1)[1]): _hl7apy_element(part[1], part[2]) for part in parts}


def _hl7apy_element(shape, cardinality):
    least, most = cardinality
    withdrawn = most == 0 or shape[2] == "WD"
    return Element(
        name=(shape[3] or "").replace("_", " "),
        type="" if withdrawn else shape[2] or "",
        usage="X" if withdrawn else "R" if least else "O",
        max=1 if withdrawn else UNBOUNDED if most == -1 else most,
        table=table_number(shape[4]),
    )


def _hl7apy_group(module, id, shape):
    parts = []
    for name, _, (least, most), kind in _parts(shape):
        group = _hl7apy_group(module, name, module.GROUPS[name]) if kind == "GRP" else None
        parts.append(Part(short(name), least > 0, UNBOUNDED if most == -1 else most, group))
    return Group(short(id), shape[0] == "choice", tuple(parts))


# hl7types: Python classes, read without running them.

LINE = re.compile(r"^\s*[A-Z0-9_]+\.(\d+) (?:\((opt|req)\) )?- (.*)$")
TAIL = re.compile(r"^(.*?) \(([^\s()]*)\)(?: (O|R|C|X|NA))?( rep)?(?: S[^|]*)?(?: \| (\S+)(?: - (.*))?)?$")


def hl7types(wheel):
    files = zipfile.ZipFile(wheel)
    return {version: _hl7types_version(files, version) for version in VERSIONS}


def _classes(files, version, folder):
    prefix = f"hl7types/hl7/v{version.replace('.', '_')}/{folder}/"
    for path in sorted(files.namelist()):
        name = path[len(prefix) : -3]
        if path.startswith(prefix) and path.endswith(".py") and name not in ("", "__init__"):
            body = ast.parse(files.read(path)).body
            yield from ((name, node) for node in body if isinstance(node, ast.ClassDef) and node.name == name)


def _hl7types_version(files, version):
    groups, messages = dict(_classes(files, version, "groups")), dict(_classes(files, version, "messages"))
    segments = dict(_classes(files, version, "segments"))
    # The message of an event is a class derived from that of its structure.
    bases = {name: node.bases[0].id for name, node in messages.items()}
    own = {name: node for name, node in messages.items() if bases[name] not in messages}
    return {
        "segments": {name: _hl7types_elements(node) for name, node in segments.items()},
        "types": {name: _hl7types_elements(node) for name, node in _classes(files, version, "datatypes")},
        "structures": {name: _hl7types_group(name, node, groups) for name, node in own.items()},
        "events": {name: base if base in messages else name for name, base in bases.items()},
        "tables": dict(table for node in segments.values() for table in _hl7types_tables(node)),
    }


def _title(node):
    first = (ast.get_docstring(node) or "").split("\n")[0]
    return re.sub(r"\s*\((S[^()]*)\)\.?$|\.$", "", first).strip()


def _hl7types_elements(node):
    elements = {}
    for line in (ast.get_docstring(node) or "").split("\n"):
        place = LINE.match(line)
        tail = place and TAIL.match(place[3])
        if not tail:
            continue
        name, type, usage, repeats, table, _ = tail.groups()
        usage = {"req": "R", "opt": "O"}.get(place[2], usage)
        elements[int(place[1])] = Element(
            name=name.strip(),
            type={"*": "varies", "var": "varies", "NUL": ""}.get(type, type),
            usage="" if usage == "NA" else "X" if type == "NUL" else usage or "",
            max=UNBOUNDED if repeats else 1,
            table=table_number(table),
        )
    return _title(node), elements


def _hl7types_tables(node):
    """The tables that fields name, without their codes."""
    for line in (ast.get_docstring(node) or "").split("\n"):
        tail = TAIL.match(line.strip())
        if tail and table_number(tail[5]):
            yield table_number(tail[5]), (tail[6] or "", [])


def _hl7types_group(own, node, groups):
    parts = []
    for line in node.body:
        if not isinstance(line, ast.AnnAssign):
            continue
        shape, required, most = line.annotation, True, 1
        while isinstance(shape, ast.Subscript):
            required &= shape.value.id != "Optional"
            most = UNBOUNDED if shape.value.id == "List" else most
            shape = shape.slice
        name = shape.id.lstrip("_")
        group = _hl7types_group(name, groups[name], groups) if name in groups else None
        id = short(name) if group else {"Any": ANY_SEGMENT}.get(name, name)
        parts.append(Part(id, required, most, group))
    return Group(short(own), False, tuple(parts))


# hl7-dictionary: JSON within JavaScript.

OPTIONALITY = {1: "O", 2: "R", 3: "C", 4: "X"}


def hl7_dictionary(package):
    files = tarfile.open(package)
    versions = {}
    for version in VERSIONS:
        if f"package/lib/{version}/fields.js" in files.getnames():
            segments = _npm(files, f"{version}/segments").items()
            types = _npm(files, f"{version}/fields").items()
            versions[version] = {
                "segments": {id: (it["desc"], _npm_elements(it["fields"])) for id, it in segments},
                "types": {id: (it["desc"], _npm_elements(it["subfields"])) for id, it in types},
            }
    tables = _npm(files, "tables")
    return versions, {int(id): (it["desc"], it["values"]) for id, it in tables.items() if id.isdigit()}


def _npm(files, name):
    text = files.extractfile(f"package/lib/{name}.js").read().decode()
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def _npm_elements(rows):
    return {
        place: Element(
            name=row["desc"].strip(),
            type={"VARIES": "varies"}.get(row["datatype"], row["datatype"]),
            usage=OPTIONALITY.get(row["opt"], ""),
            max=row["rep"],
            length=row.get("len", 0),
            table=row.get("table", 0),
        )
        for place, row in enumerate(rows, 1)
    }
