"""Words of other products' policies, and of everyday speech, with what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

T = TypeVar("T")


def _each(words: str, meaning: T) -> dict[str, T]:
    """Return a table in which each of some words, with blanks between, has one meaning."""
    return dict.fromkeys(words.split(), meaning)


BOOLEANS: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
"""Words that older YAML took for true and false."""

BLOCKED: Final = (
    "deny reject refuse stop drop forbid ban prevent disallow block_all fail error exception "
    "ablehnen blockieren bloquear bloquer"
)
REPLACED: Final = "mask anonymize anonymise remove replace hide censor scrub filter substitute"
RECORDED: Final = (
    "warn warning log monitor alert record audit annotate notify report review escalate human ask"
)
PASSED: Final = "allow pass permit accept ignore skip continue none ok open safe"

ACTIONS: Final[Mapping[str, str]] = {
    **_each(BLOCKED, "block"),
    **_each(REPLACED, "redact"),
    **_each(RECORDED, "flag"),
    **_each(PASSED, "allow"),
}
"""A word for an action → the action."""

ASKED: Final = (
    "prompt request user question user_input in inbound incoming pre_call before human "
    "eingabe entrada entrée anfrage yes"
)
ANSWERED: Final = (
    "response reply answer assistant bot completion out outbound outgoing post_call after model llm "
    "ausgabe salida sortie antwort"
)
VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "then": _each(
        PASSED,
        "what no rule is for passes anyway; to let something past a rule, write it under 'exceptions:', such as "
        "- {id: acme, matches: [acme], reason: our name}, or narrow the rule's condition",
    ),
    "on": {
        **_each(ASKED, "write on: input"),
        **_each(ANSWERED, "write on: output"),
        **_each("both all any everything *", "write on: [input, output]"),
        **_each("document context rag source", "write on: retrieval"),
        **_each(
            "image images picture pictures video audio media",
            "pictures and sounds stand at the same stages as texts: write on: [input, output]",
        ),
        **_each("tool tools function function_call", "write on: tool_call, or on: tool_result"),
    },
    "mode": {
        **_each(
            "monitor audit log off test dry-run dry_run warn silent disabled inactive draft",
            "write mode: shadow",
        ),
        **_each("on active enforced live block", "write mode: enforce"),
    },
    "severity": {
        **_each("error severe major hoch alta alto", "write severity: high"),
        **_each("urgent fatal highest blocker kritisch", "write severity: critical"),
        **_each("warning warn moderate normal mittel media", "write severity: medium"),
        **_each("info informational minor note niedrig baja", "write severity: low"),
    },
    "scope": _each("all session chat thread history", "write scope: conversation"),
    "history": _each(
        "keep allow ignore pass delete drop",
        "write history: remove, so that the chat goes on without the earlier turn",
    ),
    "case": {
        **_each("sensitive match strict", "write case: exact"),
        **_each("insensitive any none", "write case: ignore"),
    },
    "with": {
        **_each("* ** *** **** xxx stars asterisks star", "write with: mask"),
        **_each("[redacted] redacted label type category", "write with: placeholder"),
    },
}
"""A field → words that people write there → what to write."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    **_each("rule rule_id", ("rules", "id")),
    **_each("action actions do effect outcome", ("then",)),
    **_each("if condition conditions expression expr", ("when",)),
    **_each("name title", ("id",)),
    **_each("stage stages applies_to direction phase", ("on",)),
    **_each("type kind engine", ("use",)),
    **_each("words keywords phrases blocklist denylist blacklist substrings", ("terms", "matches")),
    **_each("regex regexes pattern regexp", ("patterns",)),
    **_each("case_sensitive ignore_case case_insensitive", ("case",)),
    **_each("kinds types entity entity_types", ("entities",)),
    **_each("topics denied_topics banned_topics", ("deny",)),
    **_each("skip xfail pending disabled", ("todo",)),
    **_each("allow allowed texts text match terms", ("matches",)),
    **_each("why comment justification", ("reason",)),
    **_each("until expiry valid_until expires_at expires_on", ("expires",)),
    **_each("inherits inherit import imports include includes parent parents", ("extends",)),
    **_each("response reply refusal error_message fix_message", ("message",)),
    **_each("priority level risk", ("severity",)),
    **_each("labels label", ("tags",)),
    **_each("replace replacement replace_with placeholder", ("with",)),
}
"""What a field is called elsewhere → what it is called here, by the kind of mapping."""

KINDS: Final[Mapping[str, str]] = {
    **_each(
        "keyword keywords words word wordlist word_list blocklist denylist substrings ban_substrings "
        "list term",
        "terms",
    ),
    **_each("regex regexp regular_expression pattern", "patterns"),
    **_each("presidio personal_data anonymize privacy detect_pii", "pii"),
    **_each(
        "moderation toxicity toxic_language ml model ai safety prompt_injection jailbreak_detection "
        "content_safety",
        "classifier",
    ),
    **_each("topics ban_topics denied_topics competitors ban_competitors competitor_check", "topic"),
    **_each("url links malicious_urls", "urls"),
    **_each("secret credentials api_keys", "secrets"),
    **_each("llm llm_judge gpt self_check", "judge"),
    **_each("json json_schema valid_json", "format"),
    **_each("nsfw images", "image_classifier"),
    **_each("swearing swear_words profanity_free", "profanity"),
    **_each("openai azure bedrock api service", "remote"),
    **_each("llama_guard llamaguard shieldgemma", "guard_model"),
}
"""What a kind of detector is called elsewhere → its name."""

SECTIONS: Final[Mapping[str, str]] = {
    **_each(
        "rails flows scanners input_scanners output_scanners validators guards guardrails filters "
        "checks contentpolicyconfig",
        "here a detector finds and a rule acts: below 'detectors:' write safety: {use: classifier}, and below 'rules:' "
        "- {id: hate.stop, on: [input, output], when: hate >= 0.8, then: block}",
    ),
    **_each(
        "whitelist allowlist allow_list exclusions exclude ignore allow allowed",
        "what is let past the rules stands below 'exceptions:': - {id: known, matches: {list}, reason: why it is no harm}",
    ),
    **_each(
        "blacklist blocklist block_list denylist banned_words blocked_words forbidden_words words keywords",
        "a list of words is a detector: below 'detectors:' write words: {use: terms, terms: {list}, category: custom.words}, "
        "and below 'rules:' - {id: words.block, on: [input, output], when: custom.words > 0, then: block}",
    ),
    **_each(
        "actions on_fail default_action thresholds threshold",
        "each rule says what is done, and from which score on: - {id: hate.stop, on: input, when: hate >= 0.8, then: block}",
    ),
}
"""What people write at the left margin who know other products → where that belongs; `{list}` stands for their list."""
