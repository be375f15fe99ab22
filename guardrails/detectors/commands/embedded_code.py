"""Finds what stands in the text literals of code and JSON, and calls of functions that do what commands do.

Literals are read whether or not the code around them is sound: cut JSON, JSON in the texts of JSON, Python, JavaScript. Nothing
is run.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from guardrails.detectors.commands.call_reader import LimitExceeded
from guardrails.detectors.commands.powershell import powershell_leaves
from guardrails.detectors.commands.programs.program_table import is_severe
from guardrails.detectors.commands.programs.wrappers import SHELLS
from guardrails.detectors.commands.targets import is_credential, is_critical
from guardrails.wire.lossless_json import unescaped

MOST_LITERALS: Final = 5_000
"""Literals of one text that are read."""
MOST_ROWS: Final = 500
"""Literals that are a program, with what stands behind them, that are read as one command."""
LONGEST_PROGRAM: Final = 200
MOST_WORDS: Final = 64
"""Literals in a row that are read as one command."""

_LITERAL: Final = re.compile(r"(\"\"\"|'''|\"|'|`)((?:(?!\1)[^\\]|\\.)*)(?:\1|\Z)", re.S)
_JSON_LITERAL: Final = re.compile(r"(\")((?:[^\"\\]|\\.)*)(?:\"|\Z)", re.S)
_JSON: Final = re.compile(r"\s*(?:\{\s*[\"'}]|\[\s*[\"{\[\]])")
_OTHER_LITERAL: Final = re.compile(
    r"(?:\bq[qxrw]?|%[xqQwW]?)\s{0,2}(?:\(([^()\n]{1,2000})\)|\{([^{}\n]{1,2000})\}|\[([^\[\]\n]{1,2000})\]|([/"
    r"|!#~])(.{1,2000}?)\4)|\[\[(.{1,2000}?)\]\]"
)
"""Literals of Perl, Ruby and Lua."""
_FOLDER: Final = re.compile(
    r"(?i)^(?:cwd|(?:working|current|base|project)?_?-?(?:dir|directory|folder)|workdir|chdir|root_?dir|workspace\w*)$"
)
"""Keys of the folder that a command runs in."""
_PROSE: Final = re.compile(
    r"(?i)^(?:description|reason|explanation|title|comment|note|notes|summary|thought|purpose|label|user|host|env|timeout|query|search|question|prompt)$"
)
"""Keys of what is no part of a command."""
_COMMANDED: Final = re.compile(r"-[a-z]{0,3}c")
_OPERATORS: Final = frozenset(("|", "||", "&&", ";", ">", ">>", "<", "<<<", "&"))
_KEY: Final = re.compile(r"\s*:(?!:)")
_SUM: Final = re.compile(r"\s*\+?\s*")

_PATH: Final = r"\(?\s*(?:[rfbu]{0,2}|@)([\"'`])([^\"'`\n]{1,300})\1"
_DELETES: Final = re.compile(
    r"(?:\brmtree|\bos\.(?:remove|unlink|removedirs|rmdir)|\bFileUtils\.(?:rm_rf|rm_r|rm|remove_dir"
    r"|remove_entry\w*)|\bfs(?:\.promises)?\.(?:rm|rmSync|rmdir"
    r"|rmdirSync|unlink|unlinkSync)|\brimraf(?:\.sync)?|\bremove_tree|\brmdir|\bunlink|Directory\.Delete"
    r"|File\.Delete|\b(?:remove|emptyDir|rm|rmdir|unlink)Sync"
    r"|\bos\.RemoveAll|\bremove_dir_all|\bdeleteRecursively|\bFiles\.delete|\bdeltree|\bunlink\s+glob)\s*"
    + _PATH
)
_DELETES_HOME: Final = re.compile(
    r"(?:rmtree|rm_rf|rmSync|rmdirSync|RemoveAll|rimraf|remove_tree"
    r"|remove_dir_all)\s*\(\s*(?:os\.path\.expanduser\(\s*[\"']~/?[\"']|(?:pathlib\.)?Path\.home\(\)"
    r"|os\.environ(?:\.get\(|\[)[\"']"
    r"HOME|(?:os\.)?homedir\(\)|process\.env\.HOME\s*[,)]|Dir\.home|ENV\[[\"']HOME[\"']\]\s*\)"
    r"|(?:pathlib\.)?Path\(\s*[\"']/[\"'])"
)
_OPENS: Final = re.compile(
    r"(?:\bopen|\bread\w*|\bPath|\bFile\.\w+|\bexpanduser|\bslurp|\bfile_get_contents|\bload\w*|\bReadAllText"
    r"|\bcopy\w*|\bfopen|\breadFile\w*|\bos\.Open)\s*" + _PATH
)
_SOURCES: Final = (
    r"(?:urlopen|requests\.(?:get|post)|urllib|httpx\.get|http\.get|\bfetch\(|file_get_contents\(\s*[\"']http|URI\.open"
    r"|open-uri|Net::HTTP|LWP::|axios|DownloadString)"
)
_RUNS: Final = (
    r"\b(?:exec|eval|system|popen|instance_eval|Function|runInThisContext|vm\.run\w*|create_function|assert|include"
    r"|check_output|check_call|execSync|spawnSync|subprocess\.\w+)\s*\(?"
)
_DECODES: Final = (
    r"(?:b64decode|b32decode|base64_decode|Base64\.decode\w*|decode_base64|fromhex|unhexlify|\batob\("
    r"|Buffer\.from\([^)]{0,2000}[\"'](?:base64|hex)|marshal\.loads|pickle\.loads|zlib\.decompress|codecs\.decode)"
)

LEAVES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("download_and_run", re.compile(rf"(?s){_RUNS}.{{0,160}}?{_SOURCES}")),
    ("run_encoded", re.compile(rf"(?s){_RUNS}.{{0,160}}?{_DECODES}")),
    (
        "reverse_shell",
        re.compile(
            r"(?s)\bsocket\b.{0,600}?(?:dup2|pty\.spawn|subprocess|/bin/(?:ba)?sh)"
            r"|use\s+Socket.{0,600}?(?:open\(STD|exec)|TCPSocket.{0,300}?(?:exec|popen|/sh|\|l\|)"
            r"|fsockopen.{0,300}?(?:exec|proc_open|passthru|system|`)|child_process.{0,600}?net\.(?:connect"
            r"|Socket|createConnection)"
            r"|net\.(?:connect|Socket|createConnection).{0,600}?child_process|socket\.tcp.{0,300}?(?:io\.popen"
            r"|os\.execute)|net\.Dial.{0,300}?exec\.Command"
            r"|/inet/tcp/"
        ),
    ),
    (
        "fork_bomb",
        re.compile(
            r"\bwhile\s*\(?\s*(?:1|True|true|\d)\s*\)?\s*[:{]?[^\n]{0,40}\n?\s*(?:os\.)?fork\b"
            r"|\bfork\s+while\s+(?:fork|1|true)|%0\s*\|\s*(?:start\s+)?%0"
            r"|loop\s*(?:do|\{)\s*fork|while\s+fork\b|([\w:.]{1,40})\s*\(\)\s*\{[^}]{0,80}?\1\s*\|\s*\1\s*&"
        ),
    ),
    (
        "exfiltrate",
        re.compile(
            r"(?s)(?:requests\.(?:post|put|get)|urlopen|httpx\.post|fetch"
            r"|axios\.post)\(.{0,300}?(?:os\.environ(?!\[|\.get)|process\.env(?![.\[]))"
        ),
    ),
)
"""What calls of functions in code do."""

_HINTS: Final = re.compile(
    r"rmtree|fork|socket|Socket|Dial|base64|b64|b32|fromhex|unhexlify|atob|Buffer|marshal|pickle|zlib|codecs"
    r"|urlopen|requests|urllib|httpx|http|"
    r"fetch|URI|LWP|axios|inet|%0|rm_r|rmSync|rmdir|unlink|remove|rimraf|emptyDir|RemoveAll|deleteRec|Files"
    r"|deltree|Delete|open|read|Path|File"
    r"|expanduser|slurp|load|copy|environ|process|rm\(|rm_|\(\)\s*\{"
)
"""Without one of these none of the patterns fits."""


class EmbeddedText(NamedTuple):
    """A text that stands in another: what it says, and from where to where it stands."""

    text: str
    start: int
    end: int


def is_json(text: str) -> bool:
    """Tell whether a text is a list or a mapping of JSON: what it says stands in its literals alone."""
    if not _JSON.match(text):
        return False
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def find_function_leaves(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield what calls of functions in code would do: the leaf of `command.`, from where to where."""
    if _HINTS.search(text):
        for found in _DELETES.finditer(text):
            if is_critical(found[2]):
                yield "delete", found.start(), found.end()
        for found in _DELETES_HOME.finditer(text):
            yield "delete", found.start(), found.end()
        for found in _OPENS.finditer(text):
            if is_credential(found[2]):
                yield "read_credentials", found.start(), found.end()
        for leaf, pattern in LEAVES:
            for found in islice(pattern.finditer(text), 20):
                yield leaf, found.start(), found.end()
    yield from powershell_leaves(text)


