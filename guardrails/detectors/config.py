"""The shape that every block of a policy shares: declared fields only, strict types, immutable once read."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from guardrails.detectors.field_docs import read_field_docs


def make_item_snippets(*names: str) -> dict[str, Any]:
    """Return what an editor offers in a list of texts, as `json_schema_extra` of its field; others may stand there, too."""
    return {"items": {"anyOf": [{"enum": [*names]}, {"type": "string"}]}}


def make_body_snippets(*snippets: tuple[str, dict[str, Any]]) -> ConfigDict:
    """Return what a block adds to `model_config`, so that editors offer these bodies by their names; `$1` is where to write."""
    bodies: list[Any] = [{"label": label, "body": body} for label, body in snippets]
    return ConfigDict(json_schema_extra={"defaultSnippets": bodies})


class Config(BaseModel):
    """A mapping in a policy. Unknown keys and wrong types are errors; each field carries its description."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in read_field_docs(cls, BaseModel).items():
            if (field := cls.model_fields.get(name)) is not None:
                properties.get(field.alias or name, {}).setdefault("description", text)
        return schema


@cache
def with_use(name: str, config: type[Config], what: str) -> type[Config]:
    """Return a configuration with the field `use`, under a name that no other has in a schema.

    Args:
        name: what `use:` says.
        config: the configuration.
        what: stands in its name: `Plugin`, `Sink`.
    """
    title = "".join(part.title() for part in re.split(r"[^A-Za-z0-9]+", name)) + f"{what}Config"
    use: Any = (Literal[name], ...)
    first = create_model(
        "UseConfig", __base__=Config, use=use
    )  # a base, so that `use` stands before the others
    bases: Any = first if config is Config else (config, first)
    made: type[Config] = create_model(title, __base__=bases, __doc__=config.__doc__, use=use)
    return made


def describe_invalid(error: ValidationError) -> str:
    """Return where a configuration is wrong first, and how; without the value, which may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
