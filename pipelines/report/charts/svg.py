"""The drawing, and what makes it fit to stand in a page.

A browser, a screen reader and a printer get one image with one name: the marks and axes inside say nothing by
themselves, nothing is fetched, no name inside collides with another picture's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import vl_convert

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://www.w3.org/2000/svg"
SILENT = ("role", "class", "pointer-events", "aria-hidden", "aria-label", "aria-roledescription")
INHERITED = ("font-family", "font-size")
LONG_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
EMPTY_PATHS = ("", "M0,0h0v0h0Z")


def drawing(specification: dict[str, Any]) -> str:
    """Draw a specification.

    Args:
        specification: A Vega-Lite specification that holds its data.

    Returns:
        An ``svg`` element as the library writes it.
    """
    return str(vl_convert.vegalite_to_svg(specification, allowed_base_urls=[]))


def cleaned(svg: str, chart_id: str, title: str, description: str) -> str:
    """Make a drawing fit to stand in a page.

    Args:
        svg: An ``svg`` element as the library writes it.
        chart_id: With which every id in it begins.
        title: Name of the image.
        description: What it shows.

    Returns:
        An ``svg`` element as wide as the room it gets, without anything that is fetched, run or read out but its name
        and description. The same drawing gives the same text.
    """
    ElementTree.register_namespace("", NAMESPACE)
    # The text was made in this process from rows of our own file.
    root = ElementTree.fromstring(svg)  # noqa: S314
    width, height = root.get("width", "0"), root.get("height", "0")
    _hoist(root)
    _tidy(root)
    _rename(root, chart_id)
    texts = {name: value for name in INHERITED if (value := root.get(name))}
    root.attrib.clear()
    root.attrib.update(
        {
            "id": f"{chart_id}-svg",
            "viewBox": f"0 0 {_short(width)} {_short(height)}",
            "width": "100%",
            "role": "img",
            "aria-labelledby": f"{chart_id}-title {chart_id}-desc",
            **texts,
        }
    )
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{NAMESPACE}}}{tag}", {"id": f"{chart_id}-{tag}"})
        element.text = text
        root.insert(position, element)
    return ElementTree.tostring(root, encoding="unicode")


def _short(number: str) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def _hoist(root: Element) -> None:
    """Say once at the top what every text says, where all say the same."""
    texts = list(root.iter(f"{{{NAMESPACE}}}text"))
    for name in INHERITED:
        values = {text.get(name) for text in texts}
        if len(values) == 1 and (value := values.pop()) is not None:
            root.set(name, value)
            for text in texts:
                del text.attrib[name]


def _tidy(element: Element) -> None:
    """Take out what is not seen, what a screen reader would read out, and digits that no screen shows."""
    for child in list(element):
        _tidy(child)
        empty_path = child.tag == f"{{{NAMESPACE}}}path" and (child.get("d") or "") in EMPTY_PATHS
        empty_group = child.tag == f"{{{NAMESPACE}}}g" and not len(child)
        if empty_path or empty_group or child.get("display") == "none":
            element.remove(child)
    for name in SILENT:
        element.attrib.pop(name, None)
    if element.get("opacity") == "1":
        del element.attrib["opacity"]
    if element.get("transform") == "translate(0,0)":
        del element.attrib["transform"]
    for name in ("d", "transform", "x", "y", "x2", "y2"):
        if value := element.get(name):
            element.set(name, LONG_NUMBER.sub(lambda number: _short(number.group()), value))
    for position, child in enumerate(list(element)):
        # A group without anything of its own that holds one thing is that thing.
        if child.tag == f"{{{NAMESPACE}}}g" and not child.attrib and len(child) == 1:
            element.remove(child)
            element.insert(position, child[0])


def _rename(root: Element, chart_id: str) -> None:
    """Give every id the name of the chart: the library counts them over all pictures that it has drawn."""
    names: dict[str, str] = {}
    for element in root.iter():
        if (old := element.get("id")) is not None:
            names[old] = f"{chart_id}-{len(names) + 1}"
            element.set("id", names[old])
    for element in root.iter():
        for name, value in element.attrib.items():
            if value.startswith("url(#") and value[5:-1] in names:
                element.set(name, f"url(#{names[value[5:-1]]})")
