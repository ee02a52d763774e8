"""Write the manifests of `data_manifests/`, and count them into the cards beside them.

Command: python recipes/write_data_manifests.py ../shared/speech/open data_manifests
Data:    a folder a card, named by the card's id, with `manifest.tsv` and the clips; what each is, whence, and under which
         licence stands in the card, which a person writes
Writes:  `<id>.jsonl`, and the part [manifest] of `<id>.card.toml`; no audio and no text: clips and texts are known by their
         SHA-256, because the right in several of the texts is in doubt
Time:    two seconds for the nine collections (5,392 clips), most of it hashing

Running it again over the same folders gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from speech.collections.cards import load_card
from speech.collections.manifest import SCHEMA, Manifest, Row, read_manifest, write_manifest
from speech.files import sha256_of, write_text

NOT_KNOWN = frozenset({"unknown"})
"""What the folders write where the speaker is not labelled."""

SMOKE_ROWS = 200
"""With --smoke, larger collections are left alone."""


def row_of(row: Row, folder: Path) -> Row:
    """A row without its text, with the hashes of text and clip; a speaker who is not labelled stays empty."""
    text_sha256 = hashlib.sha256((row.text or "").encode("utf-8")).hexdigest()
    speaker = "" if row.speaker in NOT_KNOWN else row.speaker
    return replace(row, text=None, text_sha256=text_sha256, sha256=sha256_of(folder / row.audio), speaker=speaker)


def counted(manifest: Manifest, written: Path, root: str, split_by: str) -> str:
    """The part [manifest] of a card: what was written, in figures. `split_by` is the card's own."""
    splits = Counter(row.split for row in manifest.rows)
    hours = sum(row.extra["duration_ms"] for row in manifest.rows) / 3_600_000
    lines = (
        "[manifest]",
        f'schema = "{SCHEMA}"',
        f"rows = {len(manifest.rows)}",
        f'sha256 = "{sha256_of(written)}"',
        f'root = "{root}"',
        f"hours = {hours:.3f}",
        f"splits = {{ {', '.join(f'{name} = {splits[name]}' for name in sorted(splits))} }}",
        # A JSON string is a TOML basic string.
        f"split_by = {json.dumps(split_by, ensure_ascii=False)}",
    )
    return "\n".join(lines) + "\n"


def write(card_path: Path, data: Path) -> Manifest:
    """Write the manifest of one card's folder, and its figures into the card; the rest of the card stays."""
    card = load_card(card_path)
    folder = data / card.id
    rows = tuple(row_of(row, folder) for row in read_manifest(folder / "manifest.tsv").rows)
    manifest = Manifest(rows=rows, path=card_path.with_name(f"{card.id}.jsonl"))
    written = card_path.with_name(f"{card.id}.jsonl")
    write_manifest(manifest, written)
    head = card_path.read_text(encoding="utf-8").partition("\n[manifest]\n")[0].rstrip("\n")
    split_by = card.raw.get("manifest", {}).get("split_by", "not stated")
    write_text(card_path, f"{head}\n\n{counted(manifest, written, card.id, split_by)}")
    load_card(card_path)
    return manifest


def main() -> None:
    """Write all of them, a line each on standard output."""
    parser = argparse.ArgumentParser(description="Write the manifests of the open collections, and count them into their cards.")
    parser.add_argument("data", type=Path, help="folder with a folder a collection")
    parser.add_argument("out", type=Path, help="folder with the cards")
    parser.add_argument("--smoke", action="store_true", help=f"only collections of up to {SMOKE_ROWS} rows")
    options = parser.parse_args()
    for card_path in sorted(options.out.glob("*.card.toml")):
        rows = load_card(card_path).raw.get("manifest", {}).get("rows", 0)
        if not options.smoke or rows <= SMOKE_ROWS:
            print(f"{card_path.name}: {len(write(card_path, options.data).rows)} rows")


if __name__ == "__main__":
    main()
