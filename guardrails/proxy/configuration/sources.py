"""Loads the settings of a server from a file, the environment and flags, or says everything that is wrong, with its place.

A flag comes before a variable of the environment (`GUARDRAILS_PORT` for `port`), that before the file, that before the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from guardrails.errors import PolicyErrors
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import read_yaml
from guardrails.proxy.access.hosts import check_exposure as check_open
from guardrails.proxy.access.tenants import check_clients
from guardrails.proxy.configuration.application_text_settings import check_application_text
from guardrails.proxy.configuration.layers import DEFAULT, PLUGINS, SettingsLayers
from guardrails.proxy.configuration.plugin_settings import check_sinks
from guardrails.proxy.configuration.settings import Settings, SettingsDoc
from guardrails.proxy.configuration.telemetry_settings import check_telemetry
from guardrails.proxy.configuration.tls_settings import check_tls
from guardrails.proxy.shadow.shadow_settings import ShadowDoc
from guardrails.proxy.shadow.shadow_settings import check_shadows as check_shadows
from guardrails.proxy.upstreams.upstream_settings import check_upstreams as check_upstreams
from guardrails.records.configuration import default_records

PREFIX = "GUARDRAILS_"
"""What a setting's name in the environment begins with."""

PATHS = (
    *("policy", "floor", "ca_file", "shadow", "log", "path", "file", "upstream_key_file"),
    *("key_file", "cert_file", "cert_key_file", "client_ca_file", "records", "heads"),
)
"""Settings that name a file, which in a settings file is relative to its folder: also those in each of `policies` and
`upstreams`, and those of `fetch`, `records` with its `content`, `shadow` and `tls`, `path` in each of `sinks`, and `file` in
each of `application_text`."""

BEGIN = "upstream: http://127.0.0.1:8000/v1"
"""How a settings file may begin."""


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """Where settings come from: a file if there is one, and what was given on the command line, by the setting's name.
    `on_record`: whether decisions are put on record where nothing is said of that.
    """

    file: str | None = None
    flags: Mapping[str, object] = field(default_factory=dict)
    on_record: bool = False

    def settings(self) -> Settings:
        """Return the settings as file and environment are by now; raises `PolicyErrors`."""
        return load_settings(self.file, self.flags, os.environ, on_record=self.on_record).settings


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each that is not left at its default was given: a file, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    file: str | FilePath | None,
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    *,
    on_record: bool = False,
) -> LoadedSettings:
    """Return the settings of a server.

    Args:
        file: a settings file, if there is one.
        flags: what was given on the command line, by the setting's name; None is not given.
        environment: the process's variables.
        on_record: whether decisions are put on record where nothing is said of that.

    Raises:
        PolicyErrors: everything that is wrong, each problem with its file (or variable, or flag), line and column.
    """
    layers, problems = read_layers(file, flags, environment)
    if on_record:
        layers.default("records", partial(default_records, environment))
    doc = problems.validate(SettingsDoc, layers.data, layers, "the server")
    if doc is not None:
        check_clients(doc, layers, problems)
        check_upstreams(doc, layers, problems)
        check_shadows(doc, layers, problems)
        check_open(doc, layers, problems)
        check_sinks(doc, layers, problems)
        check_tls(doc, layers, problems)
        check_application_text(doc, layers, problems)
        check_telemetry(doc, layers, problems)
    if doc is None or problems.errors:
        raise PolicyErrors(problems.errors)
    given = {name: getattr(doc, name) for name in doc.model_fields_set}
    origins = {name: layers.origins.get(name, str(file)) for name in given}
    return LoadedSettings(Settings(**given), {name: at for name, at in origins.items() if at != DEFAULT})


def read_layers(
    file: str | FilePath | None, flags: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[SettingsLayers, Problems]:
    """Return what file, environment and flags say, and what is wrong with how they say it.

    Raises:
        PolicyErrors: the file cannot be read.
    """
    problems, layers = Problems(quotes=False), SettingsLayers()
    if file is not None:
        layers.read(FilePath(file), PATHS, BEGIN, problems)
    for name, of in SettingsDoc.model_fields.items():
        variable = PREFIX + name.upper()
        written = environment.get(variable)
        if written or (written is not None and name == PLUGINS):  # an empty list of plugins allows none
            layers.add(name, _parse_variable(of, written, variable, problems), variable)
        layers.flag(
            name,
            flags.get(name) if name != "shadow" else _merge_shadow(layers.data.get(name), flags.get(name)),
        )
    return layers, problems


def _merge_shadow(before: object, given: object) -> object:
    """Return a shadow as flags give it: what they do not name stays as it was given elsewhere."""
    if given is None or before is None:
        return given
    if isinstance(before, ShadowDoc):
        before = before.model_dump(exclude_unset=True)
    known, now = ({"policy": each} if isinstance(each, str) else each for each in (before, given))
    return {**known, **now} if isinstance(known, dict) and isinstance(now, dict) else given


def _parse_variable(of: FieldInfo, written: str, variable: str, problems: Problems) -> object:
    """Return what a variable's text means: itself where the setting is a text, else the YAML that it is."""
    try:
        whole: Any = Annotated[of.annotation, *of.metadata] if of.metadata else of.annotation
        return TypeAdapter(whole).validate_python(written, strict=True)
    except ValidationError:
        pass
    try:
        source = read_yaml(written, variable)
    except PolicyErrors as error:
        problems.errors.extend(error)
        return None
    problems.errors.extend(source.problems)
    return source.data
