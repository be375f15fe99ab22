"""Pictures for their benchmark: drawn ones as pixels and files, each as often as wanted with bytes that are new; its clock."""

from __future__ import annotations

import io
import statistics
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image, ImageDraw, ImageFont

EXIF = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
"""An EXIF block that says nothing; WebP files that have one can hold more blocks."""


def drawn(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return soft patches."""
    patches = np.random.default_rng(seed).integers(
        0, 256, (height // 24 + 2, width // 24 + 2, 3), dtype=np.uint8
    )
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, format_: str) -> bytes:
    """Return a picture's file."""
    out = io.BytesIO()
    image.save(out, format_, **({"exif": EXIF} if format_ == "WEBP" else {}))
    return out.getvalue()


def renewed(data: bytes, format_: str, number: int) -> bytes:
    """Return a file with a remark of its own, so that nothing is known of it; its pixels are the same."""
    remark = b"%08d" % number
    match format_:
        case "JPEG":
            return data[:2] + b"\xff\xfe\0\x0a" + remark + data[2:]
        case "PNG":
            chunk = b"tEXtComment\0" + remark
            block = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
            return data[:33] + block + data[33:]
        case _:
            more = data[8:] + b"XMP \x08\0\0\0" + remark
            return data[:4] + len(more).to_bytes(4, "little") + more


def turns(rounds: int, *asked: Callable[[int], object]) -> list[float]:
    """Return the milliseconds of each, asked in turn with the number of the round: medians, after one that warms up."""
    times: list[list[float]] = [[] for _ in asked]
    for number in range(rounds + 1):
        for at, ask in enumerate(asked):
            start = perf_counter()
            ask(number)
            if number:
                times[at].append((perf_counter() - start) * 1_000)
    return [statistics.median(each) for each in times]


def others() -> Mapping[str, bytes]:
    """Return files of other formats; AVIF and what moves are read in a process of their own."""
    out = io.BytesIO()
    frames = [drawn(320, 240, seed) for seed in range(10)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    stills = {f"{format_} 640 x 480": saved(drawn(640, 480), format_) for format_ in ("JPEG", "GIF", "AVIF")}
    return stills | {"GIF 320 x 240 moves, 10 frames": out.getvalue()}


def lines(count: int) -> Image.Image:
    """Return a page of 640 x 480 with lines of text."""
    image = Image.new("RGB", (640, 480), "white")
    font = ImageFont.load_default(22)
    for at in range(count):
        text = f"Line {at + 1}: a harmless note about tea and rain"
        ImageDraw.Draw(image).text((30, 30 + 50 * at), text, fill="black", font=font)
    return image


def benign() -> Mapping[str, Image.Image]:
    """Return generated pictures in which nothing is to be found: patches, shapes, noise, gradients, pages."""
    rng = np.random.default_rng(5)
    found = {f"patches{seed}": drawn(640, 480, seed) for seed in range(4)}
    found |= {f"page{count}": lines(count) for count in (0, 3, 8)}
    found["noise"] = Image.fromarray(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8))
    found["gradient"] = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    found["tones"] = Image.radial_gradient("L").resize((640, 480)).convert("RGB")
    found["tones"] = Image.blend(found["tones"], Image.new("RGB", (640, 480), (224, 172, 140)), 0.8)
    for number in range(4):
        image = Image.new("RGB", (640, 480), tuple(int(each) for each in rng.integers(0, 256, 3)))
        for _ in range(12):
            (x, y), (width, height) = rng.integers(0, 500, 2), rng.integers(10, 200, 2)
            colour = tuple(int(each) for each in rng.integers(0, 256, 3))
            box = (int(x), int(y), int(x + width), int(y + height))
            (ImageDraw.Draw(image).ellipse if number % 2 else ImageDraw.Draw(image).rectangle)(box, colour)
        found[f"shapes{number}"] = image
    return found


def written(folder: Path) -> None:
    """Write the harmless ones into a folder."""
    for name, image in benign().items():
        image.save(folder / f"drawn_{name}.png")
