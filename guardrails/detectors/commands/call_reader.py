"""Says what a call of a program would do, with all that it calls in turn: wrappers, interpreters, files written before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

from guardrails import cancellation
from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.powershell import decode_powershell, is_encoded_option
from guardrails.detectors.commands.printed_output import printed_output
from guardrails.detectors.commands.programs.file_programs import written_files
from guardrails.detectors.commands.programs.network_programs import downloaded_files
from guardrails.detectors.commands.programs.program_table import (
    DATA_PROGRAMS,
    call_leaves,
    find_mentions,
    resolve_program,
)
from guardrails.detectors.commands.programs.wrappers import (
    CODE,
    POWERSHELLS,
    SHELLS,
    inner_calls,
    inner_sources,
    skip_prefix,
)
from guardrails.detectors.commands.shell_words import DECODED, DOWNLOADED, MARKERS, SECRET, Environment
from guardrails.detectors.commands.targets import normalize_path

MOST_CALLS: Final = 10_000
MOST_WORDS: Final = 200_000
"""Calls of programs, and words of them, that are looked at in one text."""
DEEPEST: Final = 24
"""Calls inside of calls and texts inside of texts that are followed."""
LONGEST_FILE: Final = 50_000
"""Characters of a file that was written, which are remembered."""
LONGEST_ARGUMENT: Final = 20_000
"""Characters of an argument of an unknown program that is read as commands."""
MOST_MENTIONS: Final = 100
"""Programs in the arguments of another that are looked at."""
MENTION: Final = 60
"""Words of each that are read."""
MENTIONED: Final = 0.7
"""The score of a command in the arguments of a program that is not known to run any."""

_NETWORK: Final = re.compile(r"/dev/(?:tcp|udp)/")
_DOCUMENTS: Final = re.compile(
    r"(?i)\.(?:md|markdown|rst|txt|html?|json|ya?ml|toml|csv|tex|adoc|po|xml|svg|ipynb|log|gitignore|dockerignore"
    r"|conf|ini|cfg|sql)$"
)
_EVALUATORS: Final = frozenset(("source", ".", "eval", "iex", "invoke-expression", "at", "batch"))
_QUIET_CODE: Final = name_set("awk gawk mawk nawk vi vim nvim ex ed sqlite3 emacs")
"""Programs whose input is data, not code."""


class CommandFinding(NamedTuple):
    """What a stretch of a text would do: the leaf of `command.`, from where to where, and how sure that is."""

    leaf: str
    start: int
    end: int
    score: float = 1.0


class LimitExceeded(Exception):
    """There is more in a text than is looked at."""


class CallReader:
    """Looks at calls, and remembers what later ones depend on.

    Args:
        run: reads a text as a script; takes what that reads, too, and returns what it prints.
        environment: what words are expanded with.

    Attributes:
        found: what the calls would do.
        codes: texts of other languages that would be run, with where they stand.
        functions: the bodies of functions by their names.
        folder: where calls run, "" where nobody knows.
        span: where the call stands that is looked at.
    """

    def __init__(self, run: Callable[[str, str], str], environment: Environment) -> None:
        self.found: list[CommandFinding] = []
        self.codes: list[tuple[str, int, int]] = []
        self.functions: dict[str, str] = {}
        self.files = environment.files
        self.folder = ""
        self.span = (0, 0)
        self._run, self._environment = run, environment
        self._calls = self._words = self._depth = 0
        self._score, self._is_mention = 1.0, False
        self._running: set[str] = set()

    def report(self, leaf: str) -> None:
        """Note what the call that is looked at would do."""
        self.found.append(CommandFinding(leaf, *self.span, self._score))

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count one step into what stands inside; raises `LimitExceeded`."""
        if self._depth >= DEEPEST:
            raise LimitExceeded("commands in commands, deeper than is followed")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def mention(self, *, is_call: bool = True) -> Iterator[None]:
        """Look at what is a command only if a program that is not known runs it. Behind such a call (`is_call`) others are looked
        for by who found it.
        """
        outer = self._score, self._is_mention
        self._score, self._is_mention = min(self._score, MENTIONED), is_call
        try:
            yield
        finally:
            self._score, self._is_mention = outer

    def read(self, call: Invocation) -> str:
        """Look at a call; return what it prints."""
        self._calls += 1
        self._words += len(call.words)
        if self._calls > MOST_CALLS or self._words > MOST_WORDS:
            raise LimitExceeded("more commands than are looked at")
        if not self._calls % 64:
            cancellation.check()
        if not call.words:
            return ""
        with self.deeper():
            return self._read(call)

    def _read(self, call: Invocation) -> str:
        first = call.words[0]
        if re.match(r"\s*\S+\s+[-~/$\w]", first):
            return self._run(" ".join(call.words), call.stdin)
        if first in self.functions:
            return self._call_function(call)
        call = resolve_program(call)
        for leaf in call_leaves(call):
            self.report(leaf)
        self._check_redirects(call)
        if (inner := skip_prefix(call)) is not None:
            return self.read(_with_given(inner, call))
        sources, calls = inner_sources(call), inner_calls(call)
        if sources and call.program in SHELLS:
            self._environment.variables |= _given_to_shell(call)
        for source in sources:
            self._run_source(source, call)
        for each in calls:
            self.read(each)
        self._interpret(call)
        self._remember_files(call)
        self._remember_state(call)
        if call.program not in DATA_PROGRAMS and not (sources or calls or self._is_mention):
            self._look_behind(call)
        return self._print(call)

    def _print(self, call: Invocation) -> str:
        """Return what a call prints, files that were written before included."""
        if call.program in ("cat", "head", "tail", "more", "less"):
            paths = [
                normalize_path(word, self.folder) for word in (*call.operands(("-n", "-c")), *call.inputs)
            ]
            known = [self.files[path] for path in paths if path in self.files]
            if known:
                return "\n".join(known)[:LONGEST_FILE]
        return printed_output(call)

    def _look_behind(self, call: Invocation) -> None:
        """Look for commands in the arguments of a program that is not known: it may run them."""
        for at in islice(find_mentions(call), MOST_MENTIONS):
            with self.mention():
                self.read(call.rest(at, MENTION))
        with self.mention(is_call=False):
            for word in call.arguments:
                key, equals, value = word.partition("=")
                said = value if equals and " " not in key else word
                if " " in said.strip() and len(said) <= LONGEST_ARGUMENT:
                    self._run(said, "")

    def _remember_state(self, call: Invocation) -> None:
        """Remember where later calls run and what they are given."""
        if call.program in ("cd", "pushd", "chdir", "set-location", "sl"):
            operands = call.operands()
            self.folder = normalize_path(operands[0] if operands else "~", self.folder)
        if call.program == "read" and call.operands() and call.stdin:
            self._environment.variables[call.operands()[-1]] = call.stdin.strip()
        if call.program == "set" and "--" in call.words:
            self._environment.variables |= _positional(call.words[call.words.index("--") + 1 :])

    def _call_function(self, call: Invocation) -> str:
        name = call.words[0]
        if name in self._running:
            return ""
        self._running.add(name)
        variables = dict(self._environment.variables)
        self._environment.variables |= _positional(call.arguments)
        try:
            return self._run(self.functions[name], call.stdin)
        finally:
            self._environment.variables.clear()
            self._environment.variables.update(variables)
            self._running.discard(name)

    # What is run: texts, files, input.

    def _run_source(self, source: str, call: Invocation) -> None:
        self._report_origin(source)
        self._run(source, call.stdin)

    def _report_origin(self, text: str) -> None:
        """Note that what is run was loaded down, or stands in a form that hides it."""
        if DOWNLOADED in text:
            self.report("download_and_run")
        elif DECODED in text:
            self.report("run_encoded")

    def _interpret(self, call: Invocation) -> None:
        """Look at what an interpreter runs: its arguments, a file, its input."""
        program = call.program
        is_code = CODE.fullmatch(program) is not None
        if not (program in SHELLS or is_code or program in POWERSHELLS or program in _EVALUATORS):
            self._run_file(call.words[0])
            return
        self._report_origin(" ".join(call.arguments))
        valued = ("-o", "-m", "-W", "-X", "-O", "-c", "-e", "--rcfile", "--init-file", "-f")
        operands = [word for word in call.operands(valued) if word != "-"]
        for name in (*operands[:1], *call.inputs):
            self._run_file(name)
        if program in POWERSHELLS or program in ("iex", "invoke-expression"):
            self._read_powershell(call)
        if is_code:
            self.codes += [(word, *self.span) for word in call.arguments if len(word) > 5]
            for word in call.arguments:
                if word.startswith(("!", ":!", "shell ")):
                    self._run(word.lstrip(":!").removeprefix("shell "), "")
        given_source = any(word in ("-c", "-e", "-r", "-m", "--eval") for word in call.arguments)
        reads = not operands and not given_source and not (program in SHELLS and call.has_option("c"))
        if (reads or "/dev/stdin" in operands or program in ("at", "batch")) and program not in _QUIET_CODE:
            self._run_text(call.stdin, is_script=not is_code)
        elif program in SHELLS and call.has_option("s") and not given_source:
            self._run_text(call.stdin, is_script=True)

    def _run_text(self, text: str, *, is_script: bool) -> None:
        self._report_origin(text)
        plain = "".join(char for char in text if char not in MARKERS)
        if plain.strip():
            self.codes.append((plain, *self.span))
            if is_script:
                self._run(plain, "")

    def _run_file(self, name: str) -> None:
        """Look at a file that is run, where it was written before."""
        path = normalize_path(name, self.folder)
        content = self.files.get(path, self.files.get(normalize_path(name)))
        if content is not None and path not in self._running:
            self._running.add(path)
            self._run_text(content, is_script=True)
            self._running.discard(path)

    def _read_powershell(self, call: Invocation) -> None:
        words = call.windows_arguments()
        for at, word in enumerate(words):
            if is_encoded_option(word):
                self.report("run_encoded")
                self.codes.append((decode_powershell("".join(words[at + 1 : at + 2])), *self.span))
        source = " ".join(
            word for word in call.arguments if not re.match(r"(?i)-(?:c\w*|no\w+|ep|ex\w*|w\w*|sta)$", word)
        )
        if call.program in POWERSHELLS:
            self._run(source, "")
        self.codes.append((" ".join(words), *self.span))

    # Files.

    def _check_redirects(self, call: Invocation) -> None:
        for leaf in written_files(call.outputs, call.folder, printed_output(call)):
            self.report(leaf)
        for path in (*call.outputs, *call.inputs):
            if _NETWORK.match(path):
                secret = SECRET in call.stdin or SECRET in printed_output(call)
                self.report("exfiltrate" if secret else "reverse_shell")

    def _remember_files(self, call: Invocation) -> None:
        """Remember what is written to files, as it may be run."""
        for name in downloaded_files(call) or ():
            self.files[normalize_path(name, self.folder)] = DOWNLOADED
        if call.program in ("mv", "cp", "install", "ln") and len(call.operands()) > 1:
            *sources, target = (normalize_path(each, self.folder) for each in call.operands())
            known = [self.files[path] for path in sources if path in self.files]
            if known:
                self.files[target] = known[0]
        outputs = [*call.outputs, *(call.operands() if call.program == "tee" else [])]
        if not outputs:
            return
        printed = printed_output(call)
        for name in outputs:
            path = normalize_path(name, self.folder)
            self.files[path] = f"{self.files.get(path, '')}\n{printed}"[-LONGEST_FILE:]
            if not _DOCUMENTS.search(name) and not name.startswith("/dev/") and printed.strip(MARKERS):
                with self.mention(is_call=False):
                    self._run("".join(char for char in printed if char not in MARKERS), "")