def embedded_texts(text: str) -> Iterator[EmbeddedText]:
    """Yield what stands in the literals of a text: each, and as commands those in a row that begin with a program."""
    pattern = _JSON_LITERAL if _JSON.match(text) else _LITERAL
    row: list[EmbeddedText] = []
    values: list[EmbeddedText] = []
    end = -1
    for count, found in enumerate(pattern.finditer(text)):
        if count >= MOST_LITERALS:
            raise LimitExceeded("more texts in code than are read")
        value = EmbeddedText(_value(found[2]), found.start(), found.end())
        if _KEY.match(text, found.end()):
            if " " in value.text.strip():
                yield value
            continue
        if row and _SUM.fullmatch(text, end, found.start()):
            row.append(value)
        else:
            yield from _summed(row)
            row = [value]
        end = found.end()
        values.append(value)
        if value.text.strip():
            yield value
    yield from _summed(row)
    yield from _in_rows(values)
    for found in islice(_OTHER_LITERAL.finditer(text), MOST_LITERALS):
        yield EmbeddedText(next(filter(None, found.group(1, 2, 3, 5, 6))), found.start(), found.end())


def _value(written: str) -> str:
    """Return what a literal says: escapes of JSON, and of other languages those by hexadecimal digits."""
    if "\\" not in written:
        return written
    hexadecimal = re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), written)
    return unescaped(hexadecimal)


