"""Classes of well-known libraries: harmless in the one use that honest files make of them, unknown in any other."""

import io
import json
import pickle
import re
from importlib import resources

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from smoke_gate.evidence import Globals
from smoke_gate.probes.pickle.globals import Danger, judge
from smoke_gate.probes.pickle.known import Use, may_be
from tests.unit.probes.files import scanned, torch_legacy

LIST = json.loads(resources.files("smoke_gate.probes.pickle").joinpath("known_classes.json").read_text())
PARTS = [use.value for use in Use]
ROWS = np.random.default_rng(0).normal(size=(30, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)
NAMES = np.array(["yes", "no"], dtype=object)[LABELS]
FRAME = pd.DataFrame(
    {"a": ROWS[:, 0], "b": pd.Categorical(["x", "y", "z"] * 10), "t": pd.date_range("2026-01-01", periods=30)}
)

HONEST = {
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS),
    "labels that are objects": LogisticRegression().fit(ROWS, NAMES),
    "forest": RandomForestClassifier(3).fit(ROWS, LABELS),
    "boosting": GradientBoostingClassifier(n_estimators=2).fit(ROWS, LABELS),
    "histograms": HistGradientBoostingRegressor(max_iter=2).fit(ROWS, LABELS),
    "neighbours": KNeighborsClassifier(algorithm="kd_tree").fit(ROWS, LABELS),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, scoring="accuracy").fit(
        ROWS, LABELS
    ),
    "columns": ColumnTransformer([("n", StandardScaler(), ["a"]), ("c", OneHotEncoder(), ["b"])]).fit(FRAME),
    "text": TfidfVectorizer().fit(["a word", "another word"]),
    "function": FunctionTransformer(np.log1p).fit(ROWS),
    "frame": FRAME,
    "series": FRAME["a"],
    "index": FRAME.index,
    "sparse": scipy.sparse.random(5, 5, 0.5, format="csr", random_state=0),
}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", HONEST.values(), ids=HONEST)
def test_what_people_save_is_harmless(value, protocol):
    assert scanned(pickle.dumps(value, protocol)) == (Globals(), None)


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("value", HONEST.values(), ids=HONEST)
def test_what_people_save_by_joblib_is_harmless(value, compress, tmp_path):
    from tests.unit.probes.files import probed

    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compress)
    artifact = probed(tmp_path, buffer.getvalue(), "model.joblib")
    assert (artifact.globals, artifact.problem, artifact.unread) == (Globals(), None, None)


def test_an_estimator_of_protocol_0():
    assert scanned(pickle.dumps(StandardScaler().fit(ROWS), 0)) == (Globals(), None)


SCALER = "sklearn.preprocessing._data.StandardScaler"
CLASS = b"csklearn.preprocessing._data\nStandardScaler\n"
OTHERWISE = {
    "called": CLASS + b")R.",
    "called with an argument": CLASS + b"N\x85R.",
    "made with an argument": CLASS + b"N\x85\x81.",
    "made with a keyword": CLASS + b")}\x92.",
    "instance of protocol 0": b"(isklearn.preprocessing._data\nStandardScaler\n.",
    "object of protocol 1": b"(" + CLASS + b"o.",
    "an argument": b"cbuiltins\nset\n" + CLASS + b"\x85R.",
    "in a list": b"](" + CLASS + b"e.",
    "left": CLASS + b"N.",
    "the object called": CLASS + b")\x81)R.",
    "the object called from the memo": CLASS + b")\x81q\x000h\x00)R.",
    "items": CLASS + b")\x81(U\x01aNu.",
    "one item": CLASS + b")\x81U\x01aNs.",
    "appended": CLASS + b")\x81Na.",
    "extended": CLASS + b")\x81(Ne.",
    "the object as a class": b"(" + CLASS + b")\x81No.",
    "the object as a class of protocol 2": CLASS + b")\x81)\x81.",
    "made once, and left once": CLASS + b"q\x00)\x81h\x00N.",
}


@pytest.mark.parametrize("data", OTHERWISE.values(), ids=OTHERWISE)
def test_any_other_use_of_a_class_is_unknown(data):
    found, _ = scanned(b"\x80\x02" + data)
    assert (found.dangerous, found.unknown) == ((), (SCALER,))


@pytest.mark.parametrize(
    "data", [CLASS + b")\x81.", CLASS + b".", b"}U\x01a" + CLASS + b"s.", CLASS + b"q\x00)\x810h\x00)\x81}b."]
)
def test_a_class_may_be_made_empty_and_lie_in_a_dict(data):
    assert scanned(b"\x80\x02" + data) == (Globals(), None)


