"""XML parsed so that nothing outside the file is read, nothing is expanded, and nothing grows without limit.

With `huge_tree=False` libxml2 stops at a depth of 256 and at 10 MB a text node.
"""

from __future__ import annotations

import re
from typing import Any

from speech.errors import FormatRefused

_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\s|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_MEND = "Open and save it in ELAN"


def parse_tree(data: bytes, where: str, encoding: str | None = None) -> Any:
    """An lxml tree, parsed without loading or expanding anything.

    Raises
    ------
    FormatRefused
        `FORMAT_DOCTYPE`, `FORMAT_XML` with the line.
    """
    from lxml import etree

    if _DOCTYPE.match(data.replace(b"\0", b"")):
        raise FormatRefused(where, "it has a DOCTYPE, which no EAF has and which may load other files", _MEND, "FORMAT_DOCTYPE")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, encoding=encoding)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise FormatRefused(
            f"{where}, line {error.lineno or 1}", f"this is not well-formed XML ({_shortened(error.msg)})", _MEND, "FORMAT_XML"
        ) from error
    except (LookupError, ValueError) as error:
        raise FormatRefused(where, "its encoding is not known or not what it declares", _MEND, "FORMAT_XML") from error
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None:
        raise FormatRefused(where, "it has a DOCTYPE, which no EAF has and which may load other files", _MEND, "FORMAT_DOCTYPE")
    return tree


def _shortened(message: str | None) -> str:
    # libxml2 quotes names and, in a few messages, text: what is long is not shown.
    return re.sub(r"[^\x20-\x7e]+", "?", message or "no reason given")[:120].rstrip(".")