def _summed(row: Sequence[EmbeddedText]) -> Iterator[EmbeddedText]:
    """Yield what literals say that are put together."""
    if len(row) > 1:
        yield EmbeddedText("".join(each.text for each in row), row[0].start, row[-1].end)


def _in_rows(values: Sequence[EmbeddedText]) -> Iterator[EmbeddedText]:
    """Yield the commands that literals are the words of: a program, and what stands behind it."""
    count = 0
    for at, value in enumerate(values):
        program = value.text[:LONGEST_PROGRAM].strip()
        if program and is_severe(program.split()[0]):
            behind = values[at + 1 : at + MOST_WORDS]
            count += 1
            if count > MOST_ROWS:
                raise LimitExceeded("more programs in code than are read")
            if behind:
                words = " ".join([program, *(shlex.quote(each.text) for each in behind)])
                yield EmbeddedText(words, value.start, behind[-1].end)


def read_arguments(arguments: str) -> object:
    """Return what the arguments of a call say: lists, and of mappings the pairs, as keys may come twice.

    JSON that is cut or unsound is what its literals say, in their order.
    """
    try:
        return json.loads(arguments, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        literals = islice(_JSON_LITERAL.finditer(arguments), MOST_LITERALS)
        return [_value(found[2]) for found in literals if not _KEY.match(arguments, found.end())]


def join_arguments(name: str, value: object) -> Iterator[str]:
    """Yield the commands that the arguments of a call are together: lists of words, a program and its arguments under keys.

    Args:
        name: of the tool, which may be a program.
        value: the arguments, decoded; of mappings the pairs, as keys may come twice.
    """
    pending: list[tuple[str, object]] = [(name, value)]
    for called, each in islice(_containers(pending), MOST_LITERALS):
        if isinstance(each, list):
            yield from _joined([word for word in each if isinstance(word, str)])
        elif isinstance(each, tuple):
            folder = next((said for key, said in each if _FOLDER.search(key) and isinstance(said, str)), "")
            enter = f"cd {shlex.quote(folder)}\n" if folder else ""
            yield from (enter + source for source in _joined_pairs(called, each, entered=bool(folder)))


def _joined_pairs(name: str, pairs: tuple[tuple[str, object], ...], *, entered: bool) -> Iterator[str]:
    """Yield the commands that a mapping is: what it says in its order, and each program with all else behind it."""
    words = [*_words(pairs)]
    yield from words if entered else ()
    yield from _joined(words)
    for at, word in enumerate(words[:MOST_WORDS]):
        before = words[:at]
        if " " in word:  # A whole command: the shell that runs it is no argument of it.
            before = [each for each in before if each not in SHELLS and not _COMMANDED.fullmatch(each)]
        others = [*words[at + 1 :], *before][:MOST_WORDS]
        if word.strip() and others and is_severe(word.split()[0]):
            yield " ".join([word, *map(shlex.quote, others)])
            if word not in SHELLS or any(each.startswith("-") and " " in each for each in others):
                yield " ".join([word, *others])
    if name and is_severe(name) and words:
        yield " ".join([name, *map(shlex.quote, words[:MOST_WORDS])])


def _containers(pending: list[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Yield each list and mapping of a value."""
    while pending:
        name, value = pending.pop()
        if isinstance(value, str) and _JSON.match(value):
            value = read_arguments(value)
        if isinstance(value, list):
            yield name, value
            pending += [("", each) for each in value if isinstance(each, list | tuple | str)]
        elif isinstance(value, tuple):
            yield name, value
            pending += [("", each) for _, each in value if isinstance(each, list | tuple | str)]


def _words(pairs: tuple[tuple[str, object], ...]) -> Iterator[str]:
    """Yield what a mapping says as words of a command: texts, those of lists, and flags that are set as options."""
    for key, value in pairs:
        if _FOLDER.search(key) or _PROSE.search(key):
            continue
        if isinstance(value, str):
            yield value
        elif value is True:
            yield f"-{key}" if len(key) == 1 else f"--{key}"
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def _joined(texts: Sequence[str]) -> Iterator[str]:
    """Yield what texts in a row are together: the words of one command, a word in pieces, or commands one behind the other."""
    if len(texts) > 1:
        some = texts[:2_000]
        yield shlex.join(some)
        yield (" " if _is_cut_at_blanks(some) else "\n").join(some)
        whole = "".join(some)
        if whole.strip() and is_severe(whole.split()[0]):
            yield whole


def _is_cut_at_blanks(words: Sequence[str]) -> bool:
    """Tell whether words are a line of a shell that was cut at its blanks: operators are words, quotes close in later ones."""
    return not any(" " in word for word in words) and any(
        word in _OPERATORS
        or word.endswith(";")
        or word.count("(") != word.count(")")
        or any(word.count(quote) % 2 for quote in "\"'`")
        for word in words
    )
