"""What the operator says of pictures that stand elsewhere, as the settings have it: which are fetched, and how much of them."""

from __future__ import annotations

import ipaddress
import ssl
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from guardrails.detectors.config import Config

Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*._-]+(:[0-9]{1,5})?$", max_length=256)]


class FetchDoc(Config):
    """Which pictures that stand elsewhere are fetched, to be judged. The model, or the client, gets the bytes that were judged,
    as a data URI; nobody fetches them again. No others are fetched: the policy's `unchecked: part` says what becomes of those.
    """

    hosts: list[Host] = Field(
        min_length=1, max_length=1_024, examples=[["images.example.com", "*.cdn.example.com"]]
    )
    """The hosts that are asked, in lower case, in which `*` stands for any text; the port is the usual one of `https` or `http`
    unless it stands here (`store:9000`). A redirection must lead to one of them as well."""
    networks: list[str] = Field(default_factory=list, max_length=256, examples=[["10.1.0.0/16"]])
    """Networks of the operator's own that such a host may stand in. Without one of these only public addresses are asked,
    whatever name leads to them."""
    ca_file: str | None = Field(default=None, min_length=1, examples=["store-ca.pem"])
    """A file of certificates (PEM) of authorities by which hosts of the operator's own are known, beside those of the system; in
    a settings file relative to the file's folder."""
    max_bytes: int = Field(default=10 << 20, ge=1, le=64 << 20)
    """Size of all pictures of a request, or of an answer, that are still read; one that stands there twice counts twice."""
    timeout_s: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False)
    """Time for all pictures of a request, or of an answer."""
    most: int = Field(default=16, ge=1, le=256)
    """Pictures of a request, or of an answer, that are fetched."""

    @field_validator("ca_file")
    @classmethod
    def _has_certificates(cls, ca_file: str | None) -> str | None:
        if ca_file is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
            except OSError as error:  # what is no certificate is one too
                why = error.strerror or str(error)
                raise PydanticCustomError("invalid_ca_file", "cannot be read: {why}", {"why": why}) from None
        return ca_file

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for each in networks:
            try:
                ipaddress.ip_network(each)
            except ValueError:
                raise PydanticCustomError("invalid_network", "must be networks such as 10.1.0.0/16") from None
        return networks
