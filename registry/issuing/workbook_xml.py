"""XML of a workbook as a stream: no document type, no entities, nothing kept that has been used.

Small parts are read by their start tags alone. Long parts (the sheet, the shared strings) are built into
elements by the C tree builder, which costs two thirds of calling Python for each tag, and handed on and
dropped as soon as they are complete.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.parsers import expat

from certs.errors import KezhengError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAIN_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # ISO/IEC 29500 strict
)


def walk_tags(chunks: Iterator[bytes], on_start: Callable[[str, dict[str, str]], object]) -> None:
    """Calls back with each start tag as ``(namespace + " " + local name, attributes)``.

    Raises KezhengError: ``file_has_dtd``, ``file_damaged``.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = on_start
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        raise KezhengError("file_damaged") from None


def local_name(name: str) -> str:
    """The part of an expanded name after its namespace."""
    return name.rpartition(" ")[2]


def stream_children(chunks: Iterator[bytes], root_name: str, parent_name: str) -> Iterator[list[Element]]:
    """Yields the complete children of one element in lists, and forgets each list when the next is asked for.

    ``parent_name`` is the root itself or a child of the root. The first list holds only the root, whose tag
    tells the namespace. Raises KezhengError: ``file_has_dtd``, ``file_damaged``.
    """
    builder = TreeBuilder()
    parser = XMLParser(target=builder)
    stream = _Children(root_name, parent_name)
    try:
        for chunk in _without_doctype(chunks):
            parser.feed(chunk)
            # The C tree builder answers close() with the root it has so far and goes on unharmed.
            yield from stream.completed(builder.close())
        parser.close()
    except (ParseError, expat.ExpatError, LookupError, ValueError):
        raise KezhengError("file_damaged") from None
    yield from stream.remaining()


class _Children:
    """Which children of the wanted element have been handed on."""

    def __init__(self, root_name: str, parent_name: str) -> None:
        self._root_name, self._parent_name = root_name, parent_name
        self._root: Element | None = None
        self._parent: Element | None = None

    def completed(self, root: Element | None) -> Iterator[list[Element]]:
        """The children that another child follows. The last one may still grow."""
        if root is None:
            return
        if self._root is None:
            self._root = root
            _check_root(root, self._root_name)
            yield [root]
        if self._parent is None:
            self._parent = self._find_parent(root)
        if self._parent is not None and len(self._parent) > 1:
            yield self._parent[:-1]
            del self._parent[:-1]
        if len(root) and root[-1] is not self._parent and self._parent is not root:
            del root[-1][:-1]

    def remaining(self) -> Iterator[list[Element]]:
        """The children that are left when the document is complete."""
        if self._root is None:
            raise KezhengError("file_damaged")
        parent = self._parent if self._parent is not None else self._find_parent(self._root)
        if parent is not None:
            yield parent[:]

    def _find_parent(self, root: Element) -> Element | None:
        if self._parent_name == self._root_name:
            return root
        return root.find(root.tag.removesuffix(self._root_name) + self._parent_name)


def _check_root(root: Element, name: str) -> None:
    if root.tag not in {f"{{{namespace}}}{name}" for namespace in MAIN_NAMESPACES}:
        raise KezhengError("file_damaged")


def _without_doctype(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, of which those before the root element have been looked at for a document type."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, _: seen.append(name[:1])
    for chunk in chunks:
        if not seen:
            parser.Parse(chunk, False)
        yield chunk


def _refuse_doctype(*_: object) -> None:
    raise KezhengError("file_has_dtd")
