"""The one dotted taxonomy of categories, with its names in other systems.

A parent's score is at least its children's; `unsafe` is at least any harm. Names under `pii.`, `secret.`,
`url.` and `custom.` are open: detectors and policies add leaves there. Sources of the tables: OpenAI
moderation API reference, Azure AI Content Safety harm categories, AWS Bedrock Guardrails content filters,
MLCommons AILuminate 1.0 hazard codes, Llama Guard 3 model card, OWASP Top 10 for LLM applications 2025.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

CATEGORIES: dict[str, str] = {
    "unsafe": "Any harm at all: the highest score of every category below that is a harm.",
    "toxic": "Rude, disrespectful or abusive language.",
    "hate": "Hatred against people for what they are (race, religion, gender, …).",
    "hate.threatening": "Hatred with a threat of violence.",
    "harassment": "Insults, bullying or intimidation of a person.",
    "harassment.threatening": "Harassment with a threat of violence.",
    "sexual": "Sexual content.",
    "sexual.explicit": "Explicit, such as pornography.",
    "sexual.suggestive": "Suggestive, not explicit.",
    "sexual.minors": "Sexual content about minors.",
    "violence": "Violence, its depiction or its praise.",
    "violence.graphic": "Violence in gory detail.",
    "self_harm": "Suicide, self-injury, eating disorders.",
    "self_harm.intent": "A person says that they want to harm themselves.",
    "self_harm.instructions": "Instructions for self-harm.",
    "illicit": "Advice or help for crimes and other dangerous acts.",
    "illicit.violent": "The same, with weapons or violence.",
    "weapons": "Weapons, shown or offered: no harm by themselves.",
    "drugs": "Illegal drugs and their use, shown or offered: no harm by themselves.",
    "profanity": "Swear words.",
    "privacy": "Finding out, exposing or tracking a private person.",
    "misinformation": "False claims written as if they were true.",
    "intellectual_property": "Copies of protected works, cracks of licences, counterfeits.",
    "jailbreak": "An attempt to talk a model out of its rules.",
    "injection": "Instructions smuggled into data that a model reads.",
    "prompt_leak": "The system prompt, or an attempt to get it.",
    "pii": "Personal data; its leaves name the kind, such as `pii.email`.",
    "secret": "Credentials; its leaves name the kind, such as `secret.aws_access_key`.",
    "spam": "Unwanted advertising.",
    "url": "Links, judged by list or form.",
    "command": "What commands or code would do on the machine that runs them.",
    "command.delete": "Deletes a system, a home, a drive, or what lies above the working folder.",
    "command.overwrite_disk": "Formats a disk, writes over it, or changes its partitions.",
    "command.change_permissions": "Changes the owner or the permissions of a system or a home as a whole.",
    "command.fork_bomb": "Starts itself over and over until the machine stands still.",
    "command.stop_system": "Stops or restarts the machine, or all that runs on it.",
    "command.destroy_database": "Drops a database or a table, or deletes all of its rows.",
    "command.destroy_infrastructure": "Deletes servers, clusters, namespaces, buckets, volumes or repositories.",
    "command.download_and_run": "Runs code that it loads down.",
    "command.run_encoded": "Runs code that stands in a form which hides it.",
    "command.reverse_shell": "Opens a shell to somebody else over the network.",
    "command.open_network": "Listens on the network, or opens a tunnel into it.",
    "command.read_credentials": "Reads files or stores that hold credentials.",
    "command.exfiltrate": "Sends credentials, the environment or a home over the network.",
    "command.escalate": "Gains the rights of another user, or leaves a container.",
    "command.persist": "Has itself run again: at each login, at a time, at start.",
    "command.disable_security": "Turns off a firewall, a scanner, an audit or their records.",
    "command.discard_work": "Throws away work that is not saved elsewhere, such as by a forced push.",
    "custom": "What a policy names for itself.",
}

OPEN = ("pii", "secret", "url", "custom")
"""Roots under which any leaf name is valid."""

NOT_HARM = frozenset(
    {
        *("pii", "secret", "spam", "url", "command", "custom"),
        *("privacy", "misinformation", "intellectual_property", "weapons", "drugs"),
    }
)
"""Roots that do not count towards `unsafe`. What a request of the last five would do is for a policy to say; those that would
do harm are found as `unsafe` or `illicit` as well.
"""

NOT_DEPICTED = frozenset(
    {"pii", "secret", "url", "command", "custom", "spam", "jailbreak", "injection", "prompt_leak"}
)
"""Roots of what a text is or does, whatever it is about. All others are of what it shows or tells, or wants to have shown."""
VISIBLE: dict[str, str] = {
    "sexual.explicit": "nudity and sexual acts",
    "sexual.suggestive": "suggestive poses",
    "sexual.minors": "minors",
    "violence.graphic": "gore",
    "weapons": "weapons",
    "hate": "hate symbols",
    "self_harm": "self-harm",
    "drugs": "drugs",
}
"""What a picture can show that policies are about: category → what it is in a picture."""

SEEN_WITH: dict[str, str] = {
    "sexual.explicit": "sexual",
    "sexual.suggestive": "sexual",
    "violence.graphic": "violence",
}
"""Category of `VISIBLE` → the coarser one by which a detector judges it too. A model of `sexual` tells no ages, though."""

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*")

OPENAI: dict[str, str] = {
    "harassment": "harassment",
    "harassment/threatening": "harassment.threatening",
    "hate": "hate",
    "hate/threatening": "hate.threatening",
    "illicit": "illicit",
    "illicit/violent": "illicit.violent",
    "self-harm": "self_harm",
    "self-harm/intent": "self_harm.intent",
    "self-harm/instructions": "self_harm.instructions",
    "sexual": "sexual",
    "sexual/minors": "sexual.minors",
    "violence": "violence",
    "violence/graphic": "violence.graphic",
}
AZURE: dict[str, str] = {
    "Hate": "hate",
    "SelfHarm": "self_harm",
    "Sexual": "sexual",
    "Violence": "violence",
}
BEDROCK: dict[str, str] = {
    "HATE": "hate",
    "INSULTS": "harassment",
    "SEXUAL": "sexual",
    "VIOLENCE": "violence",
    "MISCONDUCT": "illicit",
    "PROMPT_ATTACK": "jailbreak",
}
MLCOMMONS: dict[str, str] = {
    "vcr": "violence",
    "ncr": "illicit",
    "src": "sexual",
    "cse": "sexual.minors",
    "ssh": "self_harm",
    "iwp": "illicit.violent",
    "hte": "hate",
    "sxc_prn": "sexual",
    "prv": "pii",
    "ip": "intellectual_property",
}
LLAMA_GUARD: dict[str, str] = {
    "S1": "violence",
    "S2": "illicit",
    "S3": "sexual",
    "S4": "sexual.minors",
    "S7": "pii",
    "S8": "intellectual_property",
    "S9": "illicit.violent",
    "S10": "hate",
    "S11": "self_harm",
    "S12": "sexual",
}
OWASP: dict[str, str] = {
    "llm01": "injection",
    "llm02": "pii",
    "llm07": "prompt_leak",
    "llm09": "misinformation",
}


SYNONYMS: dict[str, str] = {
    "hate_speech": "hate", "hateful": "hate", "identity_attack": "hate", "identity_hate": "hate", "hass": "hate", "odio": "hate",
    "toxicity": "toxic", "severe_toxicity": "toxic", "severe_toxic": "toxic", "offensive": "toxic", "abusive": "toxic",
    "insult": "harassment", "bullying": "harassment", "threat": "harassment.threatening", "obscene": "profanity",
    "profane": "profanity", "swearing": "profanity", "nsfw": "sexual", "porn": "sexual", "sexually_explicit": "sexual",
    "violent": "violence", "gore": "violence.graphic", "suicide": "self_harm", "selfharm": "self_harm", "csam": "sexual.minors",
    "insults": "harassment", "hatespeech": "hate", "weapon": "weapons", "gun": "weapons", "drug": "drugs",
    "prompt_injection": "injection", "attack": "injection", "prompt_attack": "jailbreak", "crime": "illicit",
}  # fmt: skip
"""What people, data and other products call a category."""


def plain_name(name: str) -> str:
    """Return a name without regard to case, and with one form of what stands between its words."""
    return re.sub(r"[\s\-/]+", "_", name.strip().strip("\"'“”").casefold())


@cache
def find_meant(name: str) -> str | None:
    """Return the category that a name from elsewhere means, None where it means none."""
    for table in (OPENAI, AZURE, BEDROCK, LLAMA_GUARD):
        if name in table:
            return table[name]
    plain = plain_name(name)
    dotted = [f"{plain[:at]}.{plain[at + 1 :]}" for at, char in enumerate(plain) if char == "_"]
    found = next((each for each in (plain, *dotted) if is_valid(each)), None)
    return SYNONYMS.get(plain) if found is None else found


def is_valid(category: str) -> bool:
    """Tell whether the name is of the taxonomy, or a leaf under one of its open roots."""
    if not NAME.fullmatch(category):
        return False
    return category in CATEGORIES or category.split(".", 1)[0] in OPEN


def find_not_seen(judged: Collection[str]) -> tuple[str, ...]:
    """Return what a picture can show and detectors that judge these categories in pictures do not look for."""
    return tuple(each for each in VISIBLE if each not in judged and SEEN_WITH.get(each) not in judged)


def describe_not_seen(categories: Collection[str]) -> str:
    """Return categories of `VISIBLE` with what they are in pictures, for people: `violence.graphic (gore), weapons`."""
    shown = ((each, VISIBLE.get(each, each)) for each in categories)
    return ", ".join(
        each if each in (words, words.replace("-", "_")) else f"{each} ({words})" for each, words in shown
    )


def is_harm(category: str) -> bool:
    """Tell whether the category counts towards `unsafe`."""
    return category.split(".", 1)[0] not in NOT_HARM


def is_depicted(category: str) -> bool:
    """Tell whether the category is of what a text shows or tells, which a list of what is not to be seen may name freely."""
    return category.split(".", 1)[0] not in NOT_DEPICTED


@cache
def with_ancestors(category: str) -> tuple[str, ...]:
    """Return the category and every name that is worth at least as much: its parents, and `unsafe` for a harm."""
    parts = category.split(".")
    names = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    if is_harm(category) and "unsafe" not in names:
        names.append("unsafe")
    return tuple(names)
