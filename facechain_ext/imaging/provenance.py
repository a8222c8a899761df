"""The marker that tells software and people that a picture was made by a generative model.

IPTC Digital Source Type NewsCodes, carried in an XMP packet as the IPTC Photo Metadata Standard
describes; read by picture viewers and by the platforms that label generated pictures.
"""

from __future__ import annotations

from typing import Literal

Source = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]

XMP_KEY = "XML:com.adobe.xmp"
_NEWSCODE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{source}"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def ai_packet(source: Source) -> str:
    """Return the XMP packet that declares a picture's or a video's origin; see `ai_marker`."""
    return _PACKET.format(source=_NEWSCODE + source)


def ai_marker(source: Source) -> dict[str, str]:
    """Return PNG text entries that declare the picture's origin.

    trainedAlgorithmicMedia: drawn by a model alone.
    compositeWithTrainedAlgorithmicMedia: parts of a photo were blended in.
    """
    return {
        XMP_KEY: ai_packet(source),
        "Software": "FaceChain for stable-diffusion-webui (AI-generated picture)",
    }
