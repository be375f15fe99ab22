"""The files of a call in, as they would be sent in a form, uploads to judge out; and the fields and files of a judged body back.

A file is read once, and what was read is what goes out. Files that could be read as something else than what was judged are
refused: those with headers of their own, and those in a field that the rest of the body has as well.
"""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from guardrails.errors import RequestError
from guardrails.wire.forms import Upload

FORM: Final = "multipart/form-data"
UNNAMED: Final = "upload"
"""The name of a file that has none."""

BYTES: Final = "application/octet-stream"


def read_uploads(files: Any) -> dict[str, list[Upload]]:
    """Return the files of a call by their fields.

    Args:
        files: a mapping, or pairs, of names and files, each as the SDK has it: its bytes, something to read them from, or a tuple
            with its name before that and its type behind.

    Raises:
        RequestError: one is no such file.
    """
    found: dict[str, list[Upload]] = {}
    for name, file in files.items() if isinstance(files, Mapping) else files:
        found.setdefault(str(name), []).append(_upload(file))
    return found


def add_files(fields: Mapping[str, Any], files: Any) -> dict[str, Any]:
    """Return a body with the files of a call in it; raises `RequestError` where one stands there twice, however it is spelled."""
    found = read_uploads(files)
    names = [each.casefold().removesuffix("[]") for each in (*fields, *found)]
    if len({*names}) < len(names):
        raise RequestError("duplicate_key", "a field of a form stands there twice")
    return {**fields, **found}


def split_files(body: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, tuple[str, bytes, str]]]]:
    """Return the fields of a body that are no files, and those that are, as they are sent."""
    fields, files = dict[str, Any](), list[tuple[str, tuple[str, bytes, str]]]()
    for name, value in body.items():
        if isinstance(value, list) and any(isinstance(each, Upload) for each in value):
            files += [(name, (each.name, each.data, each.media)) for each in value]
        else:
            fields[name] = value
    return fields, files


def form_headers(given: Any) -> dict[str, Any]:
    """Return the headers of a call that sends a form: its boundary is chosen when it is written, so that no file can hold it."""
    kept = given.items() if isinstance(given, Mapping) else ()
    return {
        **{name: value for name, value in kept if name.lower() != "content-type"},
        "Content-Type": FORM,
    }


def _upload(file: Any) -> Upload:
    name, media = None, None
    if isinstance(file, tuple):
        if not 2 <= len(file) <= 3:
            raise _unguarded("a file with headers of its own")
        name, file, media = (*file, None)[:3]
    else:
        name = Path(str(getattr(file, "name", UNNAMED))).name
    data = file if isinstance(file, bytes) else _read(file)
    if not isinstance(data, bytes) or not isinstance(name, str | None) or not isinstance(media, str | None):
        raise _unguarded("a file that is not bytes")
    name = name or UNNAMED
    return Upload(data, name, media or mimetypes.guess_type(name)[0] or BYTES)


def _read(file: Any) -> Any:
    """Return all of a file; like the SDK's own, from its beginning where it can be found again."""
    if not callable(getattr(file, "read", None)):
        return None
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a pipe has no beginning
        file.seek(0)
    return file.read()


def _unguarded(what: str) -> RequestError:
    return RequestError("unguarded_body", f"{what} is refused: the guard cannot judge it")
