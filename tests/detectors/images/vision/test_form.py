"""What forms of vision models share."""

from __future__ import annotations

from guardrails import taxonomy
from guardrails.detectors.images.vision import VISION_FORMS
from guardrails.detectors.images.vision.form import show_picture


def test_a_picture_stands_before_what_is_said_of_it() -> None:
    """As the chat templates have it."""
    message = show_picture("data:x", "a policy")
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:x"}},
        {"type": "text", "text": "a policy"},
    ]
    assert len(show_picture("data:x")["content"]) == 1


def test_each_form_shows_the_picture_in_each_question() -> None:
    """Once, and its labels are categories."""
    for form in VISION_FORMS.values():
        policies = {"weapons": "No weapons."} if form.policies == "all" else {}
        wanted = [*form.labels, *policies]
        questions = form.questions("data:x", [label for label in wanted if label != "unsafe"], policies)
        assert questions
        for question in questions:
            assert str(question.messages).count("data:x") == 1
        assert all(taxonomy.is_valid(each) for told in form.labels.values() for each in told)
