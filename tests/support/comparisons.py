"""Shapes of real matrices: two that are not a fair comparison, and those that only look so.

Each is what training code of that kind leaves in MLflow, with numbers of its own. Cells and seeds are the params
``model`` and ``seed``, unless the shape says otherwise.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import yaml

from tests.support.recorded import MINUTE, START, Recipe, npz


@dataclass(frozen=True)
class Shape:
    """A matrix, its policy, and the kinds of findings that its owner would call right, with a word of each."""

    recipes: list[Recipe]
    comparison: Mapping[str, Any] = field(default_factory=dict)
    cell: str = "params.model"
    seed: str = "params.seed"
    expected: Mapping[str, str] = field(default_factory=dict)

    def policy(self, cells: list[str], seeds: list[str]) -> str:
        """Return the policy file of the shape."""
        return yaml.safe_dump(
            {
                "version": 1,
                "profile": "basic",
                "experiment": "stage05",
                "runs": {"cell": self.cell, "seed": self.seed},
                "plan": {"cells": cells, "seeds": seeds},
                "gates": {"comparison": dict(self.comparison)},
            },
            sort_keys=False,
        )


def _pairs(cells: tuple[str, ...], seeds: tuple[str, ...]) -> list[tuple[int, str, str]]:
    return [(index, cell, seed) for index, (cell, seed) in enumerate(product(cells, seeds))]


def _run(index: int, cell: str, seed: str, params: Mapping[str, str], **facts: Any) -> Recipe:
    metrics: Mapping[str, tuple[float, ...]] = facts.pop("metrics", {"loss": (2.0, 1.0 + index / 7)})
    artifacts: Mapping[str, bytes] = facts.pop("artifacts", {"model.npz": npz(f"{cell}/{seed}")})
    return Recipe(
        name=f"{cell}-{seed}",
        params={"model": cell, "seed": seed, **params},
        metrics=metrics,
        artifacts=artifacts,
        start=START + index * MINUTE,
        **facts,
    )


# --- not fair ---------------------------------------------------------------------------------------------------------


def another_library() -> Shape:
    """One seed was trained under scikit-learn 1.1.3, which has another default, the others under 1.2.0."""
    recipes = [
        _run(
            index, cell, seed, {"max_features": "auto", "n_estimators": "100"},
            artifacts=_model("1.1.3" if seed == "4656" else "1.2.0", f"{cell}/{seed}"),
        )
        for index, cell, seed in _pairs(("forest", "boosting", "linear"), ("12", "901", "4656", "77"))
    ]  # fmt: skip
    return Shape(recipes, expected={"environment": "scikit-learn 1.1.3"})


def _model(version: str, text: str) -> dict[str, bytes]:
    """Return what MLflow 2 logs of a model of scikit-learn."""
    description = {
        "artifact_path": "model",
        "flavors": {
            "python_function": {"loader_module": "mlflow.sklearn", "python_version": "3.9.16"},
            "sklearn": {"code": None, "pickled_model": "model.pkl", "sklearn_version": version},
        },
        "mlflow_version": "2.3.0",
        "model_uuid": text,
        "run_id": text,
        "utc_time_created": "2023-05-01 10:00:00.000000",
    }  # fmt: skip
    environment = {"python": "3.9.16", "dependencies": ["-r requirements.txt"]}
    return {
        "model/MLmodel": yaml.safe_dump(description).encode(),
        "model/model.pkl": pickle.dumps({"coefficients": [float(ord(letter)) for letter in text]}),
        "model/python_env.yaml": yaml.safe_dump(environment).encode(),
        "model/requirements.txt": f"scikit-learn=={version}\n".encode(),
    }


def other_samples() -> Shape:
    """Two cells were evaluated on all 668 samples, one on a single one, as the clocks of the HF Trainer show."""
    recipes = [
        _run(
            index, cell, seed, {"num_train_epochs": "3"},
            metrics={"eval_loss": (0.9, 0.4 + index / 90), **_clocks(index, "eval", 1 if cell == "gpt2" else 668)},
        )
        for index, cell, seed in _pairs(("bert", "gpt2", "roberta"), ("1", "2", "3"))
    ]  # fmt: skip
    return Shape(recipes, expected={"evaluation": "with 1 sample"})


def _clocks(index: int, prefix: str, samples: int) -> dict[str, tuple[float, ...]]:
    """Return runtime and rate as the HF Trainer rounds them, on a machine that is never equally fast."""
    seconds = 3.0 + 0.7131 * index + samples / 300
    rate, runtime = round(samples / seconds, 3), round(seconds, 4)
    return {f"{prefix}_runtime": (runtime,), f"{prefix}_samples_per_second": (rate,)}


# --- fair -------------------------------------------------------------------------------------------------------------


def nested_tuning() -> Shape:
    """Each cell is tuned anew in each fold, which the policy says by ``varies``."""
    recipes = [
        _run(
            index, cell, fold,
            {"C": str((0.1, 1, 10)[index % 3]), "gamma": str((0.01, 0.1)[index % 2]), "tree.depth": str(3 + index % 4)},
        )
        for index, cell, fold in _pairs(("svm", "forest", "boosting"), ("0", "1", "2", "3", "4"))
    ]  # fmt: skip
    return Shape(recipes, {"varies": ["C", "gamma", "tree.*"]})


def undeclared_tuning() -> Shape:
    """The same, and nobody said that the params are tuned."""
    return Shape(nested_tuning().recipes, expected={"drift": "C differs between the seeds"})


def early_stopping() -> Shape:
    """Most seeds train to the last of 20 epochs, some stop before, as the policy says that they may."""
    recipes = [
        _run(
            index,
            cell,
            seed,
            {"patience": "3"},
            metrics={"val_loss": _curve(index, 14 if index % 4 == 3 else 20)},
        )
        for index, cell, seed in _pairs(("lstm", "tcn"), ("1", "2", "3", "4"))
    ]
    return Shape(recipes, {"early_stopping": True})


def ends_everywhere() -> Shape:
    """Every seed stops at a step of its own: nobody said so, and no run is the odd one."""
    recipes = [
        _run(index, cell, seed, {"patience": "3"}, metrics={"val_loss": _curve(index, 9 + index)})
        for index, cell, seed in _pairs(("lstm", "tcn"), ("1", "2", "3", "4"))
    ]
    return Shape(recipes)


def _curve(index: int, epochs: int) -> tuple[float, ...]:
    return tuple(1 / (1 + epoch) + index / 50 for epoch in range(epochs))


def model_configs() -> Shape:
    """HF models log their configuration, 229 params that differ by model; paths and ids differ by run."""
    recipes = [
        _run(
            index, cell, seed,
            {
                **{f"config.{number:03}": f"{cell if number % 3 else 'same'}-{number}" for number in range(229)},
                "output_dir": f"/scratch/{cell}/seed_{seed}/out",
                "logging_dir": f"runs/Feb{index + 10}_10-20-{index + 30}_node{index}",
                "run_name": f"{cell}-{seed}", "_name_or_path": f"/data/hub/{cell}", "data_seed": seed,
                "callback": f"<object at 0x7f{index}>", "local_rank": str(index % 2), "device": f"cuda:{index % 2}",
                "started": str(1_700_000_000 + index), "sweep.id": f"trial{index}",
            },
        )
        for index, cell, seed in _pairs(("bert", "gpt2", "roberta"), ("42", "43", "44"))
    ]  # fmt: skip
    return Shape(recipes)


def batch_sizes() -> Shape:
    """Large models have smaller batches, so that they have more steps, too."""
    recipes = [
        _run(
            index, cell, seed, {"batch_size": str(size), "accumulate": str(64 // size)},
            metrics={"val_loss": _curve(index, 640 // size)},
        )
        for index, cell, seed in _pairs(("small", "base", "large"), ("1", "2", "3"))
        for size in [{"small": 64, "base": 32, "large": 16}[cell]]
    ]  # fmt: skip
    return Shape(recipes)


def rounded_metrics() -> Shape:
    """Accuracies are rounded to four digits, and averaged over batches: nobody called them proportions."""
    recipes = [
        _run(
            index, cell, seed, {"test_count": "668", "train_count": "6000"},
            metrics={"accuracy": (round((500 + 7 * index) / 668, 4),), "batch_accuracy": (0.7512345678 + index / 99,)},
        )
        for index, cell, seed in _pairs(("bert", "gpt2"), ("1", "2", "3"))
    ]  # fmt: skip
    return Shape(recipes)


def real_factors() -> Shape:
    """The cells are models on data sets: both are in params, and each data set has a size of its own."""
    pairs = [(model, data) for model in ("svm", "forest") for data in ("iris", "wine")]
    recipes = [
        Recipe(
            name=f"{model}-{data}-{seed}",
            params={
                "model_name": model, "dataset_name": data, "random_state": str(seed), "n_features": sizes[0],
                "classes": sizes[1], "test_count": sizes[2],
            },
            metrics={"accuracy": (0.8 + index / 100,)},
            artifacts={"model.npz": npz(f"{model}/{data}/{seed}")},
            start=START + index * MINUTE,
        )
        for index, ((model, data), seed) in enumerate(product(pairs, (1, 2, 3)))
        for sizes in [{"iris": ("4", "3", "38"), "wine": ("13", "3", "45")}[data]]
    ]  # fmt: skip
    return Shape(recipes, cell="{params.model_name}_{params.dataset_name}", seed="params.random_state")


def clocks_of_equal_samples() -> Shape:
    """The HF Trainer's clocks say 668 samples in every run, each rounded; training clocks say something else."""
    recipes = [
        _run(
            index, cell, seed, {},
            metrics={
                "loss": (1.0 + index / 9,), **_clocks(index, "eval", 668), **_clocks(index, "train", 9000 + index),
            },
        )
        for index, cell, seed in _pairs(("bert", "gpt2", "roberta"), ("1", "2", "3"))
    ]  # fmt: skip
    return Shape(recipes)


SHAPES: Mapping[str, Callable[[], Shape]] = {
    "another library": another_library,
    "other samples": other_samples,
    "undeclared tuning": undeclared_tuning,
    "nested tuning": nested_tuning,
    "early stopping": early_stopping,
    "ends everywhere": ends_everywhere,
    "229 params of models": model_configs,
    "batch sizes": batch_sizes,
    "rounded metrics": rounded_metrics,
    "real factors": real_factors,
    "clocks of equal samples": clocks_of_equal_samples,
}
