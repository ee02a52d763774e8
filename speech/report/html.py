"""A small builder of HTML: text is escaped unless it is already markup, and every text stands in an isolate.

Built by functions, not by templates, so that nothing can be put in unescaped: only `Markup` passes through, and
only this module makes it. Texts of any script get `dir="auto"` and an isolate (`bdi`), so that one that runs
from right to left, or holds a control that does not close, changes nothing beside it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


class Markup(str):
    """HTML that is safe to put in as it stands."""

    __slots__ = ()


_VOID = frozenset({"meta", "br", "hr", "wbr"})

_STYLE = """
:root { color-scheme: light dark; --line: #8888; --faint: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } caption { text-align: start; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: start; vertical-align: top; }
.number { text-align: end; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; color: inherit; }
.clip { border-inline-start: 4px solid var(--line); padding: .2rem 1rem; margin: 1rem 0; } .clip p { margin: .2rem 0; font-size: 1.1em; }
del { text-decoration: line-through 2px; background: #d333; } ins { text-decoration: underline 2px; background: #37d3; }
dt { font-weight: 600; } .note { opacity: .85; }
"""


def text(value: object) -> Markup:
    """`value` as HTML text: as it stands if it is markup, else escaped. Control signs are shown by their code point."""
    if isinstance(value, Markup):
        return value
    return Markup(
        html.escape(
            "".join(c if c in "\t\n" or ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 else f"[U+{ord(c):04X}]" for c in str(value))
        )
    )


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. A trailing underscore of an attribute's name falls away (`class_`), others become hyphens; None leaves it out."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"' for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{shown}>")
    return Markup(f"<{name}{shown}>{''.join(text(c) for c in children)}</{name}>")


def isolated(value: object, *, language: str = "") -> Markup:
    """A text that keeps its own direction and lends it to nothing; `language` is its code, for screen readers."""
    return element("bdi", value, dir="auto", lang=language or None)


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()) -> Markup:
    """A table with a caption; the first cell of a row is its heading, columns in `numbers` are set to the right."""

    def side(column: int) -> str | None:
        return "number" if column in numbers else None

    head = element("tr", *(element("th", h, scope="col", class_=side(n)) for n, h in enumerate(header)))
    body = [
        element(
            "tr",
            *(
                element("th" if n == 0 else "td", isolated(cell), scope="row" if n == 0 else None, class_=side(n))
                for n, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    made = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", made, class_="wide", role="region", aria_label=caption, tabindex="0")


def definition_list(entries: Iterable[tuple[object, object]]) -> Markup:
    """Terms with what they say."""
    return element("dl", *(Markup(element("dt", term) + element("dd", isolated(said))) for term, said in entries))


def figure(drawing: Markup, caption: str) -> Markup:
    """A drawing with a caption; the drawing carries its own text alternative."""
    return element("figure", drawing, element("figcaption", caption))


def section(heading: str, *children: object, level: int = 2) -> Markup:
    """A part of the page under its heading."""
    return element("section", element(f"h{level}", heading), *children)


def page(title: str, *children: object, language: str = "en") -> str:
    """A whole file. Its policy forbids it to load anything, and to run anything."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    body = element("body", element("main", element("h1", title), *children))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang=language)}\n"
