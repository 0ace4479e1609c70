#!/usr/bin/env python3
"""Writes facts.bin, text.txt and disagreements.tsv from the published tables. See README.md."""

import csv
import hashlib
import io
import pathlib
import subprocess
import sys
import tempfile

import merge
import pack
import sources

HERE = pathlib.Path(__file__).parent
PINNED = {
    "hl7apy-1.3.5-py2.py3-none-any.whl": "c8b80ff5ad020bf9c1e68a6395cf45cb78db621f65569d1798c46eb1b657e27b",
    "hl7types-0.9.5-py3-none-any.whl": "305b5bd7353200ba4d72a112c0ab85165d4f6ec6815318d0c5fbc38aa4aa858f",
    "hl7-dictionary-1.0.1.tgz": "a23751c26d83a897fe5734ca198555c13c0d306d78b5578b103f0d63198182ef",
}


def download(folder):
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", folder, "hl7apy==1.3.5", "hl7types==0.9.5"], check=True)
    subprocess.run(["npm", "pack", "--silent", "hl7-dictionary@1.0.1"], cwd=folder, check=True, stdout=sys.stderr)


def checked(folder):
    """The three files, if they are the ones this script was written for."""
    for name, sha256 in PINNED.items():
        path = pathlib.Path(folder, name)
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise SystemExit(f"{name} is not the file that was read before")
        yield path


def write(name, content):
    path = HERE / name
    changed = not path.exists() or path.read_bytes() != content
    path.write_bytes(content)
    print(f"{name}: {len(content):,} bytes, {'changed' if changed else 'the same as before'}")


def table(rows):
    text = io.StringIO()
    head = ["version", "place", "fact", "hl7apy", "hl7types", "hl7-dictionary", "decision", "why"]
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode()


def main(folder):
    if not all(pathlib.Path(folder, name).exists() for name in PINNED):
        download(folder)
    hl7apy, hl7types, npm = checked(folder)
    rows, displays = sources.hl7_dictionary(npm)
    merged = merge.Merge(sources.hl7apy(hl7apy), sources.hl7types(hl7types), rows, displays)
    facts = merged.versions()
    blob, text = pack.pack(facts)
    write("facts.bin", blob)
    write("text.txt", text.encode())
    write("disagreements.tsv", table(merged.disagreements))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(folder)
