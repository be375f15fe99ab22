"""Folders of pictures as labelled rows: the folders are the labels, and `tune` and `eval` take them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from guardrails.authoring.labels.labelled_pictures import list_labelled_pictures
from guardrails.authoring.rows import LabelCounts, count_rows, read_rows
from guardrails.cli import main
from guardrails.errors import GuardrailsError
from tests.cases import each_case
from tests.inference.media.box_networks import write_network

POLICY = """\
format: 1
name: eyes
detectors:
  d: {use: image_classifier, model: parts, boxes: auto, labels: {green: weapons}, min_score: 0.05}
rules:
  - id: weapons.block
    on: input
    when: weapons >= 0.1  # a guess
    then: block
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures whose green is how sure the model is: of weapons from 0.6 on, of others up to 0.5."""
    place = tmp_path / "pictures"
    for label, shades in (("weapons", range(155, 255, 5)), ("benign", range(0, 125, 5))):
        (place / label).mkdir(parents=True)
        for shade in shades:
            Image.new("RGB", (64, 64), (0, shade, 0)).save(place / label / f"{shade}.png")
    return place


def test_folders_are_labels(folder: Path) -> None:
    """Those right below; deeper ones keep the label, and hidden files are none."""
    (folder / "weapons" / "old").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "weapons" / "old" / "a.jpg")
    (folder / "weapons" / ".DS_Store").write_text("")
    found = {str(path.relative_to(folder)): label for path, label in list_labelled_pictures(folder)}
    assert found["weapons/old/a.jpg"] == "weapons"
    assert found["benign/5.png"] == "benign"
    counts = LabelCounts()
    assert count_rows(folder, counts) == 46
    assert counts.rows == {"weapons": 21, "benign": 25}
    [row] = [each for each in read_rows(folder) if each.content.name == "a.jpg"]
    assert (row.labels, row.stage, row.source, row.text) == (
        {"weapons": True},
        "input",
        "pictures",
        str(row.content),
    )


@each_case(
    ("file", "said"),
    [("a.png", "has no label"), ("weapons/a.txt", "no picture by its name"), (None, "no pictures")],
)
def test_what_is_no_folder_of_labelled_pictures_is_refused(
    tmp_path: Path, file: str | None, said: str
) -> None:
    """With the cure."""
    if file is not None:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("")
    with pytest.raises(GuardrailsError, match=said):
        list(list_labelled_pictures(tmp_path))


def test_a_number_is_tuned_on_pictures_and_written_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the model itself; comments of the policy stay."""
    write_network(tmp_path / "parts")
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    command = ["tune", "--policy", str(policy), "--on", str(folder), "--target", "fpr <= 1%", "--json"]
    assert main([*command, "--write"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["change"]["written"]
    [line] = [each for each in policy.read_text().splitlines() if "when:" in each]
    number = float(line.split(">=")[1].split("#")[0])
    assert 0.48 < number <= 0.61
    assert line.endswith("# a guess")


def test_what_a_policy_finds_in_pictures_is_measured(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By `eval`; a rule at another stage has nothing to say of them, unless they are said to stand there."""
    write_network(tmp_path / "parts")
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY.replace("0.1", "0.55").replace("on: input", "on: output"))
    assert main(["eval", "--policy", str(policy), "--on", str(folder), "--stage", "output", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rule = told["rules"]["weapons.block"]
    assert (rule["tp"], rule["fp"], rule["fn"], rule["tn"]) == (20, 0, 0, 25), rule
