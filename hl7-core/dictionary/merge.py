"""One set of facts from three sources, and the list of what they disagree about."""

import collections
import dataclasses
import difflib
import json
import pathlib
import re

from sources import ANY_SEGMENT, UNBOUNDED, VERSIONS, Element, Group, Part

HERE = pathlib.Path(__file__).parent
# What hl7-dictionary calls 2.7 repeats much of older versions.
# How the standard says that no table is suggested.
NO_TABLE = 9999
LAST_USED = VERSIONS.index("2.6")
# How alike two versions' names of a place are when they are the same but for spelling and abbreviations.
NEARLY = 0.8


class Merge:
    def __init__(self, hl7apy, hl7types, npm, displays):
        self.sources = [hl7apy, hl7types, npm]
        self.displays = displays
        self.decisions = json.loads((HERE / "decisions.json").read_text())
        self.unused = set(self.decisions["facts"]) | set(self.decisions["structures"])
        self.disagreements = []
        self.spellings, self.places = {}, {}

    def versions(self):
        facts = {version: self.version(version) for version in VERSIONS}
        for version in reversed(VERSIONS):
            self.spell(facts[version])
        if self.unused:
            raise SystemExit(f"decisions about nothing: {sorted(self.unused)}")
        return facts

    def version(self, version):
        structures, events = self.structures(version)
        segments, types = self.composites(version, "segments"), self.composites(version, "types")
        return {
            "segments": segments,
            "types": types,
            "structures": structures,
            "events": events,
            "tables": self.tables(version, [*segments.values(), *types.values()]),
            "names": self.decisions["names"],
        }

    # Segments and types.

    def composites(self, version, kind):
        found = [source.get(version, {}).get(kind, {}) for source in self.sources]
        if VERSIONS.index(version) > LAST_USED:
            found[2] = {}
        if not found[0]:
            # Where hl7types alone has a version, the version before stands in for what it does not state.
            found[2] = self.sources[0][VERSIONS[VERSIONS.index(version) - 1]][kind]
        known = set(found[0]) | set(found[1]) if found[0] else set(found[1])
        # Segments of other versions' examples, as hl7types has some, are no facts of the standard.
        known = {id for id in known if kind == "types" or re.fullmatch(r"[A-Y][A-Z0-9]{2}", id)}
        return {id: self.composite(version, kind, id, found) for id in sorted(known)}

    def composite(self, version, kind, id, found):
        name = next((source[id][0] for source in (found[1], found[2]) if id in source and source[id][0]), "")
        elements = [source.get(id, ("", {}))[1] for source in found]
        places = set(elements[0]) | set(elements[1])
        merged = {}
        for place in range(1, max(places, default=0) + 1):
            merged[place] = self.element(version, kind, f"{id}.{place}", [source.get(place) for source in elements])
        return self.decisions["names"].get(id, name), merged

    def element(self, version, kind, place, rows):
        if not any(rows[:2]):
            return Element(usage="X")
        decide = lambda fact, values: self.decide(version, place, fact, values)
        stated = [row and row.table not in (0, NO_TABLE) and row.table or None for row in rows]
        type = decide("type", [row and row.type for row in rows])
        table = decide("table", stated) if any(stated) else 0
        repeats = decide("repeats", [row and row.max != 1 for row in rows])
        required = [row and ("R" if row.usage == "R" else "-") for row in rows]
        if kind == "types":
            # Schemas have every component optional: that is no statement.
            required = [vote if vote == "R" else None for vote in required]
        required = any(required) and decide("required", required) == "R"
        usage = next((row.usage for row in (rows[1], rows[0]) if row and row.usage not in ("", "R")), "O")
        exact = next((row.max for row in rows[:2] if row and (row.max != 1) == repeats), UNBOUNDED if repeats else 1)
        lengths = VERSIONS.index(version) <= LAST_USED and rows[2]
        return Element(
            name=self.decisions["names"].get(place) or next((row.name for row in (rows[1], rows[2], rows[0]) if row and row.name), ""),
            type=type,
            usage="R" if required else "X" if not type else usage,
            max=exact,
            length=lengths.length if lengths else 0,
            table=table,
        )

    def decide(self, version, place, fact, values):
        """What most of the sources say, and the first of them where each says something else. None is no vote."""
        votes = [value for value in values if value is not None]
        if len(set(votes)) == 1:
            return votes[0]
        key = f"{version} {place} {fact}"
        first = collections.Counter(votes).most_common(1)[0][0]
        decided, why = first, "majority" if votes.count(first) > 1 else "first source"
        if fact == "repeats" and why != "majority":
            # Where its source states nothing, hl7apy has a field of 2.5.1 and later repeat: BUI-1, a set ID, for one.
            decided, why = False, "no repetition without two sources"
        if key in self.decisions["facts"]:
            self.unused.discard(key)
            decided, why = self.decisions["facts"][key]
        self.disagreements.append([version, place, fact, *map(show, values), show(decided), why])
        return decided

    # Structures and events.

    def structures(self, version):
        first, second = (source.get(version, {}) for source in self.sources[:2])
        renamed = self.decisions["renamed structures"].get(version, {})
        trees = {renamed.get(name, name): tree for name, tree in first.get("structures", {}).items()}
        others = {renamed.get(name, name): tree for name, tree in second["structures"].items()}
        events = {renamed.get(name, name): renamed.get(to, to) for name, to in second["events"].items()}
        if not trees:
            trees = self.as_before(version, others)
        # hl7apy repeats a structure under the name of each event in places.
        trees = {name: tree for name, tree in trees.items() if events.get(name, name) == name}
        merged = {name: self.structure(version, name, tree, others.get(name)) for name, tree in trees.items()}
        for name, tree in others.items():
            if name not in merged:
                self.disagreements.append([version, name, "structure", "-", "there", "", "left out", "hl7apy"])
        for name in merged:
            events.setdefault(name, name)
        return merged, {name: to for name, to in events.items() if to in merged}

    def as_before(self, version, trees):
        """The trees of a version that hl7apy lacks: those of the version before, where hl7types has them alike in both."""
        before = VERSIONS[VERSIONS.index(version) - 1]
        hl7apy, hl7types = (source[before]["structures"] for source in self.sources[:2])
        alike = {name for name, tree in trees.items() if name in hl7apy and hl7types.get(name) == tree}
        for name in sorted(set(trees) - alike):
            self.disagreements.append([version, name, "structure", "", "new", "", "hl7types", "the only source"])
        return {name: hl7apy[name] if name in alike else tree for name, tree in trees.items()}

    def structure(self, version, name, tree, other):
        tree = opened(tree, other) if other is not None else tree
        if other is not None and outline(tree) != outline(other):
            difference = ", ".join(differences(outline(tree), outline(other)))
            self.disagreements.append([version, name, "structure", "", difference, "", "hl7apy", "first source"])
        key = f"{version} {name}"
        if key in self.decisions["structures"]:
            self.unused.discard(key)
            tree = changed(tree, self.decisions["structures"][key])
        return tree

    # Tables.

    def tables(self, version, composites):
        """The tables with codes, and those that are named only, most of which are for the sites to fill."""
        # 2.7.1 has no source of its own; it changed no table that 2.7 has.
        known = self.sources[0].get(version) or self.sources[0][VERSIONS[VERSIONS.index(version) - 1]]
        named = self.sources[1][version]["tables"]
        numbers = set(known["tables"]) | {
            element.table for _, elements in composites for element in elements.values() if element.table
        }
        tables = {}
        for number in sorted(numbers):
            name, codes = known["tables"].get(number) or named.get(number) or self.displays.get(number) or ("", [])
            codes = codes if number in known["tables"] else []
            tables[number] = (tidy(name), {code: self.display(number, code) for code in codes if usable(code)})
        return tables

    def display(self, number, code):
        display = brief(self.displays.get(number, ("", {}))[1].get(code, ""))
        return "" if words(display) == words(code) else display

    # Names: the same or nearly the same words are spelled as the newest version spells them.

    def spell(self, facts):
        for kind in ("segments", "types"):
            for id, (name, elements) in facts[kind].items():
                facts[kind][id] = (self.spelled((kind, id), name), self.spelled_elements(id, elements))

    def spelled_elements(self, id, elements):
        spell = lambda place, element: dataclasses.replace(element, name=self.spelled((id, place), element.name))
        return {place: spell(place, element) for place, element in elements.items()}

    def spelled(self, place, name):
        newer = self.places.get(place, "")
        if name and newer and difflib.SequenceMatcher(None, words(name), words(newer)).ratio() >= NEARLY:
            return newer
        name = self.spellings.setdefault(words(name), tidy(name))
        self.places[place] = name or newer
        return name


