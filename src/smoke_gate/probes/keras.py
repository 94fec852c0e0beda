"""The code that Keras runs on loading a model: Lambda layers with code, and names that a configuration makes it import.

Keras makes objects from JSON, ``config.json`` in a ``.keras`` archive and ``model_config`` in HDF5: each names a module
and a class or a function. Versions before 3.9 import any module, HDF5 knows no safe mode, and some of Keras' own
functions undo the safe mode or fetch files: CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906,
CVE-2025-49655. Reference: Keras, ``saving/serialization_lib.py`` and ``layers/core/lambda_layer.py``.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from smoke_gate.probes.inspection import BrokenError, Imports, LimitError
from smoke_gate.probes.pickle.globals import Danger, judge
from smoke_gate.probes.streams import BLOCK_BYTES
from smoke_gate.strict_json import JsonError, parse_json

MAX_CONFIG_BYTES: Final = 4 << 20
LAMBDA: Final = "keras.layers.Lambda"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FAMILIES = ("keras", "keras_core", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
_INNER: Final = _words("keras src python api _tf_keras engine legacy v1 v2 _v1 _v2")
# Where Keras keeps functions that only compute, such as activations.
_COMPUTING: Final = _words(
    "activations constraints initializers losses metrics ops optimizers random regularizers"
)
# Where it keeps classes that do more than compute.
_SERVING: Final = _words("backend callbacks config datasets export saving utils wrappers")
_LOADERS: Final = _words(
    "TFSMLayer TorchModuleWrapper"
)  # layers that load a program from a file or from a pickle
_ACTING: Final = re.compile(
    r"(load|save|deserialize|extract|enable_unsafe|func_load|_?get_file|set_global_attribute|register_keras|plot_model)"
    r"|.*(_from_directory|_from_json|_from_yaml|_deserialization|urlretrieve|urlopen)$"
)
_FUNCTION_TYPES = ("function_type", "output_shape_type", "mask_type")  # of Keras 2
_FILE_READERS: Final = _words("IntegerLookup StringLookup TextVectorization")
# Layers of Keras 2 that call a function of TensorFlow by its name; these of its functions do more than compute.
_CALLING: Final = {"TFOpLambda": "function", "ClassMethod": "cls_ref", "SlicingOpLambda": "function"}
_BEYOND: Final = _words(
    "autograph compat config data distribute experimental feature_column io keras load_library load_op_library "
    "numpy_function print profiler py_function raw_ops saved_model summary sysconfig test train tools"
)
_MARKS = re.compile(rb'"Lambda"|__lambda__|"function_type"')
_LONGEST_MARK = 64
_MESSAGES = (
    "keras_metadata.pb",
    "saved_model.pb",
)  # of Keras 2: the configuration of each layer is a text in them

# Keras 3 says that its own activations, losses and metrics are of ``builtins`` where they are functions.
_BUILT_IN: Final = _words("""
    binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy categorical_crossentropy
    categorical_focal_crossentropy categorical_hinge celu circle constant cosine cosine_proximity cosine_similarity ctc
    dice elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh he_normal he_uniform hinge
    huber huber_loss identity kl_divergence kld kullback_leibler_divergence l1 l1_l2 l2 leaky_relu linear log_cosh
    log_sigmoid log_softmax logcosh mae mape max_norm mean_absolute_error mean_absolute_percentage_error
    mean_squared_error mean_squared_logarithmic_error min_max_norm mish mse msle non_neg ones orthogonal poisson relu
    relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_categorical_accuracy
    sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparse_top_k_categorical_accuracy sparsemax
    squared_hinge squareplus stft swish tanh tanh_shrink threshold top_k_categorical_accuracy tversky unit_norm zeros
