"""What others print of themselves and of each other on the public sets of `detection.py`; nothing here was run by us.

These figures are quoted from memory and have not been checked against the papers yet: read them as orders of magnitude.

Prompts alone. On sets without harmless texts F1 is 2 r / (1 + r) of the recall r. Llama Guard 4, Qwen3Guard, ShieldGemma and
detoxify print other sets, or means over sets, and so have no row.
"""

from __future__ import annotations

COLUMNS = (
    *("openai_moderation f1", "toxicchat f1", "simplesafetytests f1", "harmbench f1"),
    *("notinject fpr", "hatecheck accuracy"),
)
WILDGUARD = "arXiv:2406.18495"
PIGUARD = "arXiv:2410.22770"
FIGURES: dict[str, tuple[tuple[str, ...], str]] = {
    "OpenAI moderation API": ((".790", ".254", ".630", ".096", "", ""), WILDGUARD),
    "Llama Guard 7B": ((".758", ".616", ".930", ".672", "", ""), WILDGUARD),
    "Llama Guard 2 8B": ((".761", ".471", ".958", ".940", "", ""), WILDGUARD),
    "Aegis Guard D 7B": ((".675", ".700", "1.000", ".777", "", ""), WILDGUARD),
    "WildGuard 7B": ((".721", ".708", ".995", ".989", "", ""), WILDGUARD),
    "Llama Guard 3 8B": ((".797", ".531", ".995", ".989", "", ""), "arXiv:2501.18492"),
    "ProtectAI deberta v2": (("", "", "", "", ".434", ""), PIGUARD),
    "Prompt Guard 86M (v1)": (("", "", "", "", ".991", ""), PIGUARD),
    "PIGuard": (("", "", "", "", ".127", ""), PIGUARD),
    "Perspective API": (("", "", "", "", "", ".766"), "arXiv:2012.15606"),
}
"""Model → its figures in the order of the columns, and the paper that prints them."""


def rows() -> list[dict[str, object]]:
    """Return the rows of the table."""
    return [
        {"by others": name, **dict(zip(COLUMNS, figures, strict=True)), "source": source}
        for name, (figures, source) in FIGURES.items()
    ]
