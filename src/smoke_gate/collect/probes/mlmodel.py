"""``MLmodel``: which files and folders a model's own description says that the model has, and how much of them."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from smoke_gate.collect.probes.inspection import BrokenError

MAX_NODES = 100_000  # of YAML: some seconds; a signature of any length is one
# What MLflow 3 reads to load each flavor, always a path below the model, and always saved. Other keys are not certain:
# `code` is named even where no code was copied, paddle's is a prefix of names, `model_code_path` is the machine's.
_PATH_KEYS = {
    "catboost": ("data",),
    "diffusers": ("adapter_weights",),
    "dspy": ("model_path",),
    "h2o": ("data",),
    "johnsnowlabs": ("model_data",),
    "keras": ("data",),
    "langchain": ("model_data",),
    "lightgbm": ("data",),
    "onnx": ("data",),
    "openai": ("data",),
    "pmdarima": ("data",),
    "prophet": ("data",),
    "python_function": ("data", "python_model"),
    "pytorch": ("model_data",),
    "shap": ("serialized_explainer",),
    "sklearn": ("pickled_model",),
    "spacy": ("data",),
    "spark": ("model_data",),
    "statsmodels": ("data",),
    "tensorflow": ("data", "saved_model_dir"),
    "transformers": ("model_binary", "peft_adaptor"),
    "xgboost": ("data",),
}
DESCRIPTION = "MLmodel"
BESIDE_DESCRIPTION = ("conda.yaml", "python_env.yaml", "requirements.txt")  # never written without it
_LAST_KEY = "utc_time_created"  # MLflow writes the keys in order
_DIGITS = re.compile(r"[0-9]{1,18}")
_ELSEWHERE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:")  # an absolute path, a URI, a drive
_TEXT = "tag:yaml.org,2002:str"


class _BoundedLoader(yaml.SafeLoader):
    """A loader that gives up on what is far more than the description of a model."""

    composed = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.composed += 1
        if self.composed > MAX_NODES:
            raise BrokenError("it holds far more than the description of a model")
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class Description:
    """What an ``MLmodel`` says that loading the model reads, as paths from the model's folder, in order.

    A value that is not certainly such a path is left out. ``size`` is how many bytes the model had when it was saved,
    without itself and ``BESIDE_DESCRIPTION``; None where it does not say.
    """

    paths: tuple[str, ...]
    size: int | None


def described(data: bytes) -> Description:
    """Read an ``MLmodel``.

    Raises:
        BrokenError: it is no description of a model as MLflow writes them.

    """
    said = _pairs(_root(data))
    flavors = said.get("flavors")
    if not isinstance(flavors, yaml.MappingNode):
        raise BrokenError("it names no flavors")
    if _LAST_KEY not in said:
        raise BrokenError(f"it is cut off: it has no {_LAST_KEY}")
    inside = (_inside(text) for text in _texts(flavors))
    size = said.get("model_size_bytes")
    digits = size.value if isinstance(size, yaml.ScalarNode) and _DIGITS.fullmatch(size.value) else None
    return Description(
        paths=tuple(sorted({path for path in inside if path is not None})),
        size=None if digits is None else int(digits),
    )


def _root(data: bytes) -> yaml.Node | None:
    """Return the nodes of the text. They are only looked at: no value is made, so that aliases cannot multiply."""
    try:
        return yaml.compose(data, _BoundedLoader)
    except RecursionError:
        raise BrokenError("it holds YAML that is nested too deeply") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two: an escape that is none
        raise BrokenError(f"it is no YAML: {' '.join(str(error).split())}") from None


def _texts(flavors: yaml.Node) -> Iterator[str]:
    configs = _pairs(flavors)
    for flavor, keys in _PATH_KEYS.items():
        config = _pairs(configs.get(flavor))
        yield from (_text(config.get(key)) for key in keys)
    artifacts = _pairs(_pairs(configs.get("python_function")).get("artifacts"))
    once = {id(artifact): artifact for artifact in artifacts.values()}  # an alias is not followed twice
    yield from (_text(_pairs(artifact).get("path")) for artifact in once.values())


def _pairs(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return what a mapping holds, by its plain keys; nothing where it is none."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _text(node: yaml.Node | None) -> str:
    """Return a text; an empty one where it is something else."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.tag == _TEXT else ""


def _inside(text: str) -> str | None:
    """Return a path below the model's folder in its plain form, None where the text may be something else."""
    if _ELSEWHERE.match(text) or "\\" in text or ".." in text.split("/"):
        return None
    path = posixpath.normpath(text)
    return None if path == "." else path  # "." of an empty text, too: the folder itself
