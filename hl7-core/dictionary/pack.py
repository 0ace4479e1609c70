"""The facts as bytes that are read in place: src/dictionary/facts.rs reads what this writes.

Versions share what they have in common: rows, lists and trees are stored once, and a matrix says which of them a version uses.
Texts stand ordered by length, so that a text's place follows from its number.
"""

import struct

from sources import ANY_SEGMENT, UNBOUNDED, VERSIONS

USAGES = ["O", "R", "C", "X"]
# The version whose word counts first: IS came with 2.3, and CWE took its place in 2.7.
SETTLED = "2.5.1"
ANY_NODE, GROUP_NODE, REQUIRED, REPEATS = 0x1FFF, 0x8000, 0x4000, 0x2000


class Texts:
    """One pool of texts. `number` works when all have been added and the pool is `closed`."""

    def __init__(self):
        self.texts = {""}

    def add(self, text):
        self.texts.add(text)

    def close(self):
        self.order = sorted(self.texts, key=lambda text: (len(text.encode()), text.encode()))
        self.numbers = {text: number for number, text in enumerate(self.order)}

    def number(self, text):
        return self.numbers[text]

    def lengths(self, start):
        """For each length: number of its first text, length, offset of that text."""
        rows, offset, before = [], start, None
        for number, text in enumerate(self.order):
            length = len(text.encode())
            if length != before:
                rows.append((number, length, offset))
                before = length
            offset += length
        return rows


class Rows:
    """Distinct rows, numbered in the order in which they come."""

    def __init__(self, *first):
        self.numbers = {}
        for row in first:
            self.number(row)

    def number(self, row):
        return self.numbers.setdefault(row, len(self.numbers))

    def __iter__(self):
        return iter(self.numbers)


def shared(lists):
    """All lists in one, each as a run of it: numbers and where each list starts. A list may lie in another."""
    run, starts = bytearray(), {}
    for numbers in sorted(set(lists), key=lambda numbers: (-len(numbers), numbers)):
        words = struct.pack(f"<{len(numbers)}H", *numbers)
        at = run.find(words)
        while at > 0 and at % 2:
            at = run.find(words, at + 1)
        if at < 0:
            at = len(run)
            run += words
        starts[numbers] = at // 2
    return bytes(run), starts


def pack(facts):
    return Packer(facts).packed()