def _positional(words: list[str]) -> dict[str, str]:
    """Return the variables that hold the arguments of a script or a function."""
    return {
        "@": " ".join(words),
        "*": " ".join(words),
        **{str(at): word for at, word in enumerate(words[:9], 1)},
    }


def _given_to_shell(call: Invocation) -> dict[str, str]:
    """Return the variables that hold what stands behind the text of `sh -c`: the first of it is `$0`."""
    at = next(
        (at for at, word in enumerate(call.words) if re.fullmatch(r"-[a-zA-Z]*c", word)), len(call.words)
    )
    name, *given = call.words[at + 2 :] or [""]
    return {"0": name, **_positional(given)} if name else {}


def _with_given(inner: Invocation, call: Invocation) -> Invocation:
    """Return the command that `xargs` and its like run, with what they read."""
    if call.program not in ("xargs", "parallel", "sem"):
        return inner
    given = [part for part in call.stdin.split() if part.strip(MARKERS)]
    named = next(
        (call.words[at + 1] for at, word in enumerate(call.words[:-1]) if word in ("-I", "--replace")), "{}"
    )
    if any(named in word for word in inner.words):
        words = [word.replace(named, " ".join(given)) for word in inner.words]
        words = [
            part
            for word, before in zip(words, inner.words, strict=True)
            for part in (given if before == named else [word])
        ]
    else:
        words = [*inner.words, *given]
    return replace(inner, words=words or ["true"], written=[], stdin="")
