"""What others print of themselves and of each other on the public sets of `detection.py`; none run by us.

Every figure was compared with the table named beside it; none is from memory. The tables were read here:
- WildGuard's and ShieldGemma's papers: copies of their text in public repositories, not the PDF;
- GuardReasoner's: the image in its repository (`assets/prompt.png`), which repeats WildGuard's figures;
- Qwen3Guard's: the PDF in its repository;
- PIGuard's: the image in its repository (`assets/Results.png`, 2025-08). It prints the accuracy on NotInject,
  of which the false positives are the rest; the table of 2024-10, under the name of InjecGuard, leads to .434
  for ProtectAI, .991 for Prompt Guard, .947 for deepset and .944 for fmops;
- HateCheck's: the output that its authors' notebook 4 keeps, not the paper;
- GuardBench's: `docs/leaderboard.md` in its repository.

Prompts alone. WildGuard states the sizes of the sets we use (1,680 of OpenAI moderation, the 2,853 of
ToxicChat that people labelled, 100 SimpleSafetyTests, 239 of HarmBench), GuardReasoner's repository holds the
same, and Qwen3Guard says that it follows WildGuard; ShieldGemma states none. GuardBench takes all of
ToxicChat's test and 320 of HarmBench, so those figures stay out. On sets without harmless texts F1 is
2 r / (1 + r) of the recall r: detoxify's on SimpleSafetyTests is computed so from the recall printed.

Sources differ on one and the same model: Meta's card has .807 for Llama Guard 2 on OpenAI moderation,
WildGuard .761. "Best threshold" is the one best on the test set itself. Qwen3Guard's "strict" counts its
middle class as unsafe, "loose" as safe. Not found, so no rows: Prompt Guard 2 on NotInject, Llama Guard or
detoxify on HateCheck.
"""

from __future__ import annotations

COLUMNS = (
    *("openai_moderation f1", "toxicchat f1", "simplesafetytests f1", "harmbench f1"),
    *("notinject fpr", "hatecheck accuracy"),
)
WILDGUARD = "arXiv:2406.18495, table 3"
SHIELDGEMMA = "arXiv:2407.21772, table 1"
GUARDREASONER = "arXiv:2501.18492, table 1"
QWEN = "arXiv:2510.14276, table 2"
QWEN_STREAM = "arXiv:2510.14276, table 11"
GUARDBENCH = "github AmenRa/GuardBench"
PIGUARD = "github leolee99/PIGuard"
HATECHECK = "github paul-rottger/hatecheck-experiments"
FIGURES: dict[str, tuple[tuple[str, ...], str]] = {
    "OpenAI moderation API (2024)": ((".790", ".254", ".630", ".096", "", ""), WILDGUARD),
    "GPT-4, prompted": ((".705", ".683", "1.000", "1.000", "", ""), WILDGUARD),
    "Llama Guard 7B": ((".758", ".616", ".930", ".672", "", ""), WILDGUARD),
    "Llama Guard 2 8B": ((".761", ".471", ".958", ".940", "", ""), WILDGUARD),
    "Aegis Guard D 7B": ((".675", ".700", "1.000", ".777", "", ""), WILDGUARD),
    "Aegis Guard P 7B": ((".747", ".730", ".990", ".705", "", ""), WILDGUARD),
    "WildGuard 7B": ((".721", ".708", ".995", ".989", "", ""), WILDGUARD),
    "Llama Guard 3 8B": ((".797", ".531", ".995", ".989", "", ""), GUARDREASONER),
    "ShieldGemma 2B": ((".139", ".069", ".058", ".118", "", ""), GUARDREASONER),
    "ShieldGemma 9B": ((".786", ".679", ".919", ".680", "", ""), GUARDREASONER),
    "ShieldGemma 2B, best threshold": ((".812", ".704", "", "", "", ""), SHIELDGEMMA),
    "ShieldGemma 9B, best threshold": ((".821", ".694", "", "", "", ""), SHIELDGEMMA),
    "ShieldGemma 27B, best threshold": ((".805", ".729", "", "", "", ""), SHIELDGEMMA),
    "GuardReasoner 1B": ((".701", ".724", ".990", ".963", "", ""), GUARDREASONER),
    "GuardReasoner 3B": ((".719", ".782", "1.000", ".891", "", ""), GUARDREASONER),
    "GuardReasoner 8B": ((".720", ".788", ".995", ".919", "", ""), GUARDREASONER),
    "Llama Guard 4 12B": ((".735", ".513", ".980", ".972", "", ""), QWEN),
    "NemoGuard 8B": ((".810", ".756", ".985", ".752", "", ""), QWEN),
    "PolyGuard Qwen 7B": ((".741", ".715", "1.000", ".987", "", ""), QWEN),
    "Qwen3Guard Gen 0.6B, strict": ((".665", ".651", ".990", ".987", "", ""), QWEN),
    "Qwen3Guard Gen 0.6B, loose": ((".776", ".777", ".958", ".961", "", ""), QWEN),
    "Qwen3Guard Gen 4B, strict": ((".683", ".695", ".995", "1.000", "", ""), QWEN),
    "Qwen3Guard Gen 4B, loose": ((".807", ".828", ".974", ".992", "", ""), QWEN),
    "Qwen3Guard Gen 8B, strict": ((".688", ".689", ".995", "1.000", "", ""), QWEN),
    "Qwen3Guard Gen 8B, loose": ((".813", ".828", ".974", ".985", "", ""), QWEN),
    "Qwen3Guard Stream 0.6B, strict": ((".683", ".720", ".980", ".972", "", ""), QWEN_STREAM),
    "Qwen3Guard Stream 0.6B, loose": ((".760", ".755", ".969", ".968", "", ""), QWEN_STREAM),
    "detoxify original": ((".646", "", ".291", "", "", ""), GUARDBENCH),
    "detoxify unbiased": ((".672", "", ".438", "", "", ""), GUARDBENCH),
    "detoxify multilingual": ((".688", "", ".438", "", "", ""), GUARDBENCH),
    "fmops distilbert": (("", "", "", "", ".717", ""), PIGUARD),
    "deepset deberta": (("", "", "", "", ".705", ""), PIGUARD),
    "ProtectAI deberta v2": (("", "", "", "", ".428", ""), PIGUARD),
    "Prompt Guard 86M (v1)": (("", "", "", "", ".997", ""), PIGUARD),
    "Lakera Guard (2024)": (("", "", "", "", ".124", ""), PIGUARD),
    "GPT-4o, prompted": (("", "", "", "", ".133", ""), PIGUARD),
    "PIGuard": (("", "", "", "", ".127", ""), PIGUARD),
    "Perspective API (2020)": (("", "", "", "", "", ".766"), HATECHECK),
    "SiftNinja (2020)": (("", "", "", "", "", ".332"), HATECHECK),
    "BERT, Davidson et al.'s data": (("", "", "", "", "", ".632"), HATECHECK),
    "BERT, Founta et al.'s data": (("", "", "", "", "", ".602"), HATECHECK),
}
"""Model → its figures in the order of the columns, and the table that prints them."""


def rows() -> list[dict[str, object]]:
    """Return the rows of the table."""
    return [
        {"by others": name, **dict(zip(COLUMNS, figures, strict=True)), "source": source}
        for name, (figures, source) in FIGURES.items()
    ]