class Packer:
    def __init__(self, facts):
        self.facts = [facts[version] for version in VERSIONS]
        self.add_primitives()
        self.names, self.codes, self.displays = Texts(), Texts(), Texts()
        self.add_texts()
        self.segment_ids = sorted({id for version in self.facts for id in version["segments"]})
        self.type_ids = sorted({id for version in self.facts for id in version["types"]})
        self.structure_ids = sorted({id for version in self.facts for id in version["structures"]})
        self.tables, self.lengths, self.maxima = Rows(0), Rows(0), Rows(UNBOUNDED, 1)
        self.elements = Rows()

    def add_primitives(self):
        """Types without components are those that elements name and no source describes."""
        for version in self.facts:
            composites = [*version["segments"].values(), *version["types"].values()]
            used = {element.type for _, elements in composites for element in elements.values()} - {""}
            for id in sorted(used - set(version["types"])):
                version["types"][id] = (version["names"].get(id, ""), {})

    def add_texts(self):
        for version in self.facts:
            for kind in ("segments", "types"):
                for id, (name, elements) in version[kind].items():
                    for text in (name, *(element.name for element in elements.values())):
                        self.names.add(text)
            for id in (*version["types"], *version["structures"], *version["events"]):
                self.names.add(id)
            for group in all_groups(version["structures"].values()):
                self.names.add(group.name)
        for _, name, codes in self.merged_tables().values():
            self.names.add(name)
            for code, display, _ in codes:
                self.codes.add(code)
                self.displays.add(display)
        for pool in (self.names, self.codes, self.displays):
            pool.close()

    # Sections.

    def packed(self):
        composites, lists, matrices = self.composites()
        groups, nodes, structures = self.structures()
        tables, codes, masks = self.table_rows()
        pools, text, start = [], "", 0
        for pool in (self.names, self.codes, self.displays):
            pools.append(b"".join(struct.pack("<HHI", *row) for row in pool.lengths(start)))
            text += "".join(pool.order)
            start = len(text.encode())
        sections = [
            *pools,
            b"".join(row.to_bytes(6, "little") for row in self.elements),
            lists,
            words(self.tables),
            b"".join(struct.pack("<I", length) for length in self.lengths),
            words(self.maxima),
            composites,
            "".join(self.segment_ids).encode(),
            matrices[0],
            words(self.names.number(id) for id in self.type_ids),
            matrices[1],
            words(self.names.number(id) for id in self.structure_ids),
            structures,
            groups,
            nodes,
            self.events(),
            tables,
            codes,
            words(masks),
        ]
        return join(sections), text

    def composites(self):
        rows, lists = Rows(), {}
        for version in self.facts:
            for kind in ("segments", "types"):
                for id, (name, elements) in version[kind].items():
                    lists[name, tuple(map(self.element, elements.values()))] = None
        run, starts = shared(numbers for _, numbers in lists)
        matrices = []
        for kind, ids in (("segments", self.segment_ids), ("types", self.type_ids)):
            cells = []
            for id in ids:
                for version in self.facts:
                    cells.append(0)
                    if id in version[kind]:
                        name, elements = version[kind][id]
                        numbers = tuple(map(self.element, elements.values()))
                        row = (self.names.number(name), starts[numbers], len(numbers))
                        cells[-1] = rows.number(row) + 1
            matrices.append(words(cells))
        return b"".join(struct.pack("<3H", *row) for row in rows), run, matrices

    def element(self, element):
        type = self.type_ids.index(element.type) + 1 if element.type else 0
        usage = USAGES.index(element.usage)
        fields = [
            (self.names.number(element.name), 13),
            (type, 8),
            (self.tables.number(element.table), 10),
            (usage, 3),
            (self.maxima.number(element.max), 4),
            (self.lengths.number(element.length), 8),
        ]
        return self.elements.number(bits(fields))

    def structures(self):
        rows, lists = Rows(), []
        number = lambda name, group: rows.number((self.names.number(name), group.choice, self.nodes(rows, group)))
        numbered = {}
        for version in self.facts:
            for name, group in version["structures"].items():
                numbered[name, group] = number(name, group)
        run, starts = shared(row[2] for row in rows)
        groups = b"".join(
            struct.pack("<3H", name | (choice << 15), starts[nodes], len(nodes)) for name, choice, nodes in rows
        )
        cells = []
        for name in self.structure_ids:
            for version in self.facts:
                tree = version["structures"].get(name)
                cells.append(numbered[name, tree] + 1 if tree else 0)
        return groups, run, words(cells)

    def nodes(self, rows, group):
        return tuple(self.node(rows, part) for part in group.parts)

    def node(self, rows, part):
        if part.group:
            group = part.group
            at = rows.number((self.names.number(part.id), group.choice, self.nodes(rows, group))) | GROUP_NODE
        else:
            at = ANY_NODE if part.id == ANY_SEGMENT else self.segment_ids.index(part.id)
        return at | (REQUIRED if part.required else 0) | (REPEATS if part.max != 1 else 0)

    def events(self):
        masks = {}
        for version, facts in enumerate(self.facts):
            for name, structure in facts["events"].items():
                masks[name, structure] = masks.get((name, structure), 0) | 1 << version
        return b"".join(
            struct.pack("<3H", self.names.number(name), self.structure_ids.index(structure), mask)
            for (name, structure), mask in sorted(masks.items())
        )

    # Tables: the codes of all versions, each with the versions that have it.

    def merged_tables(self):
        tables = {}
        for version, facts in enumerate(self.facts):
            for number, (name, codes) in facts["tables"].items():
                mask, _, rows = tables.get(number, (0, "", {}))
                for code, display in codes.items():
                    rows[code] = (display, rows.get(code, ("", 0))[1] | 1 << version)
                before = tables.get(number, (0, "", {}))[1]
                tables[number] = (mask | 1 << version, name or before, rows)
        ordered = lambda rows: [(code, *rows[code]) for code in sorted(rows, key=str.encode)]
        return {number: (mask, name, ordered(rows)) for number, (mask, name, rows) in sorted(tables.items())}

    def table_kinds(self):
        """A table is HL7's own where an ID or CNE names it, user-defined where an IS does (2.5.1, chapter 2.A: ID, IS)."""
        kinds = {}
        settled = VERSIONS.index(SETTLED)
        for version in [self.facts[settled], *self.facts[VERSIONS.index("2.3") :]]:
            types = {}
            for _, elements in (*version["segments"].values(), *version["types"].values()):
                for element in elements.values():
                    types.setdefault(element.table, set()).add(element.type)
            for number, used in types.items():
                kind = 1 if used & {"ID", "CNE"} else 2 if "IS" in used else 0
                kinds[number] = kinds.get(number) or kind
        return kinds

    def table_rows(self):
        masks, rows, codes, kinds = Rows(), b"", [], self.table_kinds()
        for number, (mask, name, entries) in self.merged_tables().items():
            kind = kinds.get(number, 0)
            rows += struct.pack("<6H", number, self.names.number(name), len(codes), len(entries), kind, mask)
            for code, display, mask in entries:
                fields = [(self.codes.number(code), 12), (self.displays.number(display), 13), (masks.number(mask), 7)]
                codes.append(struct.pack("<I", bits(fields)))
        return rows, b"".join(codes), masks


def all_groups(groups):
    for group in groups:
        yield group
        yield from all_groups(part.group for part in group.parts if part.group)


def bits(fields):
    """Numbers side by side, the first in the lowest bits."""
    value = at = 0
    for number, width in fields:
        if number >= 1 << width:
            raise SystemExit(f"{number} does not fit into {width} bits")
        value |= number << at
        at += width
    return value


def words(numbers):
    numbers = list(numbers)
    return struct.pack(f"<{len(numbers)}H", *numbers)


def join(sections):
    """The ends of the sections, then the sections."""
    at, ends = 4 * len(sections), []
    for section in sections:
        at += len(section)
        ends.append(at)
    for name, section in zip(range(len(sections)), sections):
        print(f"  section {name}: {len(section):,} bytes")
    return struct.pack(f"<{len(ends)}I", *ends) + b"".join(sections)
