"""Members of archives that name code in JSON; nothing is ever loaded."""

import base64
import io
import json
import pickle
from typing import Any

import numpy as np
import pytest

from smoke_gate.evidence import Globals
from smoke_gate.probes import documents
from tests.unit.probes.files import SHELL, probed, torch_zip, zipped


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


def agent(monkeypatch, **values: object) -> bytes:
    """Lay out an archive as stable-baselines3 does."""
    return zipped(
        {
            "data": json.dumps(values, indent=4).encode(),
            "pytorch_variables.pth": torch_zip(monkeypatch),
            "policy.pth": torch_zip(monkeypatch),
            "_stable_baselines3_version": b"2.3.2",
            "system_info.txt": b"- OS: Linux\n",
        }
    )


def pickled(data: bytes, shown: str = "<class 'x'>") -> dict[str, str]:
    return {":type:": shown, ":serialized:": base64.b64encode(data).decode()}


def test_an_honest_agent(tmp_path, monkeypatch):
    data = agent(
        monkeypatch,
        gamma=0.99,
        clip_range=float("nan"),
        _last_obs=pickled(pickle.dumps(np.ones(3))),
        policy_kwargs={**pickled(pickle.dumps({"net_arch": [64]})), "net_arch": [64]},
    )
    artifact = probed(tmp_path, data, "agent.zip")
    assert (artifact.problem, artifact.globals, artifact.holds) == (None, Globals(), "tensors")


def odd_base64(data: bytes) -> dict[str, str]:
    """Spell base64 as only a tolerant reader reads it, as stable-baselines3's is."""
    return {":serialized:": "!" + "-\n".join(base64.b64encode(data).decode())}


@pytest.mark.parametrize("value", [pickled(SHELL), odd_base64(SHELL), {"a": [{"b": pickled(SHELL)}]}])
def test_what_an_agent_would_run_is_dangerous(tmp_path, monkeypatch, value):
    artifact = probed(tmp_path, agent(monkeypatch, lr_schedule=value), "agent.zip")
    assert artifact.globals.dangerous == ("os.system",)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"a": 1, "a": 2}', "names a key twice"),
        (b"{", "not JSON"),
        (json.dumps({"a": {":serialized:": "abc"}}).encode(), "not base64"),
        (json.dumps({"a": pickled(b"\x80\x04")}).encode(), "cut off"),
        (json.dumps({"a": pickled(b"N." + SHELL)}).encode(), "after the end"),
    ],
)
def test_broken_data_of_an_agent(tmp_path, data, problem):
    assert problem in (probed(tmp_path, zipped({"data": data}), "agent.zip").problem or "")


def test_a_file_of_this_name_that_is_something_else(tmp_path):
    artifact = probed(tmp_path, zipped({"data": bytes(1000)}), "other.zip")
    assert (artifact.problem, artifact.globals) == (None, Globals())


def test_documents_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 100)
    artifact = probed(tmp_path, zipped({"data": b"{" + b" " * 100 + b"}"}), "agent.zip")
    assert "102 bytes of JSON" in (artifact.unread or "")


# --- skops ------------------------------------------------------------------------------------------------------------


def node(module: str, name: str, loader: str = "ObjectNode", **more: object) -> dict[str, object]:
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def skops(content: Any) -> bytes:
    schema = {
        **node("builtins", "dict", "DictNode"),
        "content": content,
        "protocol": 2,
        "_skops_version": "0.11",
    }
    return zipped({"140001.npy": npy(), "schema.json": json.dumps(schema).encode()})


SKOPS: dict[str, tuple[Any, Globals]] = {
    "harmless": (
        {
            "a": node("numpy", "ndarray", "NdArrayNode", type="numpy", file="140001.npy"),
            "b": node("builtins", "int"),
        },
        Globals(),
    ),
    "a class of one's own": (node("mine.model", "Net"), Globals(unknown=("mine.model.Net",))),
    "a function": (node("os", "system", "FunctionNode"), Globals(dangerous=("os.system",))),
    "a function, as before 0.9": (
        node("os", "function", "FunctionNode", content={"module_path": "os", "function": "system"}),
        Globals(dangerous=("os.system",)),
    ),
    "a type that looks like a function": (
        node("mine", "function", "TypeNode", content={"module_path": "builtins", "function": "str"}),
        Globals(unknown=("mine.function",)),
    ),
    "a method that leads elsewhere": (
        node("mine", "Net", "MethodNode", content={"func": "__globals__", "obj": node("mine", "Net")}),
        Globals(dangerous=("mine.Net.__globals__",), unknown=("mine.Net",)),
    ),
    "CVE-2025-54412: an operator": (
        node("operator", "methodcaller", "OperatorFuncNode", attrs=node("builtins", "tuple", "TupleNode")),
        Globals(dangerous=("operator.methodcaller",)),
    ),
    "a type": (node("subprocess", "Popen", "TypeNode"), Globals(dangerous=("subprocess.Popen",))),
    "inside": ({"a": [[{"b": node("posix", "system")}]]}, Globals(dangerous=("posix.system",))),
}


@pytest.mark.parametrize(("content", "expected"), SKOPS.values(), ids=SKOPS)
def test_what_a_schema_names_is_judged(tmp_path, content, expected):
    artifact = probed(tmp_path, skops(content), "model.skops")
    assert artifact.globals == expected
    assert artifact.problem is None
    assert artifact.holds == "tensors"


@pytest.mark.parametrize(
    "content", [{"__class__": 1}, {"__module__": []}, node("a", "b", "MethodNode", content=3)]
)
def test_odd_schemas(tmp_path, content):
    assert probed(tmp_path, skops(content), "model.skops").problem is None


def test_a_broken_schema(tmp_path):
    data = zipped({"schema.json": b"{"})
    assert "schema.json" in (probed(tmp_path, data, "model.skops").problem or "")
