"""What cameras, phones, editors, agencies and generators write beside pictures triggers nothing under the shipped policies."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import pytest

from guardrails import Guard
from tests.cases import each_case
from tests.media.metadata_kit import exif_of, iptc_of, irb_of, jpeg, picture, png, with_iptc, with_xmp, xmp_of

XMP = b"http://ns.adobe.com/xap/1.0/\0"


def event(action: str, agent: str, **more: str) -> str:
    """Return an entry of a history."""
    own = " ".join(f'stEvt:{name}="{value}"' for name, value in more.items())
    return (
        f'<rdf:li stEvt:action="{action}" stEvt:instanceID="xmp.iid:9b4fbc9a-9ccb-4c4f-9d3e-0f5ab9a5b2b1" '
        f'stEvt:when="2023-08-14T18:22:31+02:00" stEvt:softwareAgent="{agent}" {own}/>'
    )


def phone_by_apple() -> bytes:
    """Return what an iPhone writes."""
    maker = (
        b"Apple iOS\0\0\1MM\0\x02\0\1\0\x09\0\0\0\1\0\0\0\x0e"
        + b"bplist00\xd4\1\2\3\4UflagsUvalueYtimescaleUepoch"
        + bytes(60)
    )
    own = {0x9003: "2023:08:14 18:22:31", 0x9011: "+02:00", 0x9291: "417", 0xA433: "Apple", 0x927C: maker,
           0xA434: "iPhone 15 Pro Max back triple camera 6.765mm f/1.78"}  # fmt: skip
    gps = {1: "N", 3: "E", 0x10: "T", 0x1D: "2023:08:14"}
    return picture(
        exif=exif_of(
            {0x010F: "Apple", 0x0110: "iPhone 15 Pro Max", 0x0131: "17.1.2", 0x013C: "iPhone 15 Pro Max"},
            own,
            gps,
        )
    )


def phone_by_google() -> bytes:
    """Return what a Pixel writes: a motion photo's XMP with the maker's packed notes."""
    inner = (
        '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary" '
        'Item:Length="0" Item:Padding="0"/></rdf:li><rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" '
        'Item:Semantic="MotionPhoto" Item:Length="3483120"/></rdf:li></rdf:Seq></Container:Directory>'
    )
    packet = xmp_of(inner, GCamera__MotionPhoto="1", GCamera__MotionPhotoVersion="1", hdrgm__Version="1.0",
                    GCamera__MotionPhotoPresentationTimestampUs="1040133", GCamera__hdrp_makernote="SERSUDWj" * 900)  # fmt: skip
    exif = exif_of(
        {0x010F: "Google", 0x0110: "Pixel 8 Pro", 0x0131: "HDR+ 1.0.570503588zd"},
        {0xA434: "Pixel 8 Pro back camera 6.9mm f/1.68"},
    )
    return jpeg((0xE1, exif), (0xE1, XMP + packet))


def phones_by_others() -> bytes:
    """Return what a phone writes as a comment."""
    said = (
        "filter: 0; fileterIntensity: 0.0; filterMask: 0; captureOrientation: 0;\nbrp_mask:0; \nbrp_del_th: null;\nbrp_del_sen: null;\n"
        "module: photo;hw-remosaic: false;touch: (-1.0, -1.0);sceneMode: 8;cct_value: 0;AI_Scene: (-1, -1);aec_lux: 0.0;hist255: 0.0;"
    )
    return picture(
        exif=exif_of({0x010F: "realme", 0x0110: "RMX3085"}, {0x9286: b"ASCII\0\0\0" + said.encode()})
    )


def camera() -> bytes:
    """Return what a camera and Lightroom write: settings, a history, serial numbers."""
    history = event("derived", "Adobe Photoshop Lightroom Classic 12.3 (Macintosh)", parameters="converted from image/x-canon-cr3 to "
                    "image/jpeg, saved to new location") + event("saved", "Adobe Photoshop 24.1 (Windows)", changed="/")  # fmt: skip
    points = "".join(f"<rdf:li>{each}, {each}</rdf:li>" for each in (0, 64, 128, 192, 255))
    inner = f"<xmpMM:History><rdf:Seq>{history}</rdf:Seq></xmpMM:History><crs:ToneCurvePV2012><rdf:Seq>{points}</rdf:Seq></crs:ToneCurvePV2012>"
    packet = xmp_of(
        inner, xmp__CreatorTool="Adobe Photoshop Lightroom Classic 12.3 (Macintosh)", aux__Lens="EF24-70mm f/2.8L II USM",
        aux__SerialNumber="032021004312", aux__LensInfo="24/1 70/1 0/0 0/0", crs__Version="15.3", crs__CameraProfile="Adobe Standard",
        crs__ToneCurveName2012="Linear", crs__Exposure2012="+0.35", crs__LensProfileName="Adobe (Canon EF 24-70mm f/2.8L II USM)",
        crs__Table_E1095149FDB39D7A057BAB208837E2E1="U.R5M*3)@" * 400, photoshop__ColorMode="3", photoshop__ICCProfile="Adobe RGB (1998)",
        xmpMM__DocumentID="adobe:docid:photoshop:8e5b6e39-2b24-11ee-9b6f-b2e2b8f0a8f7", xmp__Rating="4",
    )  # fmt: skip
    exif = exif_of({0x010F: "Canon", 0x0110: "Canon EOS 5D Mark IV", 0x0131: "Adobe Photoshop Lightroom Classic 12.3 (Macintosh)"},
                   {0xA430: "", 0xA431: "032021004312", 0xA434: "EF24-70mm f/2.8L II USM", 0xA435: "0000c15998"})  # fmt: skip
    names = "PrintFlags Resolution layers".encode("utf-16-be")
    blocks = irb_of(
        {
            0x0404: b"\x1c\2\0\0\2\0\2",
            0x03ED: bytes(16),
            0x043A: names,
            0x0421: bytes(8) + "Adobe Photoshop".encode("utf-16-be"),
        }
    )
    return jpeg((0xE1, exif), (0xE1, XMP + packet), (0xED, b"Photoshop 3.0\0" + blocks))


def ancestors() -> bytes:
    """Return what Photoshop writes into documents that were pasted into one another for years."""
    entries = "".join(f"<rdf:li>xmp.did:{each:032X}</rdf:li>" for each in range(600))
    return with_xmp(
        xmp_of(f"<photoshop:DocumentAncestors><rdf:Bag>{entries}</rdf:Bag></photoshop:DocumentAncestors>")
    )


def drone() -> bytes:
    """Return what a drone writes."""
    return with_xmp(xmp_of(**{"drone-dji__GpsLatitude": "+48.137154", "drone-dji__RelativeAltitude": "+58.30",
                              "drone-dji__GimbalYawDegree": "-91.20", "drone-dji__SelfData": "Undefined", "drone-dji__CamReverse": "0"}))  # fmt: skip


def screenshot() -> bytes:
    """Return what a screenshot of a phone has."""
    return picture("PNG", exif=exif_of({}, {0x9286: b"ASCII\0\0\0Screenshot", 0x9003: "2023:11:02 09:41:00"}))


def social_network() -> bytes:
    """Return what a network writes into what is downloaded from it."""
    numbers = (
        "FBMD0a000a700100005c2a0000b14b0000e4500000a356000011750000c7a20000d5ab0000e9b30000c8bc00005b0e0100"
    )
    return jpeg((0xED, b"Photoshop 3.0\0" + iptc_of({40: numbers, 103: "PdWtjJq2sFQ8XxkRT5cb"})))


def news(caption: str) -> bytes:
    """Return a news agency's picture."""
    said = {5: "MIDEAST CONFLICT", 25: "conflict", 40: "Mandatory credit", 55: "20231015", 60: "101500+0000", 80: "Jane Doe", 85: "STF",
            90: "Gaza City", 101: "PSE", 103: "XYZ101", 105: "Mideast conflict", 110: "AP", 115: "AP", 116: "Copyright 2023 The Associated "
            "Press. All rights reserved.", 120: caption, 122: "JD"}  # fmt: skip
    return with_iptc(said)


