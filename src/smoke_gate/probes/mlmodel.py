"""``MLmodel``: which files and folders a model's own description says that the model has, and how much of them."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from smoke_gate.probes.inspection import BrokenError

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
_LIBRARIES = {
    "cb": "catboost", "lgb": "lightgbm", "pytorch": "torch", "sklearn": "scikit-learn", "xgb": "xgboost",
}  # fmt: skip
_COMPARED = frozenset(
    [
        "catboost", "flax", "jax", "keras", "lightgbm", "numpy", "onnx", "python", "scikit-learn", "scipy", "spacy",
        "statsmodels", "tensorflow", "torch", "transformers", "xgboost",
    ]
)  # fmt: skip
_PIN = re.compile(r"([A-Za-z0-9_.-]+)={1,2}([0-9][A-Za-z0-9_.+!-]*)")
DESCRIPTION = "MLmodel"
ENVIRONMENT_FILES = ("python_env.yaml", "conda.yaml")
REQUIREMENTS = "requirements.txt"
BESIDE_DESCRIPTION = ("conda.yaml", "python_env.yaml", REQUIREMENTS)  # never written without it
_MAKER = "mlflow_version"
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
    """The paths that an ``MLmodel`` names, from the model's folder, in order.

    ``paths`` are all that loading the model reads, ``data`` those of them that hold the model itself. A value that is
    not certainly such a path is left out. ``versions`` are those of Python and of each flavor's library.
    ``size`` is how many bytes the model had when it was saved, without itself and ``BESIDE_DESCRIPTION``; None where
    it does not say.
    """

    paths: tuple[str, ...]
    versions: Mapping[str, str]
    data: tuple[str, ...]
    size: int | None


def described(data: bytes, *, may_be_by_hand: bool = False) -> Description:
    """Read an ``MLmodel``.

    Args:
        data: Its text.
        may_be_by_hand: Whether people may have written it, if it does not name a version of MLflow. MLflow writes
            its keys in order, so that without the last one the text was cut off.

    Raises:
        BrokenError: it is not a description of a model as MLflow writes them.

    """
    said = _pairs(_root(data))
    flavors = said.get("flavors")
    if not isinstance(flavors, yaml.MappingNode):
        raise BrokenError("it names no flavors")
    if _LAST_KEY not in said and (_MAKER in said or not may_be_by_hand or not data.endswith(b"\n")):
        raise BrokenError(f"it is cut off: it has no {_LAST_KEY}")
    configs = _pairs(flavors)
    own = _paths(_data(configs))
    size = said.get("model_size_bytes")
    digits = size.value if isinstance(size, yaml.ScalarNode) and _DIGITS.fullmatch(size.value) else None
    return Description(
        paths=tuple(sorted({*own, *_paths(_artifacts(configs))})),
        data=own,
        versions=_versions(configs),
        size=None if digits is None else int(digits),
    )


def _root(data: bytes) -> yaml.Node | None:
    """Return the nodes of the text. They are only looked at: no value is made, so that aliases cannot multiply."""
    try:
        return yaml.compose(data, _BoundedLoader)
    except RecursionError:
        raise BrokenError("it holds YAML that is nested too deeply") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two: a wrong escape
        raise BrokenError(f"it is not YAML: {' '.join(str(error).split())}") from None


def _paths(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({path for path in map(_inside, texts) if path is not None}))


def _data(configs: Mapping[str, yaml.Node]) -> Iterator[str]:
    for flavor, keys in _PATH_KEYS.items():
        config = _pairs(configs.get(flavor))
        yield from (_text(config.get(key)) for key in keys)


def _artifacts(configs: Mapping[str, yaml.Node]) -> Iterator[str]:
    artifacts = _pairs(_pairs(configs.get("python_function")).get("artifacts"))
    once = {id(artifact): artifact for artifact in artifacts.values()}  # an alias is not followed twice
    yield from (_text(_pairs(artifact).get("path")) for artifact in once.values())


def _versions(configs: Mapping[str, yaml.Node]) -> dict[str, str]:
    """Return the versions that the flavors state: ``sklearn_version: 1.2.0`` is that of scikit-learn."""
    found = {}
    for config in map(_pairs, configs.values()):
        for key, value in config.items():
            name = key.removesuffix("_version")
            if name != key and isinstance(value, yaml.ScalarNode) and value.value:
                found[_LIBRARIES.get(name, name)] = str(value.value)
    return dict(sorted(found.items()))


def environment_of(data: bytes) -> dict[str, str]:
    """Return the versions that a ``python_env.yaml`` or ``conda.yaml`` states of Python and of known libraries.

    Raises:
        BrokenError: It is not YAML.

    """
    said = _pairs(_root(data))
    python = said.get("python")
    found = {} if python is None else {"python": _text(python) or str(python.value)}
    for text in _texts(said.get("dependencies")):
        pinned = _PIN.fullmatch(text)
        if pinned and pinned[1].lower() in _COMPARED:
            found[pinned[1].lower()] = pinned[2]
    return found


def required_versions(data: bytes) -> dict[str, str]:
    """Return the versions that a ``requirements.txt`` names exactly, by the lower-case name of the package."""
    lines = data.decode(errors="replace").splitlines()
    pins = (_PIN.fullmatch(re.split("[;#]", line, maxsplit=1)[0].strip()) for line in lines)
    return {pinned[1].lower(): pinned[2] for pinned in pins if pinned}


def _texts(node: yaml.Node | None) -> Iterator[str]:
    """Yield the texts of a list, and of the lists in it: ``conda.yaml`` has those of pip under their own key."""
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        if isinstance(item, yaml.ScalarNode):
            yield str(item.value)
        for inner in _pairs(item).values():
            yield from _texts(inner)


def _pairs(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return what a mapping holds, by its plain keys; nothing where the node is not a mapping."""
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
