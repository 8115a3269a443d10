"""QR codes in one picture."""

from __future__ import annotations

import zxingcpp
from PIL import Image

from certs.errors import KezhengError
from registry.scanning.scan_limits import MAX_CODES

_ENLARGED_PIXELS = 4_000_000
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def texts_in_image(image: Image.Image) -> set[str]:
    """The texts of all QR codes in a picture; one that is found in no size is tried once more at double size.

    A page that went through a messenger at half size leaves a code fewer than two pixels per module.
    Raises KezhengError ``image_too_large`` for a picture of very many codes.
    """
    grey = _on_white(image)
    found = _read(grey)
    if not found and grey.width * grey.height <= _ENLARGED_PIXELS:
        found = _read(grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC))
    return found


def _read(grey: Image.Image) -> set[str]:
    barcodes = zxingcpp.read_barcodes(grey, formats=_QR, text_mode=zxingcpp.TextMode.Plain, try_invert=False)
    if len(barcodes) > MAX_CODES:
        raise KezhengError("image_too_large")
    return {barcode.text for barcode in barcodes}


def _on_white(image: Image.Image) -> Image.Image:
    """Grey, transparent parts white as paper."""
    if not image.has_transparency_data:
        return image.convert("L")
    layers = image.convert("LA")
    paper = Image.new("L", image.size, 255)
    paper.paste(layers.getchannel("L"), mask=layers.getchannel("A"))
    return paper
