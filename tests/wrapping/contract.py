"""The contract matrix over wrapped clients: the rows of the proxy's, sent through a released SDK with a guard around it.

What becomes of a text is told as the proxy's tests tell it, so that the page of the proxy holds here too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai

from guardrails import BackendError, Blocked, Guard, RequestError, Stage, Verdict
from tests.proxy.conftest import Answer, Fake
from tests.proxy.contract import NAMED, POLICY, Row, Tables, World, allowed
from tests.proxy.contract_chat import CHAT
from tests.proxy.contract_completions import COMPLETIONS
from tests.proxy.contract_embeddings import EMBEDDINGS
from tests.proxy.contract_images import GENERATIONS
from tests.proxy.contract_messages import COUNT, MESSAGES
from tests.proxy.contract_responses import RESPONSES

ROOT = "/v1"


def _ending(answer: Answer) -> str:
    """Tell how a stream of pictures ended, whatever its error says: a client gets the model's own."""
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    error = answer.frames[-1].get("error") if streamed and answer.frames else None
    return "" if error is None else "error"


APIS = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, COUNT, EMBEDDINGS, replace(GENERATIONS, ending=_ending))
"""The APIs whose rows are sent: those of JSON that a released SDK has."""


class WrappedWorld(World):
    """An upstream, and two wrapped clients before it: what nobody can judge is named by one, and has its default at the other."""

    def __init__(self, fake: Fake, named: Guard, default: Guard) -> None:
        super().__init__(fake, "", "")
        self._verdicts: list[Verdict] = []
        self._clients = [self._wrapped(guard) for guard in (named, default)]

    def _wrapped(self, guard: Guard) -> tuple[Any, Any]:
        """Return wrapped clients of OpenAI's and Anthropic's, of a guard whose verdicts are put on record."""
        made = guard.verdict

        def record(*given: Any, **more: Any) -> Verdict:
            self._verdicts.append(made(*given, **more))
            return self._verdicts[-1]

        guard.verdict = record  # type: ignore[method-assign]
        openais = openai.OpenAI(base_url=self.fake.url + ROOT, api_key="k", max_retries=0)
        anthropics = anthropic.Anthropic(base_url=self.fake.url, api_key="k", max_retries=0)
        return guard.wrap(openais, on_block="answer"), guard.wrap(anthropics, on_block="answer")

    def send(self, path: str, body: Any, *, default: bool = False) -> Answer:
        """Make a call; what is raised is told as the proxy would answer it, and a verdict by its headers."""
        self._verdicts.clear()
        status, raw, kind = 200, b"{}", "application/json"
        try:
            got = self._post(path, body, self._clients[default])
            raw, kind = got.read(), got.headers["content-type"]
        except Blocked as error:
            # In place of an answer without a way to refuse: a bad gateway at the proxy, but for pictures.
            status = 400 if error.verdict.stage is Stage.INPUT or "/images/" in path else 502
            self._verdicts.append(error.verdict)
        except RequestError:
            return Answer(400, {}, raw)
        except BackendError:
            status = 502
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            status, raw = error.status_code, error.response.read()
        strongest = max((verdict.action for verdict in self._verdicts), default=None)
        rules = {rule.id for verdict in self._verdicts for rule in verdict.rules}
        told = {} if strongest is None else {"x-guardrails-action": str(strongest)}
        return Answer(
            status, {"content-type": kind, "x-guardrails-rules": ",".join(sorted(rules)), **told}, raw
        )

    @staticmethod
    def _post(path: str, body: Any, clients: tuple[Any, Any]) -> Any:
        """Return the response to a call by the client whose API is at a path."""
        openais, anthropics = clients
        if path.startswith("/v1/messages"):
            return anthropics.post(path, body=body, cast_to=httpx2.Response)
        return openais.post(path.removeprefix(ROOT), body=body, cast_to=httpx2.Response)

    def close(self) -> None:
        """Close the clients."""
        for client in (each for pair in self._clients for each in pair):
            client.close()


@contextmanager
def wrapped_world(fake: Fake) -> Iterator[WrappedWorld]:
    """Serve."""
    with tempfile.TemporaryDirectory() as folder:
        guards = []
        for name, policy in (("named", POLICY + NAMED), ("default", POLICY)):
            path = Path(folder) / f"{name}.yaml"
            path.write_text(policy)
            guards.append(Guard.load(path))
    made = WrappedWorld(fake, *guards)
    yield made
    made.close()


DIFFERENT: Mapping[str, str] = {
    "field moderation": "the proxy fulfils it, and refuses what it does not know; a client's is the model server's",
    "upstream's error, unknown field": "the proxy passes four fields of an error; an SDK's error has all that was judged",
    "streams only: an error": "the proxy writes an error of its own; a client gets the model's, judged",
    "streams only: the name of an event": "the proxy drops a name that is in no data; a client's stream ends",
    "streams only: a type": "the same",
    "part name of a type": "the same, where the type of a part is the name of an event",
}
"""Place → why a wrapped client does otherwise there than the proxy. It is allowed all the same."""


def check_row(world: WrappedWorld, expected: Tables, row: Row) -> None:
    """Assert that each cell of a row is allowed, and that the proxy's page has the row as it was found, but for `DIFFERENT`."""
    title, place, find = row
    cells = find(world)
    wrong = {column: cell for column, cell in cells.items() if not allowed(place, column, cell)}
    assert not wrong
    page = expected[title][place]
    assert cells == {column: page[column] for column in cells} or place in DIFFERENT