""")


def judge_keras(text: bytes, imports: Imports) -> None:
    """Judge all that a configuration names; what is not a Keras configuration names nothing.

    Raises:
        BrokenError: it is not JSON, or JSON of which readers make different things.
        LimitError: it is longer than is read.

    """
    if len(text) > MAX_CONFIG_BYTES:
        raise LimitError(
            f"it has a Keras configuration of {len(text)} bytes; at most {MAX_CONFIG_BYTES} are read"
        )
    try:
        config = parse_json(text, constant=float)
    except JsonError as error:
        raise BrokenError(f"its Keras configuration cannot be read: {error}") from None
    judge_config(config, imports)


def judge_config(config: Any, imports: Imports) -> None:
    """Judge all that a configuration names, given as the value of its JSON."""
    for node in objects(config):
        _judge(node, imports)


def may_hold_config(name: str) -> bool:
    """Return whether TensorFlow's Keras takes configurations out of a file of this name, from amid its messages."""
    return name.rpartition("/")[2] in _MESSAGES


def judge_unparsed(stream: io.BufferedReader, imports: Imports) -> None:
    """Judge bytes that may hold a configuration, by its telling words."""
    overlap = b""
    while block := stream.read(BLOCK_BYTES):
        if _MARKS.search(overlap + block):
            imports.dangerous.add(LAMBDA)
        overlap = block[-_LONGEST_MARK:]


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every JSON object within a value."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            pending += part.values()
        elif isinstance(part, list):
            pending += part


def _judge(node: Mapping[str, Any], imports: Imports) -> None:
    kind, config = node.get("class_name"), node.get("config")
    if kind == "__lambda__" or any(node.get(key) == "lambda" for key in _FUNCTION_TYPES):
        imports.dangerous.add(LAMBDA)
    if isinstance(config, dict) and kind == "Lambda":
        _judge_lambda(config, imports)
    if not isinstance(kind, str):
        return
    if kind in _FILE_READERS and isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        imports.unknown.add(f"keras.layers.{kind} of a file")
    if kind in _CALLING and isinstance(config, dict):
        _judge_tensorflow(config.get(_CALLING[kind]), imports)
    if kind in _LOADERS:
        imports.dangerous.add(f"keras.layers.{kind}")
    module = node.get("module")
    name = config if kind == "function" else node.get("spec_name") if kind == "__typespec__" else kind
    if isinstance(name, str) and not name.startswith("__") and isinstance(module, str) and module:
        _judge_name(module, name, imports, is_function=kind == "function")


def _judge_lambda(config: Mapping[str, Any], imports: Imports) -> None:
    """Judge a Lambda layer: its function is code, or a name that Keras 2 looks up in a module."""
    for key in ("function", "output_shape", "mask"):
        function, module = config.get(key), config.get("module" if key == "function" else f"{key}_module")
        if isinstance(function, list) and function and isinstance(function[0], str):
            imports.dangerous.add(LAMBDA)
        if isinstance(function, str) and isinstance(module, str) and config.get(f"{key}_type") != "raw":
            imports.add(module, function)


def _judge_tensorflow(function: Any, imports: Imports) -> None:
    """Judge a function or a class of TensorFlow, by its name from there."""
    if isinstance(function, str) and not _BEYOND.isdisjoint(function.split(".")[:-1] or [function]):
        imports.add("tensorflow", function)


def _judge_name(module: str, name: str, imports: Imports, *, is_function: bool) -> None:
    family = next((family for family in _FAMILIES if f"{module}.".startswith(f"{family}.")), None)
    if family is None or "." in name:
        if not (is_function and module == "builtins" and name in _BUILT_IN):
            imports.add(module, name)
        return
    areas = [part for part in module.removeprefix(family).split(".") if part and part not in _INNER]
    area = "optimizers" if "optimizers" in areas else areas[0] if areas else ""
    if judge(module, name) is Danger.DANGEROUS or _ACTING.match(name):
        imports.dangerous.add(f"{module}.{name}")
    elif area in _SERVING or not (name[:1].isupper() or area in _COMPUTING):
        imports.unknown.add(f"{module}.{name}")
