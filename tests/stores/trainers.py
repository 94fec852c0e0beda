"""Stores that trainers and searches leave. Each says by which versions it was learnt what is written."""

from itertools import product
from pathlib import Path

from mlflow import MlflowClient

from tests.stores.shape import Answer, Left, StoreShape, Trained, plain, runs
from tests.support.recorded import Recipe, npz

_SEEDS = (1, 2, 3)
_TAGS = {"mlflow.user": "ada", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
_METADATA = b"Checkpoint:\n  mode: min\n  monitor: null\n  save_top_k: 1\nscore: null\n"


def lightning(_folder: Path, client: MlflowClient) -> Left:
    """Leave what Lightning 2.6 logs by `MLFlowLogger(log_model="all")` and `save_hyperparameters`, as its CLI runs it.

    A checkpoint lies in a folder of its own name, at the root.
    """
    recipes = []
    for index, (arch, seed) in enumerate(product(("resnet18", "vit_tiny"), _SEEDS)):
        name = f"epoch=1-step={4 + index}"
        recipes.append(
            Recipe(
                name=f"charming-grub-{100 + index}",
                params={
                    "model/arch": arch, "model/hidden_dim": "8", "optimizer/lr": "0.001", "seed_everything": str(seed),
                    "_instantiator": "lightning.pytorch.cli.instantiate_module", "data/root": "/data/cifar",
                    "trainer/max_epochs": "2", "trainer/logger": f"<MLFlowLogger object at 0x7f1{index}aa>",
                },
                tags=_TAGS,
                metrics={
                    "train/loss_step": (1.6, 1.5 + index / 10), "train/loss_epoch": (1.6, 1.5 + index / 10),
                    "val/loss": (1.5, 1.4 + index / 10), "val/acc": (0.2, 0.6 + index / 50), "epoch": (0.0, 1.0),
                    "lr-Adam": (0.1, 0.01),
                },
                artifacts={
                    f"{name}/{name}.ckpt": npz(f"{arch}/{seed}"),
                    f"{name}/metadata.yaml": _METADATA,
                    f"{name}/aliases.txt": b"['latest', 'best']",
                },
            )
        )  # fmt: skip
    return runs(client, "lightning", plain(recipes))


def trainer(_folder: Path, client: MlflowClient) -> Left:
    """Leave what the callback of transformers 5.24 logs of a `Trainer`: its arguments and the model's configuration."""
    models = {"bert-base-uncased": ("bert", "30522", "12"), "roberta-base": ("roberta", "50265", "12")}
    recipes = [
        Recipe(
            name=f"chill-owl-{100 + index}",
            params={
                "_name_or_path": name, "model_type": models[name][0], "vocab_size": models[name][1],
                "num_hidden_layers": models[name][2], "seed": str(seed), "data_seed": "None",
                "hub_token": "<HUB_TOKEN>", "output_dir": f"/scratch/out/{name}-{seed}", "run_name": "None",
                "learning_rate": "5e-05", "num_train_epochs": "1", "per_device_train_batch_size": "8",
                "local_rank": "-1", "transformers_version": "5.24.0", "optim": "adamw_torch_fused", "id2label": "{}",
            },
            tags=_TAGS,
            metrics={
                "loss": (0.7, 0.6 + index / 100), "train_loss": (0.65 + index / 100,),
                "eval_loss": (0.69 + index / 90,),
                "eval_accuracy": (0.71 + index / 80,), "grad_norm": (0.03,), "learning_rate": (5e-05,),
                "epoch": (1.0,), "total_flos": (82080.0,), "train_runtime": (7.2 + index,),
                "train_samples_per_second": (800 / (7.2 + index),), "train_steps_per_second": (100 / (7.2 + index),),
            },
            artifacts={
                "checkpoint-100/model.npz": npz(f"{name}/{seed}"), "checkpoint-100/trainer_state.json": b"{}",
                "checkpoint-100/config.json": b"{}",
            },
        )
        for index, (name, seed) in enumerate(product(models, _SEEDS))
    ]  # fmt: skip
    return runs(client, "trainer", plain(recipes))


def hydra(_folder: Path, client: MlflowClient) -> Left:
    """Leave what a sweep of Hydra 1.3 logs that flattens its configuration: models by learning rates by seeds."""
    hidden = {"gru": "64", "tcn": "32"}
    recipes = [
        Recipe(
            name=f"model={model},optimizer.lr={rate},seed={seed}",
            params={
                "model.name": model, "model._target_": f"src.models.{model}.Net", "model.hidden": hidden[model],
                "optimizer.lr": rate, "optimizer._target_": "torch.optim.Adam", "seed": str(seed),
                "trainer.max_epochs": "5", "paths.output_dir": f"multirun/2024-05-01/10-11-12/{index}",
                "hydra.job.num": str(index), "hydra.job.id": f"job_{index}", "task_name": "train",
            },
            tags=_TAGS,
            metrics={"val/mae": (0.5 + index / 50,), "test/mae": (0.6 + index / 40,), "train/mae": (0.4 + index / 30,)},
            artifacts={"checkpoints/best.npz": npz(f"{model}/{rate}/{seed}"), ".hydra/config.yaml": b"seed: 1\n"},
        )
        for index, (model, rate, seed) in enumerate(product(hidden, ("0.1", "0.01"), (1, 2)))
    ]  # fmt: skip
    return runs(client, "hydra", plain(recipes))


def optuna(_folder: Path, client: MlflowClient) -> Left:
    """Leave what `MLflowCallback` of optuna-integration 5.0 logs of a study: trials, and no matrix."""
    recipes = [
        Recipe(
            name=str(index),
            params={"x": repr(0.31 - index / 7), "n": str(1 + index % 3), "kind": "ab"[index % 2]},
            tags={
                **_TAGS, "number": str(index), "datetime_start": f"2026-12-01 07:48:0{index}.683383",
                "datetime_complete": f"2026-12-01 07:48:0{index}.684098", "state": "COMPLETE", "direction": "MINIMIZE",
                "x_distribution": "FloatDistribution(high=1.0, log=False, low=-1.0, step=None)",
                "n_distribution": "IntDistribution(high=3, log=False, low=1, step=1)",
                "kind_distribution": "CategoricalDistribution(choices=('a', 'b'))",
            },
            metrics={"loss": (3.0 + index / 3,)},
        )
        for index in range(8)
    ]  # fmt: skip
    return runs(client, "optuna", plain(recipes))


def pycaret(_folder: Path, client: MlflowClient) -> Left:
    """Leave what PyCaret 3 logs of `setup` and `compare_models`, twice: a session with its models below it.

    Written by its `pycaret/loggers/mlflow_logger.py`; it was not run.
    """
    own = {
        "Logistic Regression": {"C": "1.0", "max_iter": "1000"},
        "Random Forest Classifier": {"n_estimators": "100", "max_depth": "None"},
        "K Neighbors Classifier": {"n_neighbors": "5"},
    }
    trained = []
    for number, (session, usi) in enumerate((("123", "3f7a"), ("456", "b01c"))):
        setup = f"Session Initialized {usi}"
        tags = {
            "Source": "setup",
            "URI": f"9{usi}21c",
            "USI": usi,
            "Run Time": "1.52",
            "Run ID": f"{number}c0ffee{usi}",
        }
        told = {"Session id": session, "Target": "y", "Target type": "Binary", "USI": usi, "Use GPU": "False"}
        trained.append(Trained(Recipe(name=setup, params=told, tags=tags)))
        for index, (name, settings) in enumerate(own.items()):
            random = {} if "Neighbors" in name else {"random_state": session}
            trained.append(
                Trained(
                    Recipe(
                        name=name,
                        params={**settings, **random, "n_jobs": "-1"},
                        tags={
                            "Source": "compare_models", "URI": f"{index}a2{usi}", "USI": usi,
                            "Run Time": f"{index}.0{number}", "Run ID": f"{index}{number}badc0de{usi}",
                        },
                        metrics={
                            "Accuracy": (0.8 + index / 50 + number / 99,), "AUC": (0.9 - index / 60 + number / 98,),
                            "TT": (0.04 * (index + 1) + number,),
                        },
                    ),
                    parent=setup,
                )
            )  # fmt: skip
    return runs(client, "pycaret", trained)


TRAINERS = (
    StoreShape(
        "Lightning",
        lightning,
        Answer(
            cell="params.model/arch", seed="params.seed_everything", cells=("resnet18", "vit_tiny"),
            seeds=("1", "2", "3"), metric="val/acc", rules=("val/loss / train/loss_epoch",), paths=("**/*.ckpt",),
        ),
    ),
    StoreShape(
        "Hugging Face Trainer",
        trainer,
        Answer(
            cell="params._name_or_path", seed="params.seed", cells=("bert-base-uncased", "roberta-base"),
            seeds=("1", "2", "3"), metric="eval_accuracy", rules=("eval_loss / train_loss",), paths=("**/*.npz",),
        ),
    ),
    StoreShape(
        "Hydra sweep",
        hydra,
        Answer(
            cell="{params.model.name}/{params.optimizer.lr}", seed="params.seed",
            cells=("gru/0.1", "gru/0.01", "tcn/0.1", "tcn/0.01"), seeds=("1", "2"), metric="test/mae",
            rules=("val/mae / train/mae",),
        ),
    ),
    StoreShape("Optuna study", optuna, Answer(cell=None, asks=("params.kind",), metric="loss")),
    StoreShape(
        "PyCaret",
        pycaret,
        Answer(
            cell="run_name:(?P<cell>.+)", seed="parent.params.Session id", seeds=("123", "456"), metric="AUC",
            cells=("Logistic Regression", "Random Forest Classifier", "K Neighbors Classifier"),
        ),
    ),
)  # fmt: skip