def show(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:04}" if isinstance(value, int) else value or ""


def usable(code):
    """A code, and not the words or dots that stand for codes in the standard's lists."""
    return code.strip() == code and code and "..." not in code and len(code) <= 40


def brief(display):
    """A display, and of a long one what stands before its explanation. That of an event without "ADT/ACK - "."""
    text = " ".join(display.split("<p>")[0].split())
    text = re.sub(r"^[A-Z]{3}(?:/[A-Z]{3})* - +(?=\w)", "", text)
    if len(text) <= 40:
        return text
    return re.split(r" \((?:e\.g|i\.e)|, e\.g|; |: |\. | - ", text)[0].rstrip(".")


def words(text):
    return re.sub(r"[^a-z0-9+]", "", text.lower())


SMALL = {"a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "per", "the", "to", "with"}
UPPER = {"id", "ub82", "ub92", "icd", "pcp", "drg", "va", "er7", "dea", "rx", "ssn", "icd9"}


def tidy(text):
    # A segment's name in 2.3.1 is "OM1 - general segment ...", a type's has a section number in 2.3.
    text = re.sub(r"^[A-Z][A-Z0-9]{2} - | segment$| \(2\.8\.\d+\)$", "", " ".join(text.split()))
    if text.upper() != text or len(text) < 4:
        return text[:1].upper() + text[1:]
    each = [word if word.upper() in map(str.upper, UPPER) else word.lower() for word in text.split(" ")]
    return " ".join(word if word in SMALL and place else capital(word) for place, word in enumerate(each))


def capital(word):
    return re.sub(r"(^|[(/\-])([a-z])", lambda part: part[1] + part[2].upper(), word)


# Trees.


def outline(group, depth=0, choice=False):
    """The parts, one a line. hl7types has no choices and keeps the first of two parts with one name."""
    lines, seen = [], set()
    for part in group.parts:
        if part.id in seen:
            continue
        seen.add(part.id)
        required = part.required and not group.choice and part.id != ANY_SEGMENT
        lines.append(f"{'.' * depth}{part.id}{'' if required else '?'}{'*' if part.max != 1 else ''}")
        lines += outline(part.group, depth + 1) if part.group else []
    return lines


def opened(tree, other):
    """The tree with the places for any segment that another tree has and it lacks."""
    others = {part.id: (place, part) for place, part in enumerate(other.parts)}
    parts = [
        dataclasses.replace(part, group=opened(part.group, others[part.id][1].group))
        if part.group and part.id in others and others[part.id][1].group
        else part
        for part in tree.parts
    ]
    if ANY_SEGMENT in others and all(part.id != ANY_SEGMENT for part in parts):
        place, part = others[ANY_SEGMENT]
        before = other.parts[place - 1].id if place else None
        after = [at + 1 for at, own in enumerate(parts) if own.id == before]
        parts.insert(after[-1] if after else 0 if before is None else len(parts), part)
    return Group(tree.name, tree.choice, tuple(parts))


def differences(first, second):
    ours, others = collections.Counter(first), collections.Counter(second)
    lines = [f"-{line}" for line in (ours - others).elements()] + [f"+{line}" for line in (others - ours).elements()]
    return lines[:12] + (["..."] if len(lines) > 12 else [])


def changed(tree, changes):
    """A tree with `changes`: path of a part -> what it is instead ("required", "optional", "repeats", "named NAME")."""
    for path, words in changes["parts"].items():
        tree = _changed(tree, path.split("."), words)
    return tree


def _changed(group, path, change):
    parts = tuple(_changed_part(part, path, change) if part.id == path[0] else part for part in group.parts)
    if parts == group.parts:
        raise SystemExit(f"a decision changes nothing: {'.'.join(path)}")
    return Group(group.name, group.choice, parts)


def _changed_part(part, path, change):
    if len(path) > 1:
        return dataclasses.replace(part, group=_changed(part.group, path[1:], change))
    if change.startswith("named "):
        return dataclasses.replace(part, id=change.removeprefix("named "))
    values = {"required": ("required", True), "optional": ("required", False), "repeats": ("max", UNBOUNDED)}
    return dataclasses.replace(part, **dict([values[change]]))
