r"""The table of patterns that tell what a line of source code looks like, by language.

Each row is the languages that it speaks for (none: code of any kind), points, and a pattern in RE2's syntax that is
searched in a single line. 3 points: hardly ever seen in prose; 1: often seen in code, now and then in prose.
"""

from __future__ import annotations

from typing import Final

LANGUAGES: Final[dict[str, tuple[str, ...]]] = {
    "python": ("py", "python3", "py3", "ipython", "pycon", "pyi"),
    "javascript": ("js", "jsx", "node", "mjs", "nodejs", "ecmascript"),
    "typescript": ("ts", "tsx"),
    "java": (),
    "c": ("h",),
    "cpp": ("c++", "cc", "cxx", "hpp"),
    "csharp": ("c#", "cs", "dotnet"),
    "go": ("golang",),
    "rust": ("rs",),
    "php": (),
    "ruby": ("rb",),
    "bash": ("sh", "shell", "zsh", "console", "shell-session", "terminal"),
    "powershell": ("ps1", "pwsh", "ps"),
    "sql": ("mysql", "postgresql", "postgres", "plsql", "sqlite", "tsql"),
    "html": ("htm", "xhtml", "vue", "svelte"),
    "css": ("scss", "sass", "less"),
    "yaml": ("yml",),
    "json": ("json5", "jsonc", "jsonl"),
    "xml": ("svg", "xsd", "xslt"),
    "dockerfile": ("docker",),
    "kotlin": ("kt", "kts"),
    "swift": (),
    "lua": (),
    "r": (),
    "perl": ("pl",),
    "scala": (),
    "makefile": ("make",),
}
"""Language → its other names in the info string of a code fence."""

PLAIN: Final = frozenset({"text", "txt", "plain", "plaintext", "markdown", "md", "output", "none"})
"""Info strings that promise no code."""

