"""Stores that training scripts of one's own leave, with the habits that such scripts have."""

from itertools import product
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from tests.stores.shape import Answer, Left, StoreShape, Trained, plain, runs
from tests.support.recorded import Recipe

_SEEDS = (1, 2, 3)


def _metrics(index: int) -> dict[str, tuple[float, ...]]:
    return {
        "val_acc": (0.2, 0.51 + index / 70),
        "val_loss": (2.1, 1.13 + index / 30),
        "train_loss": (2.0, 1.0 + index / 31),
    }


def unnamed(_folder: Path, client: MlflowClient) -> Left:
    """Leave runs that MLflow named, as `mlflow.start_run()` without a name does."""
    pairs = enumerate(product(("lora", "full"), _SEEDS))
    names = ("gaudy-moth-123", "rare-shrike-7", "bold-fox-99", "calm-owl-4", "big-whale-905", "upset-koi-131")
    recipes = [
        Recipe(names[index], {"method": method, "seed": str(seed), "rank": "8"}, metrics=_metrics(index))
        for index, (method, seed) in pairs
    ]
    return runs(client, "unnamed", plain(recipes))


def repeats(_folder: Path, client: MlflowClient) -> Left:
    """Leave three repeats of each variant, and no seed: nothing that they log tells them apart."""
    recipes = [
        Recipe(f"run{index}", {"backbone": net, "epochs": "5"}, metrics=_metrics(index))
        for index, (net, _) in enumerate(product(("gru", "tcn"), _SEEDS))
    ]
    return runs(client, "repeats", plain(recipes))


def stamps(_folder: Path, client: MlflowClient) -> Left:
    """Leave times, ids, states, addresses and outcomes as params and tags, beside the one setting that varies."""
    recipes = [
        Recipe(
            f"20240501-10{index:02}12",
            params={
                "augment": augment, "seed": str(seed), "started_at": f"2024-05-01T10:{index:02}:12",
                "timestamp": str(1_714_558_272 + index * 61), "train_time_sec": f"{30 + index}.5",
                "model": f"<__main__.Net object at 0x7f12c0{index}d>", "job_id": str(4_100_200 + index),
                "run_uuid": f"0b6f1e2c-7a{index}d-4c5e-9f00-1234567890ab", "host": f"gpu-{index % 2}",
                "best_val_acc": str(0.5 + index // 3), "out": f"/scratch/runs/{index % 2}",
            },
            tags={"run_status": ("completed", "resumed")[index % 2], "Run ID": f"{index}badc0de{index}"},
            metrics={**_metrics(index), "train_time_sec": (30.5 + index,)},
        )
        for index, (augment, seed) in enumerate(product(("mixup", "none"), _SEEDS))
    ]  # fmt: skip
    return runs(client, "stamps", plain(recipes))


def metrics_of_some(_folder: Path, client: MlflowClient) -> Left:
    """Leave a matrix in which only cells with a quantiser log its metrics."""
    recipes = []
    for index, (variant, seed) in enumerate(product(("plain", "vq", "vq_ema"), _SEEDS)):
        own = {"vq_loss": (0.1 + index / 80,)} if variant != "plain" else {}
        params = {"variant": variant, "seed": str(seed)}
        recipes.append(Recipe(f"{variant}-{seed}", params, metrics={**_metrics(index), **own}))
    return runs(client, "metrics of some", plain(recipes))


def experiments(_folder: Path, client: MlflowClient) -> Left:
    """Leave an experiment for each variant: nothing else says which variant a run is."""
    for number, variant in enumerate(("baseline", "distilled")):
        recipes = [
            Recipe(f"try {seed}", {"seed": str(seed), "epochs": "5"}, metrics=_metrics(3 * number + seed))
            for seed in _SEEDS
        ]
        runs(client, variant, plain(recipes), first=10 * number)
    return Left(client.tracking_uri, ("baseline", "distilled"))


def parents(_folder: Path, client: MlflowClient) -> Left:
    """Leave a parent for each variant that has nothing but its name, and a child for each seed."""
    trained = [Trained(Recipe(f"sweep-{net}")) for net in ("lstm", "gru")]
    for index, (net, seed) in enumerate(product(("lstm", "gru"), _SEEDS)):
        trained.append(
            Trained(Recipe("child", {"seed": str(seed)}, metrics=_metrics(index)), parent=f"sweep-{net}")
        )
    return runs(client, "parents", trained)


def names(_folder: Path, client: MlflowClient) -> Left:
    """Leave runs that say who they are by their names only, and whose variants end in numbers themselves."""
    recipes = [
        Recipe(f"{net}-s{seed}", {"epochs": "5"}, metrics=_metrics(index))
        for index, (net, seed) in enumerate(product(("resnet-18", "resnet-50"), _SEEDS))
    ]
    return runs(client, "names", plain(recipes))


def numbered(_folder: Path, client: MlflowClient) -> Left:
    """Leave runs named by a number that may be anything: `resnet-18` is not a seed of `resnet`."""
    recipes = [
        Recipe(f"resnet-{depth}", {"epochs": "5"}, metrics=_metrics(index))
        for index, depth in enumerate((18, 34, 50))
    ]
    return runs(client, "numbered", plain(recipes))


def grid(_folder: Path, client: MlflowClient) -> Left:
    """Leave a search over numbers without seeds: no setting is more of a cell than the other."""
    recipes = [
        Recipe(f"try {index}", {"lr": rate, "width": width}, metrics=_metrics(index))
        for index, (rate, width) in enumerate(product(("0.1", "0.01", "0.001"), ("8", "16")))
    ]
    return runs(client, "grid", plain(recipes))


_SCRIPT: dict[str, Any] = {"seeds": ("1", "2", "3"), "metric": "val_acc", "rules": ("val_loss / train_loss",)}
_NAMED = r"run_name:(?P<cell>.+?)[-_./ ]+(?:seed|s)[-_=]?(?P<seed>\d+)"


def _answer(**facts: Any) -> Answer:
    return Answer(**{"seed": "params.seed", **_SCRIPT, **facts})


HABITS = (
    StoreShape("unnamed runs", unnamed, _answer(cell="params.method", cells=("lora", "full"))),
    StoreShape(
        "repeats without seeds",
        repeats,
        _answer(
            cell="params.backbone", seed="none", seeds=(), cells=("gru", "tcn"),
            findings=frozenset([("G0", "pair")]),
        ),
    ),
    StoreShape("stamps and ids", stamps, _answer(cell="params.augment", cells=("mixup", "none"))),
    StoreShape(
        "metrics of some cells",
        metrics_of_some,
        _answer(
            cell="params.variant", cells=("plain", "vq", "vq_ema"),
            of_cells={"vq": ("vq_loss",), "vq_ema": ("vq_loss",)},
        ),
    ),
    StoreShape(
        "an experiment a cell",
        experiments,
        _answer(cell="experiment", cells=("baseline", "distilled"), experiments=("baseline", "distilled")),
    ),
    StoreShape(
        "cells in the names of parents",
        parents,
        _answer(cell="parent.tags.mlflow.runName", cells=("sweep-lstm", "sweep-gru")),
    ),
    StoreShape("names alone", names, _answer(cell=_NAMED, seed=_NAMED, cells=("resnet-18", "resnet-50"))),
    StoreShape("numbered names", numbered, _answer(cell=None)),
    StoreShape("search without seeds", grid, _answer(cell=None, asks=("params.lr", "params.width"))),
)  # fmt: skip
