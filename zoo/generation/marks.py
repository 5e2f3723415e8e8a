"""What every generated picture carries: that it is synthetic, and what made it.

In words, and for programs as XMP with the digital source type of the IPTC's vocabulary for what a
trained model made: https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia.
"""

from __future__ import annotations

import struct
import zlib
from xml.sax.saxutils import escape

HEADER = 33  # bytes of a PNG's signature and its first chunk, after which others may stand
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    "Iptc4xmpExt:DigitalSourceType="
    '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def words(origin: str) -> str:
    """Return what is said of a picture that a run made."""
    return f"Synthetic: made by keras-zoo with {origin}"


def entries(origin: str) -> dict[str, str]:
    """Return the texts of a PNG by their keywords."""
    return {"Description": words(origin), "XML:com.adobe.xmp": XMP.format(escape(words(origin)))}


def chunks(origin: str) -> bytes:
    """Return the same as chunks of a PNG file, to stand after its first `HEADER` bytes."""
    return b"".join(_chunk(keyword, text) for keyword, text in entries(origin).items())


def marked(png: bytes, origin: str) -> bytes:
    """Return a PNG file that says so."""
    return png[:HEADER] + chunks(origin) + png[HEADER:]


def _chunk(keyword: str, text: str) -> bytes:
    """Return an iTXt chunk, neither compressed nor in a language of its own."""
    content = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
