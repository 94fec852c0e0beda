"""Stores that MLflow's autologging leaves. Each says by which versions it was learnt what is written."""

import logging
from collections.abc import Iterable
from functools import partial
from itertools import product
from pathlib import Path
from unittest import mock

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

from tests.stores.shape import Answer, Left, StoreShape, Trained, mlmodel, runs
from tests.support.fluent import fluent_store
from tests.support.recorded import Recipe, npz

_FORMATS = Path(__file__).parents[1] / "fixtures" / "formats"
_TAGS = {"mlflow.user": "ada", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
_OPEN: dict[str, str] = dict.fromkeys(
    [
        "base_score",
        "colsample_bytree",
        "device",
        "eval_metric",
        "gamma",
        "max_bin",
        "n_jobs",
        "subsample",
        "verbosity",
    ],
    "None",
)  # what XGBoost's scikit-learn interface logs of settings that nobody set


def _data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(seed).normal(size=(60, 4))
    return values, (values[:, 0] + values[:, 1] > 0).astype(int)


def _fitted(folder: Path, models: Iterable[BaseEstimator]) -> Left:
    """Fit scikit-learn's models with autologging; what a model requires is not looked for, which takes seconds."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    folder.mkdir()
    with (
        fluent_store(folder),
        mock.patch("mlflow.models.infer_pip_requirements", return_value=["scikit-learn"]),
    ):
        mlflow.set_experiment("stage05")
        mlflow.sklearn.autolog(
            silent=True, log_input_examples=False, log_model_signatures=False, log_datasets=False
        )
        try:
            for seed, model in enumerate(models):
                with mlflow.start_run():
                    model.fit(*_data(seed))
        finally:
            mlflow.sklearn.autolog(disable=True)
    return Left(f"sqlite:///{folder / 'mlflow.db'}", ("stage05",))


def scikit_learn(folder: Path, _client: MlflowClient) -> Left:
    """Fit two estimators with two seeds, by the scikit-learn of the lock."""
    models = [
        make(random_state=seed)
        for seed in (0, 1)
        for make in (LogisticRegression, partial(RandomForestClassifier, 3))
    ]
    return _fitted(folder, models)


def grid_search(folder: Path, _client: MlflowClient) -> Left:
    """Search a grid for two estimators: parents hold the best models, children one trial each and no model."""
    return _fitted(
        folder,
        [
            GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
            GridSearchCV(DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2]}, cv=2),
        ],
    )


def _xgboost_model(index: int) -> dict[str, bytes]:
    content = (_FORMATS / "trees.ubj").read_bytes().replace(b"5.077705E-1", b"5.07770%dE-1" % index)
    return {"MLmodel": mlmodel("xgboost", "model.ubj"), "model.ubj": content}


def xgboost(_folder: Path, client: MlflowClient) -> Left:
    """Leave what XGBoost 3.2 and MLflow 3.17 log of `XGBClassifier.fit` with two sets of data: two depths."""
    pairs = enumerate(product(("3", "6"), (0, 1, 2)))
    return runs(
        client,
        "xgboost",
        [
            Trained(
                Recipe(
                    name=f"capable-jay-{100 + index}",
                    params={
                        **_OPEN, "objective": "binary:logistic", "max_depth": depth, "random_state": str(seed),
                        "num_boost_round": "3", "early_stopping_rounds": "None", "verbose_eval": "False",
                    },
                    tags=_TAGS,
                    metrics={
                        "validation_0-logloss": (0.6, 0.238 + index / 100),
                        "validation_1-logloss": (0.7, 0.378 + index / 90),
                    },
                    artifacts={"feature_importance_weight.json": b'{"f0": 3.0}'},
                ),
                model=_xgboost_model(index),
            )
            for index, (depth, seed) in pairs
        ],
    )  # fmt: skip


def lightgbm(_folder: Path, client: MlflowClient) -> Left:
    """Leave what LightGBM 4.7 and MLflow 3.17 log of `lgb.train` with training and validation data: two boostings."""
    text = (_FORMATS / "trees.lgb").read_bytes()
    pairs = enumerate(product(("gbdt", "dart"), (1, 2, 3)))
    return runs(
        client,
        "lightgbm",
        [
            Trained(
                Recipe(
                    name=f"serious-rook-{100 + index}",
                    params={
                        "objective": "binary", "boosting_type": boosting, "seed": str(seed), "verbose": "-1",
                        "num_boost_round": "3", "keep_training_booster": "False",
                    },
                    tags=_TAGS,
                    metrics={
                        "training-binary_logloss": (0.6, 0.451 + index / 100),
                        "valid_1-binary_logloss": (0.7, 0.456 + index / 90),
                    },
                    artifacts={"feature_importance_gain.json": b'{"f0": 3.0}'},
                ),
                model={
                    "MLmodel": mlmodel("lightgbm", "model.lgb"),
                    "model.lgb": text.replace(b"leaf_value=0.6", b"leaf_value=0.%d" % (index + 1)),
                },
            )
            for index, (boosting, seed) in pairs
        ],
    )  # fmt: skip


def keras(_folder: Path, client: MlflowClient) -> Left:
    """Leave what Keras 3.15 and MLflow 3.17 log of `fit`: nothing says the model and the seed but the runs' names."""
    pairs = enumerate(product(("mlp", "cnn"), (1, 2, 3)))
    return runs(
        client,
        "keras",
        [
            Trained(
                Recipe(
                    name=f"{net}_seed{seed}",
                    params={
                        "epochs": "2", "batch_size": "None", "shuffle": "True", "validation_split": "0.0",
                        "optimizer_name": "adam", "optimizer_learning_rate": "0.0010000000474974513",
                        "optimizer_beta_1": "0.9", "optimizer_epsilon": "1e-07", "steps_per_epoch": "None",
                    },
                    tags=_TAGS,
                    metrics={
                        name: (value + 1.0, value + index / 50)
                        for name, value in (
                            ("loss", 1.9), ("mae", 1.1), ("val_loss", 2.0), ("val_mae", 1.2), ("validation_loss", 2.0),
                            ("validation_mae", 1.2),
                        )
                    },
                    artifacts={"model_summary.txt": b"Model"},
                ),
                model={"MLmodel": mlmodel("keras", "model.npz"), "model.npz": npz(f"{net}/{seed}")},
            )
            for index, (net, seed) in pairs
        ],
    )  # fmt: skip


AUTOLOGS = (
    StoreShape(
        "scikit-learn",
        scikit_learn,
        Answer(
            cell="tags.estimator_name", seed="params.random_state", seeds=("0", "1"),
            cells=("LogisticRegression", "RandomForestClassifier"), metric="training_score", figures=("*.png",),
        ),
    ),
    StoreShape(
        "scikit-learn grid search",
        grid_search,
        Answer(
            cell="params.estimator", metric="best_cv_score",
            cells=("Ridge()", "DecisionTreeRegressor(random_state=0)"),
        ),
    ),
    StoreShape(
        "XGBoost",
        xgboost,
        Answer(
            cell="params.max_depth", seed="params.random_state", cells=("3", "6"), seeds=("0", "1", "2"),
            metric="validation_0-logloss",
        ),
    ),
    StoreShape(
        "LightGBM",
        lightgbm,
        Answer(
            cell="params.boosting_type", seed="params.seed", cells=("gbdt", "dart"), seeds=("1", "2", "3"),
            metric="valid_1-binary_logloss", rules=("valid_1-binary_logloss / training-binary_logloss",),
        ),
    ),
    StoreShape(
        "Keras",
        keras,
        Answer(
            cell=r"run_name:(?P<cell>.+?)[-_./ ]+(?:seed|s)[-_=]?(?P<seed>\d+)",
            seed=r"run_name:(?P<cell>.+?)[-_./ ]+(?:seed|s)[-_=]?(?P<seed>\d+)",
            cells=("mlp", "cnn"), seeds=("1", "2", "3"), metric="val_mae", rules=("val_loss / loss",),
        ),
    ),
)  # fmt: skip
