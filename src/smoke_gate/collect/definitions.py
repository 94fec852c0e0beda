"""The file that holds a metric definition."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke_gate.errors import UsageError
from smoke_gate.hashing import HashError, definition_hash
from smoke_gate.lfs import POINTER, is_pointer

if TYPE_CHECKING:
    import yaml

_HEX = re.compile(r"[0-9a-fA-F]+")
_MAX_BYTES = 16 << 20  # of YAML also with aliases expanded: ten lines of them can stand for gigabytes


def definition_sha256(path: Path, content: bytes | None = None) -> str:
    """Return the hash of the definition in a JSON or YAML file (by its suffix).

    Args:
        path: The file.
        content: What counts as its content, such as another branch's; None: what it holds.

    Raises:
        UsageError: The file cannot be read, or holds no definition.

    """
    try:
        return definition_hash(read_definition(path, content))
    except HashError as error:
        raise UsageError(f"the definition file {path} has no hash: {error}") from error


def read_definition(path: Path, content: bytes | None = None) -> Mapping[str, Any] | Sequence[Any] | bytes:
    """Return what a definition file holds, or ``content``: the text of a JSON file, the value of a YAML file.

    Raises:
        UsageError: The file cannot be read, or is not what its suffix says.

    """
    content = _content(path) if content is None else content
    if len(content) > _MAX_BYTES:
        raise UsageError(
            f"the definition file {path} is larger than {_MAX_BYTES >> 20} MiB: that is not a definition"
        )
    suffix = path.suffix.lower()
    if suffix == ".json":
        return content
    if suffix in (".yaml", ".yml"):
        return _yaml(path, content)
    raise UsageError(f"the definition file {path} must be .json, .yaml or .yml")


def _content(path: Path) -> bytes:
    try:
        if is_pointer(path):
            raise UsageError(f"the definition file {path} cannot be read: {POINTER}")
        with path.open("rb") as file:
            return file.read(_MAX_BYTES + 1)
    except OSError as error:
        hash_digits = "; a hash has 64 hex digits" if _HEX.fullmatch(path.name) else ""
        raise UsageError(
            f"the definition file {path} cannot be read: {error.strerror}{hash_digits}"
        ) from error


def _yaml(path: Path, content: bytes) -> Mapping[str, Any] | Sequence[Any]:
    import yaml

    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
        if node is not None and _length(path, node, {}) > _MAX_BYTES:
            raise UsageError(
                f"the definition file {path} is larger than {_MAX_BYTES >> 20} MiB, aliases expanded: "
                "that is not a definition"
            )
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # a wrong date or letter
        raise UsageError(f"the definition file {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict | list):
        raise UsageError(
            f"the definition file {path} must hold a mapping or a list, found {type(value).__name__}"
        )
    return value


def _length(path: Path, node: "yaml.Node", known: dict[int, int]) -> int:
    """Return how long the texts below a node are, each as often as aliases repeat it; a node itself counts one.

    Args:
        path: the file, for messages.
        node: what is measured.
        known: what was measured before, by the nodes' ids: an alias is not followed twice.

    Raises:
        UsageError: A mapping names a key twice, which YAML readers resolve by keeping the last.
        RecursionError: The node holds itself.

    """
    import yaml

    if id(node) not in known:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(path, node)
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        text = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        known[id(node)] = 1 + text + sum(_length(path, part, known) for part in parts)
    return known[id(node)]


def _refuse_repeated_keys(path: Path, node: "yaml.MappingNode") -> None:
    import yaml

    keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
    if twice := sorted(key for key, count in keys.items() if count > 1):
        raise UsageError(f"the definition file {path} names a key twice: {', '.join(twice)}")
