"""The `remote` detector: what a moderation service says of contents, as findings of our categories.

The operator declares where services are and by which keys they are asked (`GUARDRAILS_ENDPOINTS`); a policy names one, says
which protocol it speaks, and what its labels stand for. Long texts go in pieces, each with a span of its own. What a service
cannot be asked (a picture that was not fetched, or of a format that it does not read) is unchecked; whatever comes back
that is not an answer in the service's own protocol, complete and in range, is a failure of the detector.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.kinds import Kind
from guardrails.detectors.llm.llm_detector import JudgeAdapter, RemoteDetector
from guardrails.detectors.services import BOTH, SERVICES, Service, find_service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, is_wanted
from guardrails.detectors.services.reading import EndpointJudge
from guardrails.remote.endpoint import Endpoint

ALWAYS = "unsafe"
"""What a service may say whatever is wanted of it, where it says that it blocks and not why."""


class ServiceDetector(RemoteDetector):
    """The detector; `contents` are the kinds that its service reads, `sees` what it judges in pictures. It reads names and
    codes too, as many look for personal data.
    """

    prose = False

    def __init__(
        self, asking: JudgeAdapter, judge: EndpointJudge, contents: frozenset[str], sees: frozenset[str]
    ) -> None:
        super().__init__(asking, judge)
        self.contents, self.sees = contents, sees


def _table(of: Service, config: RemoteConfig) -> dict[str, tuple[str, ...]]:
    """Return what each label stands for, in this policy."""
    written = {
        label: (each,) if isinstance(each, str) else tuple(each) for label, each in config.labels.items()
    }
    return {label: (category,) for label, category in of.labels.items()} | written


def _unlabelled_categories(of: Service, config: RemoteConfig) -> set[str]:
    """Return the categories that no label stands for."""
    found = {*of.also(config), *([config.http.category] if config.http and config.http.category else [])}
    wanted = config.categories
    if wanted is not None:
        found = {each for each in found if each == ALWAYS or is_wanted(each, wanted)}
        found |= {each for each in wanted if each.split(".")[0] in of.opens and taxonomy.is_valid(each)}
    return found


def _categories(_name: str, config: RemoteConfig) -> frozenset[str]:
    of = find_service(config.service)
    table = _table(of, config)
    found = ServiceLabels(table, config.categories).categories() | _unlabelled_categories(of, config)
    # With a misspelt name any may be meant: then the one problem to report is the spelling.
    return found or ServiceLabels(table).categories()


def _build(name: str, config: RemoteConfig, files: PolicyFiles) -> ServiceDetector:
    endpoint = files.endpoint(config.endpoint)
    of = find_service(config.service)
    problems = [
        *_of_fields(of, config),
        *_of_categories(of, config),
        *_of_labels(config),
        *_of_aws(config, endpoint),
    ]
    if of.needs is None or getattr(config, of.needs) is not None:
        problems += of.problems(config, endpoint)
    if problems:
        raise ConfigProblems(problems)
    categories = _categories(name, config)
    asking = JudgeAdapter(
        name,
        categories,
        size=config.characters or of.size,
        most=config.windows,
        min_score=config.min_score,
        languages=config.languages,
    )
    judge = of.judge(config, endpoint, ServiceLabels(_table(of, config), config.categories))
    contents = of.contents(config)
    sees = categories - of.unseen if "image" in contents else frozenset[str]()
    return ServiceDetector(asking, EndpointJudge(judge, endpoint.name, contents), contents, sees)


def _of_fields(of: Service, config: RemoteConfig) -> Iterator[ConfigProblem]:
    if of.needs is not None and getattr(config, of.needs) is None:
        message = f"service {config.service!r} needs {of.needs!r}"
        yield ConfigProblem("missing_field", message, (), hint=f"add '{of.needs}:'")
    others = {field for name in SERVICES for field in find_service(name).fields} - of.fields
    for field in sorted(others & config.model_fields_set):
        message = f"{field!r} is not for service {config.service!r}"
        yield ConfigProblem("unused_field", message, (field,), hint="remove it")


def _of_categories(of: Service, config: RemoteConfig) -> Iterator[ConfigProblem]:
    """A category that is wanted is one that the service tells, or a parent of one."""
    told = sorted(
        ServiceLabels(_table(of, config)).categories()
        | _unlabelled_categories(of, config.model_copy(update={"categories": None}))
    )
    for index, each in enumerate(config.categories or ()):
        is_own = each.split(".")[0] in of.opens and taxonomy.is_valid(each)
        if not is_own and not any(is_wanted(category, [each]) for category in told):
            close = difflib.get_close_matches(each, told, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(told[:24])}"
            message = f"{each!r} is nothing that service {config.service!r} tells"
            yield ConfigProblem("unknown_category", message, ("categories", index), hint=hint)


def _of_labels(config: RemoteConfig) -> Iterator[ConfigProblem]:
    for label, written in config.labels.items():
        for each in [written] if isinstance(written, str) else written:
            if not taxonomy.is_valid(each):
                close = difflib.get_close_matches(each, taxonomy.CATEGORIES, n=1)
                hint = (
                    f"did you mean {close[0]!r}?" if close else "one of the taxonomy, or 'custom.' and a name"
                )
                yield ConfigProblem(
                    "unknown_category", f"{each!r} is no category", ("labels", label), hint=hint
                )


def _of_aws(config: RemoteConfig, endpoint: Endpoint) -> Iterator[ConfigProblem]:
    if endpoint.aws is not None and config.service != "bedrock":
        message = (
            f"endpoint {endpoint.name!r} is one of AWS (aws:), which service {config.service!r} does not ask"
        )
        yield ConfigProblem(
            "wrong_endpoint", message, ("endpoint",), hint="name another, or write service: bedrock"
        )


KIND = Kind(
    name="remote",
    doc="A service that moderates: OpenAI, Azure, AWS Bedrock, another proxy of this package, or any over HTTP.",
    config=RemoteConfig,
    categories=_categories,
    build=_build,
    tier=2,
    contents=BOTH,
    reads=("prompt", "stage"),
    limits=("windows",),
)