def generated() -> bytes:
    """Return what a generator writes."""
    said = (
        "portrait of an old fisherman in his boat, dramatic light, oil painting, <lora:harbour:0.6>\nNegative prompt: nsfw, nude, naked, "
        "blood, gore, bad anatomy, child, loli, lowres\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 2893741520, Size: 512x768, "
        "Model hash: e6415c4892, Model: Realistic_Vision_V2.0, Denoising strength: 0.4, Hires upscaler: 4x-UltraSharp, Version: v1.6.0"
    )
    return png(parameters=said)


def graph() -> bytes:
    """Return what ComfyUI writes: the same as a program and as people see it."""
    nodes = {
        "3": {"class_type": "KSampler", "inputs": {"seed": 156680208700286, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m", "model": ["4", 0],
              "positive": ["6", 0], "negative": ["7", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.ckpt"}, "_meta": {"title": "Load Checkpoint"}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "beautiful scenery, a glass bottle with a galaxy inside", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "nude, sex, gore, blood, watermark", "clip": ["4", 1]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    }  # fmt: skip
    return png(prompt=json.dumps(nodes))


def profile() -> bytes:
    """Return a picture with the profile that is in most: of Hewlett-Packard's, with its texts."""
    said = b"".join(
        kind + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(70)
        for kind, text in (
            (b"text", b"Copyright (c) 1998 Hewlett-Packard Company"), (b"desc", b"sRGB IEC61966-2.1"), (b"desc", b"IEC http://www.iec.ch"),
            (b"desc", b"IEC 61966-2.1 Default RGB colour space - sRGB"), (b"desc", b"Reference Viewing Condition in IEC61966-2.1"),
        )
    )  # fmt: skip
    return jpeg((0xEC, b"ICC\0" + said))


ORDINARY: dict[str, Callable[[], bytes]] = {
    "Apple": phone_by_apple,
    "Google": phone_by_google,
    "other phones": phones_by_others,
    "a camera and Lightroom": camera,
    "ancestors": ancestors,
    "a drone": drone,
    "a screenshot": screenshot,
    "a network": social_network,
    "news of a storm": lambda: news("A man walks past a boat that was washed ashore by the storm in Miami, Monday, Aug. 14, 2023. (AP Photo/Jane Doe)"),
    "news of a war": lambda: news("Palestinians inspect the rubble of a building after an Israeli airstrike in Gaza City, Sunday, Oct. 15, 2023. "
                                  "Dozens of people were killed, hospital officials said. (AP Photo/Jane Doe)"),
    "news of a trial": lambda: news("The defendant, accused of murder, arrives at court in Frankfurt, Germany, Tuesday, March 7, 2023."),
    "a stock": lambda: with_iptc({120: "Happy young woman drinking coffee on a terrace in Lisbon, Portugal", 25: "woman", 110: "Getty Images"}),
    "a generator": generated,
    "a graph": graph,
    "a profile": profile,
    "GIMP": lambda: picture("JPEG", comment=b"Created with GIMP", exif=exif_of({0x0131: "GIMP 2.10.34", 0x0132: "2023:08:14 18:22:31"})),
    "a library": lambda: picture("JPEG", comment=b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v80), quality = 82\n"),
    "an old camera": lambda: picture(exif=exif_of({0x010E: "OLYMPUS DIGITAL CAMERA         ", 0x010F: "OLYMPUS IMAGING CORP.  "})),
}  # fmt: skip


@pytest.fixture(scope="module")
def guards() -> dict[str, Guard]:
    """The guards of the shipped policies."""
    return {name: Guard.load(name) for name in ("default", "strict")}


@each_case("by", ORDINARY)
def test_what_is_ordinary_passes(guards: dict[str, Guard], by: str) -> None:
    """As it came, with nothing unchecked, as an upload and as an answer."""
    data = ORDINARY[by]()
    for name, given in guards.items():
        for stage in ("input", "output"):
            verdict = given.check(data, stage)
            assert ([rule.id for rule in verdict.rules], verdict.coverage.unchecked) == ([], ()), (
                name,
                stage,
            )
            assert verdict.content == data