PLAIN = b"csklearn.gaussian_process.kernels\nRBF\n)\x81"  # it has no __setstate__


@pytest.mark.parametrize("state", [b"N}U\x01aNs\x86", b"N", b"]", b"cbuiltins\ndict\n)R"])
def test_a_state_that_sets_more_than_plain_attributes_is_unknown(state):
    assert scanned(b"\x80\x02" + PLAIN + b"}b.") == (Globals(), None)
    found, _ = scanned(b"\x80\x02" + PLAIN + state + b"b.")
    assert found.unknown == ("sklearn.gaussian_process.kernels.RBF",)


DATA = b"cstatsmodels.base.data\nPandasData\n)\x81"


@pytest.mark.parametrize(
    "state",
    [
        b"}U\x12restore_model_specNs",
        b"}U\x13restore_design_infoNs",
        b"}cbuiltins\nstr\n)RNs",  # a key that is computed
        b"N",
    ],
)
def test_a_formula_that_loading_evaluates_is_unknown(state):
    assert scanned(b"\x80\x02" + DATA + b"}U\x05endogNsb.") == (Globals(), None)
    found, _ = scanned(b"\x80\x02" + DATA + state + b"b.")
    assert found.unknown == ("statsmodels.base.data.PandasData",)


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_the_list_is_in_order(part):
    modules = LIST[part]
    assert [*modules] == sorted(modules)
    for names in modules.values():
        assert names.split() == sorted(set(names.split()))
        assert all(map(re.compile(r"[A-Za-z_]\w*").fullmatch, names.split()))


def test_the_list_names_its_versions():
    assert all(re.match(r"\d+\.\d+", versions) for versions in LIST["versions"].values())


@pytest.mark.parametrize("part", PARTS)
def test_nothing_on_the_list_is_dangerous(part):
    listed = [(module, name) for module, names in LIST[part].items() for name in names.split()]
    assert [one for one in listed if judge(*one) is Danger.DANGEROUS] == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("scipy.stats._continuous_distns", "norm_gen"),  # executes a text of its state
        ("xgboost.core", "DMatrix"),  # frees the address in its state
        ("lightgbm.basic", "Dataset"),
        ("sklearn.utils._testing", "assert_run_python_script_without_output"),
        ("sklearn.utils", "Bunch"),
        ("sklearn.callback._scoring_monitor", "ScoringMonitor"),  # opens a connection
        ("sklearn.datasets._base", "load_files"),
        ("pandas", "read_pickle"),
        ("pandas", "ExcelWriter"),
        ("pandas", "HDFStore"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.nn", "os"),
        ("statsmodels.tools._test_runner", "PytestTester"),  # its call runs files, and writes them
        ("sklearn.utils.parallel", "Parallel"),  # its call calls what is in a list
        ("lightgbm.basic", "_TempFile"),
        ("torch.distributed.checkpoint.filesystem", "FileSystem"),
        ("functools", "partial"),
        ("joblib", "Memory"),
        ("transformers.models.bert.configuration_bert", "BertConfig"),  # calls what its state names
    ],
)
def test_what_runs_code_or_opens_files_is_not_on_the_list(module, name):
    assert not any(may_be(use, module, name) for use in Use)


def test_the_caller_of_a_function_calls_a_global_only():
    caller = b"cjax._src.array\n_reconstruct_array\n"
    rebuild = b"cnumpy._core.multiarray\n_reconstruct\n"
    assert scanned(b"\x80\x02" + caller + b"(" + rebuild + b")NNtR.") == (Globals(), None)
    found, _ = scanned(b"\x80\x02" + caller + b"(" + CLASS + b")\x81)NNtR.")
    assert found.unknown == ("jax._src.array._reconstruct_array", SCALER)


OBJECT = CLASS + b")\x81"
HIDDEN = {
    "itself": OBJECT + b"\x85",
    "the second": b"N" + OBJECT + b"\x86",
    "one of many": b"(" + 20 * b"N" + OBJECT + b"t",
    "in a tuple": OBJECT + b"\x85\x85",
    "in a dict": b"}U\x01a" + OBJECT + b"s\x85",
    "under a long key": b"}X\x40\x00\x00\x00" + 64 * b"k" + OBJECT + b"s\x85",
    "behind many keys": b"}"
    + b"".join(b"U\x02%02dNs" % at for at in range(20))
    + b"U\x01a"
    + OBJECT
    + b"s\x85",
    "arguments from the memo": OBJECT + b"\x85q\x010h\x01",
    "itself from the memo": OBJECT + b"q\x010h\x01\x85",
}
CALLS = {
    "one that calls its argument": b"ctorch._tensor\n_rebuild_from_type_v2\n",
    "one that calls its second": b"cnumpy.random._pickle\n__generator_ctor\n",
    "one that calls a method of its argument": b"ctorch.nn.parameter\nParameter\n",
    "one that takes it as a text": b"cbuiltins\nstr\n",
    "what another call made": b"cbuiltins\nset\n)R",
}


