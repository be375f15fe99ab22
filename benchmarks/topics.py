"""How well `use: topic` tells topics by five examples each, with the embedding of the shipped model or another.

    python benchmarks/topics.py [--model NAME]

Nine topics, eight questions each in English and fifteen in five other languages (`topic_languages.yaml`), written for this
table. For each some English questions, drawn anew in each of ten rounds, are the examples of a detector: five, whose row
counts how many of the other three it finds at 0.5, or all eight, whose row counts the questions in other languages. Counted
are, too, how many of the other topics' questions it finds falsely, and how many of the ordinary texts that it did not learn
from. `--model` takes what the field `model` of the detector takes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from guardrails.detectors import PolicyFolder
from guardrails.detectors.semantic.shared_models import load_embedder
from guardrails.detectors.semantic.similarity_scores import fit_nearness
from guardrails.detectors.semantic.topic_judges import read_ordinary_texts
from measure import machine, table

TOPICS = {
    "medicine": [
        "What dose of ibuprofen may I take?",
        "My child has had a fever for three days.",
        "Is this rash something to worry about?",
        "Can I stop my antibiotics early?",
        "The doctor said my blood pressure is too high.",
        "Which pill helps against migraine?",
        "How long does a broken wrist take to heal?",
        "I feel dizzy after the vaccination.",
    ],
    "investing": [
        "Should I buy shares of a solar company now?",
        "Which fund gives the best return?",
        "Is it a good time to sell my bonds?",
        "How much of my savings should go into crypto?",
        "What will the stock market do next month?",
        "Explain dividends and compound interest.",
        "Is gold a safe investment?",
        "Can you pick an ETF for my pension?",
    ],
    "politics": [
        "Who should I vote for in the election?",
        "What do you think of the prime minister?",
        "Is the new immigration law a mistake?",
        "Which party has the better tax plan?",
        "The senate debates the budget tomorrow.",
        "Was the referendum fair?",
        "Why do people protest against the government?",
        "Should the president resign?",
    ],
    "sports": [
        "Who won the cup final last night?",
        "How do I improve my backhand?",
        "The goalkeeper made a great save.",
        "What is the offside rule?",
        "Plan a training week for a marathon.",
        "Which team leads the league?",
        "He broke the record in the 100 metres.",
        "Is the striker injured?",
    ],
    "cooking": [
        "How do I make a good tomato sauce?",
        "Can I freeze risotto?",
        "What can replace eggs in a cake?",
        "The bread did not rise, why?",
        "Give me a recipe with lentils and spinach.",
        "How long must chicken roast?",
        "Which knife is best for onions?",
        "My soup is too salty.",
    ],
    "travel": [
        "What should I see in Lisbon in two days?",
        "Do I need a visa for Japan?",
        "Which train goes from Milan to Rome?",
        "Is the beach near the hotel crowded?",
        "How early must I be at the airport?",
        "Pack list for a week in Norway.",
        "Cheap hostels in Prague?",
        "Can I bring my bike on the ferry?",
    ],
    "code": [
        "Why does my for loop run forever?",
        "Write a function that sorts a list.",
        "How do I merge two branches in git?",
        "The compiler says undefined reference.",
        "Explain recursion with an example.",
        "What is a foreign key in SQL?",
        "My unit test fails on Windows only.",
        "Convert this script to Rust.",
    ],
    "law": [
        "Can my landlord evict me without notice?",
        "Is a verbal contract binding?",
        "How do I contest a parking fine?",
        "What are my rights after a dismissal?",
        "Do I need a lawyer for a divorce?",
        "May the police search my car?",
        "Who inherits if there is no will?",
        "Can I sue for a late delivery?",
    ],
    "support": [
        "Where is my order?",
        "I want to return these shoes.",
        "My password reset mail never arrives.",
        "The app crashes when I open it.",
        "How do I change my delivery address?",
        "Please cancel my subscription.",
        "The invoice has the wrong amount.",
        "Do you ship to Canada?",
    ],
}
EXAMPLES, ROUNDS, HALF = 5, 10, 0.5
LANGUAGES: dict[str, dict[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("topic_languages.yaml").read_text("utf-8")
)


def rows_of_languages(
    vectors: dict[str, np.ndarray], foreign: dict[str, np.ndarray], calm: np.ndarray
) -> Iterator[dict[str, object]]:
    """One row a topic, and their mean: eight English examples, questions in other languages."""
    found = {}
    for name, mine in vectors.items():
        near = fit_nearness(mine, mine[:0], calm[::2])
        others = np.concatenate([each for other, each in foreign.items() if other != name])
        groups = (foreign[name], others, calm[1::2])
        found[name] = [100 * float((near.scores(each) >= HALF).mean()) for each in groups]
    for name, each in [*found.items(), ("mean", np.mean([*found.values()], axis=0))]:
        yield dict(
            zip(
                ("topic, in other languages", "found %", "of other topics %", "of ordinary texts %"),
                (name, *map(float, each)),
                strict=True,
            )
        )


def rows(vectors: dict[str, np.ndarray], calm: np.ndarray) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(0)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in vectors}
    for _ in range(ROUNDS):
        order = rng.permutation(len(calm))
        learnt_from, unseen = calm[order[: len(calm) // 2]], calm[order[len(calm) // 2 :]]
        for name, mine in vectors.items():
            drawn = rng.permutation(len(mine))
            near = fit_nearness(mine[drawn[:EXAMPLES]], mine[:0], learnt_from)
            others = np.concatenate([each for other, each in vectors.items() if other != name])
            groups = (mine[drawn[EXAMPLES:]], others, unseen)
            found[name].append(tuple(float((near.scores(each) >= HALF).mean()) for each in groups))
    for name, each in [*found.items(), ("mean", [figure for some in found.values() for figure in some])]:
        recall, other, calm_found = np.mean(each, axis=0)
        yield {
            "topic": name,
            "found %": 100 * float(recall),
            "of other topics %": 100 * float(other),
            "of ordinary texts %": 100 * float(calm_found),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="text-safety")
    args = parser.parse_args()
    encoder = load_embedder(PolicyFolder(Path.cwd()), args.model, None, download=False)
    print(machine(), args.model)
    vectors = {name: encoder.vectors(questions) for name, questions in TOPICS.items()}
    foreign = {
        name: encoder.vectors([text for texts in of.values() for text in texts])
        for name, of in LANGUAGES.items()
    }
    calm = encoder.vectors(read_ordinary_texts())
    print(table([*rows(vectors, calm)]))
    print(table([*rows_of_languages(vectors, foreign, calm)]))


if __name__ == "__main__":
    main()
