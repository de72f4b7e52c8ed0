"""The files of this folder: read, filled in, and checked against the models of Datadog's own client."""

import json
import pathlib

from datadog_api_client import Configuration
from datadog_api_client.exceptions import ApiTypeError, ApiValueError
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelNormal,
    ModelSimple,
    UnparsedObject,
    validate_and_convert_types,
)
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.metric_metadata import MetricMetadata
from datadog_api_client.v1.model.monitor import Monitor

HERE = pathlib.Path(__file__).resolve().parent
RUNBOOK = "https://github.com/aminopay/infobright-backup-check/blob/master/RUNBOOK.md"


class Refused(Exception):
    """What cannot be done, and what to do about it."""


def load(path):
    """A file's JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise Refused(f"{path}: not JSON: {error}") from error


def filled(value, words):
    """The value with each `<word>` in its texts replaced."""
    if isinstance(value, dict):
        return {key: filled(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, words) for inner in value]
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"<{word}>", text)
        return value.rstrip()
    return value


def words(environment, stack, notify, runbook, region=None):
    """What stands in the files' placeholders, but for the source."""
    return {"environment": environment, "stack": (stack or f"ib-backup-{environment}").lower(),
            "notify": "" if notify == "nobody" else notify or "", "runbook": runbook or RUNBOOK,
            "region": region or "us-east-1"}


def is_of_source(monitor):
    """Whether a monitor is of one production instance, not of the environment."""
    return "<source>" in monitor["name"]


def read(words, sources, without=()):
    """The dashboard, the monitors and the metrics' units, each with the file that it comes from."""
    found = [(HERE / "dashboard.json", filled(load(HERE / "dashboard.json"), words), Dashboard)]
    for path in sorted((HERE / "monitors").glob("*.json")):
        monitor = load(path)
        if path.stem in without:
            continue
        for source in sources if is_of_source(monitor) else [""]:
            # Datadog keeps tags in lower case.
            found.append((path, filled(monitor, {**words, "source": source.lower()}), Monitor))
    return found


def metrics():
    """The unit and the description of each metric that the functions send."""
    return load(HERE / "metrics.json")


def monitor_names():
    """What the monitors' files are called."""
    return [path.stem for path in sorted((HERE / "monitors").glob("*.json"))]


# ---- Offline: the models of Datadog's own client ----


def unknown(model, where):
    """What in a converted model the client has no place or no value for."""
    if isinstance(model, list):
        return [fault for i, inner in enumerate(model) for fault in unknown(inner, f"{where}[{i}]")]
    if isinstance(model, UnparsedObject):
        return [f"{where}: fits none of the models that may stand here: {model.to_dict()}"[:300]]
    if isinstance(model, ModelSimple):
        return [f"{where}: {model.value!r} is no value of {type(model).__name__}"] * bool(
            getattr(model, "_unparsed", False)
        )
    if isinstance(model, ModelComposed):
        return unknown(model.get_oneof_instance(), where)
    if not isinstance(model, ModelNormal):
        return []
    faults = [f"{where}.{key}: {type(model).__name__} has no such field"
              for key in model._data_store if key not in model.attribute_map]
    for key, inner in model._data_store.items():
        if key in model.attribute_map:
            faults += unknown(inner, f"{where}.{key}")
    return faults


def check(path, body, kind):
    """Holds one body against its model."""
    try:
        model = validate_and_convert_types(body, (kind,), [path.name], False, True, Configuration())
    except (ApiTypeError, ApiValueError) as error:
        raise Refused(f"{path}: {error}") from error
    faults = unknown(model, path.name)
    if faults:
        raise Refused("\n".join(faults))


def check_all(bodies):
    """Holds all bodies against their models."""
    for path, body, kind in bodies:
        check(path, body, kind)
    for name, body in metrics().items():
        check(HERE / f"metrics.json, {name}", body, MetricMetadata)
