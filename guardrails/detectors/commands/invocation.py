"""One call of a program, as the shell would make it, and how its options are told from its operands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final


def name_set(names: str) -> frozenset[str]:
    """Return the set of some names that blanks part."""
    return frozenset(names.split())


LONGEST_NAME: Final = 1_000
"""Characters of a word, the last ones, that are looked at for the name of a program."""

_LONG: Final = re.compile(r"--[\w-]+")
_WINDOWS_OPTION: Final = re.compile(r"/[A-Za-z?]{1,4}(?::\S*)?")


@dataclass(slots=True)
class Invocation:
    """One call of a program.

    Attributes:
        words: the program and its arguments, expanded.
        written: the same as they stand in the source, without quotes: a backslash there parts folders of Windows.
        stdin: what it reads, as far as that is known.
        inputs: the files it reads by `<`.
        outputs: the files it writes by `>`.
        folder: where it runs, "" where nobody knows.
    """

    words: list[str]
    written: list[str] = field(default_factory=list)
    stdin: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    folder: str = ""

    @property
    def program(self) -> str:
        """The name of the program, without its folder and `.exe`, in lower case."""
        return program_name(self.words[0])

    @property
    def arguments(self) -> list[str]:
        """What the program is called with."""
        return self.words[1:]

    def rest(self, at: int, most: int | None = None) -> Invocation:
        """Return the call that begins with a later word, of `most` words."""
        end = None if most is None else at + most
        written = self.written[at:end] if len(self.written) == len(self.words) else []
        return Invocation(self.words[at:end], written, self.stdin, self.inputs, self.outputs, self.folder)

    def shorts(self) -> str:
        """Return the letters of all short options."""
        return "".join(
            word[1:] for word in self.arguments if word.startswith("-") and not word.startswith("--")
        )

    def has_option(self, letters: str, names: Collection[str] = ()) -> bool:
        """Tell whether an option is given: by one of some letters, or by a long name or a beginning of it of three letters."""
        if any(letter in self.shorts() for letter in letters):
            return True
        for word in self.arguments:
            if _LONG.match(word):
                given = word[2:].partition("=")[0]
                if any(name == given or (len(given) > 2 and name.startswith(given)) for name in names):
                    return True
        return False

    def operands(self, valued: Collection[str] = ()) -> list[str]:
        """Return the arguments that are no options; those in `valued` have a value behind them."""
        found: list[str] = []
        words: Iterator[str] = iter(self.arguments)
        for word in words:
            if word == "--":
                return [*found, *words]
            if word in valued:
                next(words, None)
            elif not word.startswith("-") or word == "-":
                found.append(word)
        return found

    def windows_arguments(self) -> list[str]:
        """Return the arguments as Windows reads them."""
        return [word.replace("^", "") for word in (self.written or self.words)[1:]]

    def windows_operands(self) -> list[str]:
        """Return those that are neither `/s` nor `-Recurse`."""
        return [
            part
            for word in self.windows_arguments()
            if not word.startswith("-") and not _WINDOWS_OPTION.fullmatch(word)
            for part in word.split(",")
        ]


@lru_cache(maxsize=4_096)
def program_name(word: str) -> str:
    """Return the name of a program, without its folder and ending, in lower case."""
    name = re.split(r"[/\\]", word[-LONGEST_NAME:].rstrip("/\\").replace("^", ""))[-1].lower()
    for ending in (".exe", ".cmd", ".bat", ".com"):
        name = name.removesuffix(ending)
    return name
