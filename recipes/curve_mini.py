"""How the dev error rates of `mini` fell while it was trained, from the logs of its runs into docs/curve.md.

Data: log.jsonl of each run (train_mini.py writes dev CER by code point, of the averaged weights, every 500 steps).
Command: python recipes/curve_mini.py "first run, held rate"=RUN/log.jsonl "its end"=RUN2/log.jsonl
         curves of other names that stand in docs/curve.md stay: logs are not kept for ever
Time: a second.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speech.files import write_text


def evaluations(path: Path) -> list[dict[str, Any]]:
    """Rows with error rates, the last of each step: a run that was interrupted takes steps twice."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({row["step"]: row for row in rows if "dev_cer" in row}.values())


def table(name: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """A run's curve."""
    codes = sorted(rows[0]["dev_cer"])
    lines = [
        f"\n## {name}\n",
        f"| step | hours heard | hours of work | mean | {' | '.join(codes)} |",
        "|" + "---|" * (4 + len(codes)),
    ]
    for row in rows:
        rates = " | ".join(f"{row['dev_cer'][code]:.1f}" for code in codes)
        lines.append(f"| {row['step']:,} | {row['audio_h']:.0f} | {row['seconds'] / 3600:.1f} | {row['mean']:.1f} | {rates} |")
    return lines


def kept(document: Path, names: Sequence[str]) -> list[str]:
    """The sections of a document whose names are not given anew."""
    _, *sections = document.read_text(encoding="utf-8").split("\n## ") if document.exists() else [""]
    return [f"\n## {section.rstrip()}" for section in sections if section.partition("\n")[0] not in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="NAME=LOG")
    options = parser.parse_args()
    lines = [
        "# How the error rates of `mini` fell\n",
        "Made by `python recipes/curve_mini.py` from the runs' logs. CER in per cent by code point, split dev, greedy, whole clips,",
        "averaged weights (running mean of 0.998 a step). Hours of work are wall time on two cores that other work shared.",
    ]
    rows_by_name: dict[str, list[dict[str, Any]]] = {}
    for given in options.logs:
        name, _, path = given.rpartition("=")
        rows_by_name[name or Path(path).parent.name] = evaluations(Path(path))
    lines += kept(Path("docs/curve.md"), list(rows_by_name))
    for name, rows in rows_by_name.items():
        lines += table(name, rows)
    text = "\n".join(lines) + "\n"
    print(text)
    write_text(Path("docs/curve.md"), text)


if __name__ == "__main__":
    main()
