"""The dependency for FastAPI: a model of pydantic is judged before the function runs, and comes in its type."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel

from guardrails.testing import FakeGuard


class Order(BaseModel):
    """A body."""

    item: str
    notes: list[str] = []
    count: int = 1


@pytest.fixture
def client() -> TestClient:
    """An application with a guarded body and a guarded parameter."""
    guard = FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"], message="Not that.")
    app = FastAPI()

    @app.post("/orders")
    def order(order: Annotated[Order, Depends(guard.fastapi(Order))]) -> dict[str, object]:
        assert isinstance(order, Order)
        return {"ordered": order.model_dump()}

    @app.get("/search")
    def search(q: Annotated[str, Depends(guard.fastapi(Annotated[str, Query(alias="q")]))]) -> str:
        return q

    return TestClient(app)


def test_a_body_is_judged_in_its_type(client: TestClient) -> None:
    """What is redacted the function has redacted; what is blocked it never sees."""
    made = client.post("/orders", json={"item": "tea", "notes": ["for zqxmask"], "count": 2})
    assert made.json()["ordered"] == {"item": "tea", "notes": ["for [REDACT]"], "count": 2}
    stopped = client.post("/orders", json={"item": "tea", "notes": ["a zqxbomb"]})
    assert stopped.status_code == 400
    detail = stopped.json()["detail"]
    assert (detail["code"], detail["message"], detail["rules"]) == (
        "content_filter",
        "Not that.",
        ["fake.block"],
    )
    assert "zqxbomb" not in stopped.text
    assert client.post("/orders", json={"count": "none"}).status_code == 422


def test_a_parameter_is_judged(client: TestClient) -> None:
    """By its own name."""
    assert client.get("/search", params={"q": "tea"}).json() == "tea"
    assert client.get("/search", params={"q": "zqxbomb"}).status_code == 400


def test_the_document_of_the_application_has_the_body(client: TestClient) -> None:
    """As without a guard."""
    schema = client.get("/openapi.json").json()
    body = schema["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Order"}


def test_a_guard_that_fails_is_the_server_s_fault() -> None:
    """The function does not run, and nothing of the failure is told."""

    class Broken(FakeGuard):
        async def acheck(self, *args: Any, **options: Any) -> Any:
            raise ValueError("secret")

    app = FastAPI()

    @app.post("/orders")
    def order(order: Annotated[Order, Depends(Broken().fastapi(Order))]) -> str:
        raise AssertionError

    failed = TestClient(app).post("/orders", json={"item": "tea"})
    assert (failed.status_code, failed.json()["detail"]["code"]) == (503, "guard_failed")
    assert "secret" not in failed.text