@pytest.mark.parametrize("arguments", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("maker", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("call", [b"R", b"\x81", b"}\x92"], ids=["call", "new", "new with keywords"])
def test_an_object_of_a_known_class_is_no_argument_of_a_call(maker, arguments, call):
    found, _ = scanned(b"\x80\x02" + maker + arguments + call + b".")
    assert found.unknown == (SCALER,)


def test_nor_a_keyword_of_one():
    found, _ = scanned(
        b"\x80\x02" + CALLS["one that takes it as a text"] + b")}U\x06object" + OBJECT + b"s\x92."
    )
    assert found.unknown == (SCALER,)


@pytest.mark.parametrize("function", ["restore_type_tag", "build_tensorlist"])
def test_a_function_that_returns_its_argument_changes_nothing(function):
    same = f"ctorch.jit._pickle\n{function}\n".encode()
    found, _ = scanned(b"\x80\x02" + same + CLASS + b")\x81\x85R)R.")
    assert found.unknown == (SCALER,)
    found, _ = scanned(b"\x80\x02" + same + b"cargparse\nNamespace\n\x85R" + b"N}U\x01aNs\x86b.")
    assert found.dangerous == ("argparse.Namespace.__setattr__",)


HOLDERS = {
    "namespace": b"ctypes\nSimpleNamespace\n)R",
    "arguments": b"cargparse\nNamespace\n)\x81",
    "dict": b"ccollections\nOrderedDict\n)R",
    "tensor": b"ctorch\nTensor\n)R",
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_an_attribute_does_not_hide_an_object_from_a_call(holder):
    """A callee may take the attribute for a method and call it."""
    found, _ = scanned(
        b"\x80\x02ctorch.nn.parameter\nParameter\n" + holder + b"}U\x06detach" + OBJECT + b"sb\x85R."
    )
    assert found.dangerous == ()
    assert len(found.unknown) == 1


# --- two readers of the same bytes ------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def test_an_array_of_objects_that_a_plain_unpickler_reads_otherwise():
    """joblib starts anew within the array; a plain unpickler goes on with the memo that it has."""
    wrapper = NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype(object))
    outer = pickle.dumps(wrapper, protocol=3)[:-2]  # without BUILD and STOP
    outer += text("os") + b"q\x00" + b"0" + text("system") + b"q\x010" + b"b"
    inner = b"\x80\x04" + text("numpy") + b"\x940" + text("ndarray") + b"\x940h\x00h\x01\x93."
    assert scanned(inner) == (Globals(), None)
    assert scanned(outer + inner + b".")[0].dangerous == ("os.system",)


class Tensor:
    """A tensor as any pickler but torch's sees it."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def with_loader(data: bytes, times: int = 1) -> bytes:
    body = b"B" + len(data).to_bytes(4, "little") + data + b"\x85R"
    return (
        b"\x80\x03](" + b"".join(b"ctorch.storage\n_load_from_bytes\n" + body for _ in range(times)) + b"e."
    )


def test_a_tensor_within_a_plain_pickle_is_scanned(monkeypatch):
    assert scanned(with_loader(torch_legacy(monkeypatch), 2)) == (Globals(), None)
    evil = torch_legacy(monkeypatch).replace(b"ctorch._utils\n_rebuild_tensor_v2\n", b"cos\nsystem\n")
    assert scanned(with_loader(evil))[0].dangerous == ("os.system",)


@pytest.mark.parametrize(
    "data", [with_loader(pickle.dumps([1])), b"\x80\x03ctorch.storage\n_load_from_bytes\nC\x01N0N\x85R."]
)
def test_what_is_not_a_tensor_is_as_dangerous_as_its_loader(data):
    assert scanned(data)[0].dangerous == ("torch.storage._load_from_bytes",)


def test_a_tensor_within_a_plain_pickle_that_is_cut_off(monkeypatch):
    assert "torch storages" in (scanned(with_loader(torch_legacy(monkeypatch)[:-1]))[1] or "")