# fmt: off
_ROWS: Final[tuple[tuple[str, float, tuple[str, ...]], ...]] = (
    ("python", 3, (r"^\s*(async )?def \w+\(.*(\)( ?->.*)?:|,|\()\s*(#.*)?$",)),
    ("python", 3, (r"^\s*class \w+(\(.*\))?:\s*(#.*)?$",)),
    ("python", 2.5, (r"^\s*from [\w.]+ import [\w*(]", r"^\s*import [a-z_][\w.]*( as \w+)?(, [\w.]+)*$",)),
    ("python", 3, (r"^\s*(async )?for \w+(, ?\w+)* in [\w.\[\]\"']+(\(.*\))?:\s*(#.*)?$", r"^if __name__ ==",)),
    ("python", 2, (
        r"^\s*(if|elif|while) .*[\w)\]\"']\s*(==|!=|<|>|<=|>=|in|not in|is|is not|and|or) .*:\s*(#.*)?$",
        r"^\s*(if|elif|while) (not )?[\w.]+(\(.*\))?:\s*$",
    )),
    ("python", 2, (
        r"^\s*(try|else|finally):\s*$", r"^\s*except( [\w.(), ]+)?( as \w+)?:\s*$",
        r"^\s*with .*\(.*\)( as \w+)?:\s*$",
    )),
    ("python", 2, (
        r"^\s*print\(", r"\bself\.\w+", r"\b__[a-z]+__\b", r"\blambda( \w+(, \w+)*)?:",
        r"^\s*(raise|yield|await|assert|del) \w+[.(\[]", r"\bNone\b.*[=,)]",
    )),
    ("python", 1.5, (r"^\s*(\"\"\"|''')", r"^\s*@[a-z][\w.]+(\(.*\))?$", r'\b[rf]"[^"]*[{\\]',)),
    ("javascript typescript", 2.5, (r"^\s*(export )?(const|let|var) [\w${\[][^=]* = ",)),
    ("javascript typescript", 1.5, (
        r"=>\s*[{(\w\[]",
        r"[\w)\]] ?[!=]== ?(-?\d|[\"'(]|null|undefined|true|false|[\w.]+ ?[)&|?;])",
        r"\b(document|window|process|module)\.\w+",
        r"\bawait \w+[.(]",
    )),
    ("javascript", 3, (r"\bconsole\.(log|error|warn)\(", r"\brequire\(['\"]", r"^\s*module\.exports\b",)),
    ("javascript typescript php", 2.5, (r"\b(async )?function\s*\w*\s*\([\w\s,={}$\[\].&:]*\)(: ?\??\w+)?\s*\{?",)),
    ("javascript typescript", 3, (r"^\s*import .* from ['\"]", r"^\s*export (default|const|function|class|async|\{)",)),
    ("typescript", 3, (
        r"^\s*(export )?interface \w+( extends [\w, <>]+)? \{",
        r": (string|number|boolean|void|any|unknown)(\[\])?\s*([,;)={|]|$)", r"^\s*(export )?type \w+(<.*>)? = ",
        r": Promise<",
    )),
    ("java csharp", 2.5, (
        r"^\s*(public|private|protected) ((static|final|abstract|async|override|virtual|readonly|"
        r"sealed) )*([\w<>\[\],?]+ )?\w+\s*[({=;]",
        r"^\s*(public|private|protected|internal) .*\b(class|interface|enum|record) \w+",
    )),
    ("java", 3, (
        r"\bSystem\.(out|err)\.print", r"^\s*import (static )?(java|javax|org|com)\.[\w.*]+;", r"^package [\w.]+;",
        r"\bpublic static void main\(String", r"^\s*@(Override|Test|Autowired|Entity)\b",
    )),
    ("java csharp cpp", 1.5, (r"\bnew [A-Z]\w*(<.*>)?\(.*\)?.*;\s*$",)),
    ("c cpp", 3, (
        r'^\s*#\s*include\s*[<"][\w/.]+\.h[>"]', r"^\s*#\s*(define \w+|ifdef \w+|ifndef \w+|endif\b|pragma \w+)",
        r"\btypedef (struct|enum|unsigned)",
    )),
    ("c cpp", 2, (
        r"^\s*((static|const|extern|inline|unsigned) )*(int|char|float|double|void|long|short|bool|unsigned|size_t|"
        r"uint8_t|uint32_t|int64_t|struct [a-z_]+)[ *]+\w+(\[.*\])?\s*(=|;|\(|,)",
    )),
    ("c", 2, (
        r"\b(printf|scanf|fprintf|malloc|calloc|free|strlen|strcpy|memcpy|memset|sizeof)\(", r"\w->\w+",
        r"\bNULL\b.*[;)]",
    )),
    ("cpp", 3, (
        r"^\s*#\s*include\s*<[a-z_]+>", r"\bstd::\w+", r"\busing namespace \w+;", r"\b(cout|cerr) <<", r"\bcin >>",
        r"^\s*template\s*<", r"\bnullptr\b.*[;)]",
    )),
    ("csharp", 3, (
        r"^\s*using (static )?[A-Z][\w.]*;", r"\bConsole\.(Write|Read)", r"^namespace [\w.]+",
        r"\{ get; ((private|init|protected)? ?set; )?\}",
    )),
    ("go", 3, (
        r"^package \w+$", r"^func (\(\w+ \*?\w+\) )?\w+\(.*", r"\bfmt\.[A-Z]\w+\(", r"\berr != nil",
        r"^import (\(|\"[\w./-]+\")$",
        r"^type \w+ (struct|interface) \{", r"\bmake\((map|chan|\[\])", r"^\s*defer \w+",
    )),
    ("go", 2, (r"^\s*(for |if )?[\w, ]+ := \S",)),
    ("rust", 3, (
        r"^\s*(pub(\(\w+\))? )?(async |unsafe |const )?fn \w+(<.*>)?\(", r"\blet mut \w+",
        r"\b(println|format|vec|panic|eprintln|assert_eq|write)!\s*[(\[]", r"^\s*(pub )?use \w+(::[\w{*]+)+",
        r"#!?\[(derive|cfg|test|allow|tokio)\b", r"^\s*impl(<.*>)? \w+", r"\.unwrap\(\)", r"&mut \w+",
    )),
    ("rust", 2, (
        r"^\s*match .* \{$", r"=> .*,\s*$", r"\bSome\(\w*\)", r"\bOk\(.*\)", r"^\s*let \w+(: [\w<>&\[\]]+)? = .*;$",
    )),
    ("php", 3, (
        r"<\?php", r"\$this->\w+", r"^\s*\$\w+ = .*;\s*$", r"\$_(GET|POST|SERVER|SESSION)\[", r"^\s*foreach \(\$",
    )),
    ("php", 2, (r"^\s*echo [\"'$].*;\s*$", r"\$\w+(\[.*\])?\s*(->|=>)",)),
    ("ruby", 2.5, (
        r"^\s*def (self\.)?\w+[?!]?(\([^:]*\))?\s*$", r"\bdo \|[\w, ]+\|", r"^require(_relative)? ['\"]",
        r"^\s*attr_(accessor|reader|writer) :", r"\.each(_with_index)?( do|\s*\{)",
        r"^\s*(class [A-Z]\w*( < [A-Z][\w:]*)?|module [A-Z]\w*)$",
    )),
    ("ruby lua", 2, (r"^\s*end$",)),
    ("ruby", 1.5, (
        r"^\s*puts [\"'\w]", r"^\s*elsif \w+", r"\b\w+: :\w+", r"^\s*@\w+ (\|\|)?= ", r"^\s*(unless|if) @\w+",
        r"#\{\w+",
    )),
    ("bash", 3, (
        r"^#!\s*/(usr/)?bin/(env )?(ba|z|k|da)?sh", r"^\s*(if|elif|while|until) (!? ?\[\[? .*\]\]?).*(then|do)?$",
        r"^\s*for \w+ in .*; ?do", r"^\s*set -[euxo]+",
    )),
    ("bash", 2.5, (
        r"^\s*(\$ |# )?(sudo|apt|apt-get|cd|ls|mkdir|chmod|chown|curl|wget|grep|export|git|docker|npm|npx|pip|pip3|"
        r"kubectl|cat|rm|cp|mv|tar|ssh|scp|sed|awk|find|nmap|nc|python3?|systemctl|brew|echo|source|helm|make|cargo|"
        r"yarn) (.*\s)?(-{1,2}[a-zA-Z][\w-]*|[~.]?/[\w./-]+|\$\{?\w+|https?://\S+)(\s|=|$|;)",
        r"\s\|\s*(sudo|apt|apt-get|cd|ls|mkdir|chmod|chown|curl|wget|grep|export|git|docker|npm|npx|pip|pip3|kubectl|"
        r"cat|rm|cp|mv|tar|ssh|scp|sed|awk|find|nmap|nc|python3?|systemctl|brew|echo|source|helm|make|cargo|yarn|head|"
        r"tail|sort|xargs|wc|tee|jq|bash|sh)\b",
    )),
    ("bash", 2.5, (
        r"^\s*(\$ )?(pip3? install|npm (install|run|start|i)|git (clone|add|commit|push|pull|checkout|init)|"
        r"apt(-get)? install|docker (run|build|pull)|cargo (run|build|new)|go (run|build|get|mod)) ?\S*",
    )),
    ("bash", 2, (
        r"^\s*(fi|done|esac|then|do)\s*;?$", r"^\s*(export )?[A-Z_][A-Z0-9_]*=(\$|\"|'|\S+$)", r"\$\([a-z]+ ",
        r"^\s*\w+\(\) ?\{", r"^\s*echo [\"'$]", r"2>&1", r">/dev/null",
    )),
    ("bash", 1, (r'"\$\{?\w+\}?"',)),
    ("powershell", 3, (
        r"\b(Get|Set|New|Remove|Write|Import|Invoke|Start|Stop|Add|Test|Out|Where|ForEach|Select|Export|ConvertTo|"
        r"ConvertFrom|Copy|Move|Install)-[A-Z]\w+",
        r"^\s*\[CmdletBinding", r"\$env:\w+", r"\$PS\w+", r"\s-(eq|ne|like|notlike)\s",
    )),
    ("powershell", 1.5, (r"^\s*\$\w+ = [^;]*$", r"^\s*param\s*\(", r"\$_\.\w+",)),
    ("sql", 2.5, (
        r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (OR REPLACE )?(TABLE|VIEW|INDEX|DATABASE|FUNCTION|"
        r"PROCEDURE|TRIGGER|UNIQUE)|ALTER TABLE|DROP (TABLE|DATABASE|VIEW)|WITH \w+ AS|GRANT|TRUNCATE)\b",
    )),
    ("sql", 3, (
        r'(?i)^\s*select\s+(\*|[\w.,\s()*"]+)\s+from\s+[\w."]+(\s+\w+)?\s*(where\s.*[=<>]|join\s|limit\s+\d|'
        r"order\s+by\s|group\s+by\s|;\s*$)",
        r"\binsert\s+into\s+\w+\s*(\(|values|select)", r"^\s*update\s+\w+\s+set\s+\w+\s*=",
        r"^\s*delete\s+from\s+\w+(\s+where\s.*[=<>]|;)",
        r'^\s*(drop|alter|create)\s+table\s+(if\s+(not\s+)?exists\s+)?[\w."]+\s*[(;]', r"\bunion\s+(all\s+)?select\b",
    )),
    ("sql", 2, (
        r"^\s*(FROM|WHERE|GROUP BY|ORDER BY|(LEFT|RIGHT|INNER|OUTER|CROSS|FULL) (OUTER )?JOIN|JOIN|HAVING|LIMIT \d|"
        r"VALUES|SET \w+ =|AND \w+ (=|<|>)|UNION)\b",
        r"(?i)\b(varchar\(\d|primary key|foreign key|not null|auto_increment|references \w+\()",
    )),
    ("html", 3, (r"(?i)<!doctype html", r"<html\b", r"</(html|head|body|div|script|style|table|form)>",)),
    ("html", 2, (
        r"(?i)</?(html|head|body|div|span|p|a|ul|ol|li|table|tr|td|th|script|style|h[1-6]|img|form|input|button|meta|"
        r"link|title|section|nav|main|footer|header|label|br|select|option)(\s+[\w-]+(=(\"[^\"]*\"|'[^']*'))?)*\s*/?>",
    )),
    ("css", 2, (
        r"^\s*(--)?[a-z][a-z-]*\s*:\s*[^;{}:]*[\w)%\"'];\s*(/\*.*)?$",
        r"^\s*@(media|import|keyframes|font-face|include|mixin)\b",
        r"^\s*[.#]?[a-zA-Z][\w-]*[^{}()=;]*\{[^}]*[a-z-]+:[^}]*;?\s*\}$",
    )),
    ("css", 1.5, (r'^\s*([.#*:]?[a-zA-Z][\w-]*|\*|:root)([ ,>+~.#:\w\[\]="()-]*)\s*\{\s*$',)),
    ("yaml", 2.5, (
        r"^(apiVersion|kind|metadata|spec|services|jobs|steps|stages|on|version|image|env|volumes):( \S.*)?$",
        r"^\s+(- )?(name|image|uses|run|ports|env|value|containers|labels|command|args|path):( \S.*)?$",
    )),
    ("yaml", 0.55, (r"^\s*(- )?[a-z_][\w.-]*:( [\w\"'\[{/.$&*|>-]\S*)?$", r"^---$",)),
    ("yaml", 0.75, (r"^\s{2,}[a-z_][\w.-]*:( \S+)?$",)),
    ("json", 2.5, (
        r'^\s*"[^"]+"\s*:\s*(["\[{\d-]|true|false|null)', r'^\s*[\[{]\s*"[^"]+"\s*:', r'^\s*[\[{]\{?\s*"[^"]*"\s*:',
    )),
    ("json", 0.5, (r"^\s*[\[{]+\s*$", r"^\s*[\]}]+,?\s*$",)),
    ("xml", 3, (r"<\?xml\b", r"\bxmlns(:\w+)?=", r"<!\[CDATA\[",)),
    ("xml", 1.5, (r'^\s*<[\w:.-]+(\s+[\w:.-]+="[^"]*")*\s*/?>.*(</[\w:.-]+>)?\s*$', r"^\s*</[\w:.-]+>\s*$",)),
    ("dockerfile", 3, (
        r"^FROM [a-z][\w./-]*(:[\w.-]+)?( (AS|as) \w+)?$", r"^(ENTRYPOINT|CMD) \[", r"^(WORKDIR|COPY|ADD) \S*[./]",
        r"^RUN (apt|pip|npm|apk|yum|mkdir|go|cargo|curl|yarn|cd)", r"^EXPOSE \d", r"^(ENV|ARG|LABEL) \w+[= ]",
    )),
    ("kotlin", 3, (
        r"^\s*((override|private|suspend|open|public|inline) )*fun (<.*> )?[\w.]+\(",
        r"^\s*(data|sealed|enum) class \w+", r"^\s*(val|var) \w+(: [\w<>?]+)? = ", r"\bfun main\(",
    )),
    ("swift", 3, (
        r"^\s*((private|public|override|static|mutating|@\w+) )*func \w+(<.*>)?\(.*\)( throws)?( -> [\w\[\]?:]+)? \{",
        r"^import (UIKit|SwiftUI|Foundation|Combine)$", r"\b(guard|if) (let|var) \w+ = ",
        r"^\s*(let|var) \w+: [\w\[\]?]+( = .*[^;])?$", r"^\s*struct \w+: \w+ \{",
    )),
    ("lua", 3, (
        r"^\s*local (function )?\w+( = .*[^;]|\(.*)?$", r"^\s*(function|local function) [\w.:]+\(.*\)$",
        r"^\s*(else)?if .* then$", r"[\w\"'] \.\. [\w\"']",
    )),
    ("r", 3, (r"^\s*[\w.]+ <- \S", r"^\s*library\(\w+\)", r"%>%", r"\bc\(\d+(, ?\d+)*\)",)),
    ("perl", 3, (r"^use (strict|warnings)\b", r"\bmy [$@%(]\w*", r"^\s*sub \w+ \{", r"=~ [ms]?/",)),
    ("scala", 3, (
        r"^\s*(override |private |implicit )*def \w+(\[.*\])?(\(.*\))*(: [\w\[\]]+)? = ",
        r"^\s*(case class|object|trait) \w+", r"^\s*(val|lazy val) \w+: [\w\[\], ]+ = ",
    )),
    ("makefile", 2, (r"^\.PHONY:", r"^\t@?(\$\(\w+\)|gcc|go|python|rm|mkdir|echo)\b", r"\$\((CC|MAKE|CFLAGS)\)",)),
    ("", 1, (r"[\w)\]\"'};]\s*;\s*(//.*)?$", r"[)\w]\s*\{\s*$",)),
    ("", 0.5, (r"^\s*\}[;,)]*\s*$",)),
    # Wikis write headings between ` == `.
    ("", 1, (
        r"^\s*[a-zA-Z_][\w.\[\]\"']* [-+*/|&]?= [^=\s]", r"[\w)\]] (!=|&&|\|\|) [\w(\"'!]",
        r"[\w)\]] == (-?\d|[\"'(&]|None|null|true|false|[\w.]+(\)| [&|?{]|:))",
    )),
    ("", 1, (
        r"^\s*(return|break|continue|pass|throw)\b([^.,]*|[^.]*;)$", r"^\s*[\w.]+\([^()]*\)\s*$",
        r"^\s*\} (else|catch)\b", r"^\s*(if|for|while|switch) \(.*\) ?\{?$",
    )),
)
# fmt: on

SIGNALS: Final = tuple((languages, points, "|".join(patterns)) for languages, points, patterns in _ROWS)
"""Languages → points → pattern. In one line each signal counts once, and points of a line are capped at 3 by its reader."""
