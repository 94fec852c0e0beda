"""A callback for Lightning (``lightning`` or ``pytorch_lightning``, 2.0 and newer) that logs the producer contract.

trainer = Trainer(
    logger=MLFlowLogger(experiment_name="stage05", tracking_uri=…),
    callbacks=[LightningContract(cell="A3", data={"train": train, "val": val, "test": test})],
)
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smoke_gate.contract.run import LoggedRun, logged_run
from smoke_gate.errors import ContractError
from smoke_gate.integrations.facts import Data, log_count, log_start, log_weights

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError:
    try:
        from pytorch_lightning import Callback  # the same, under its older name
    except ModuleNotFoundError as error:
        raise ImportError("Lightning is not installed. Type: pip install lightning") from error

_SEED_VARIABLE = "PL_GLOBAL_SEED"  # seed_everything sets it


class LightningContract(Callback):
    """Logs plan, environment, data hashes, counts and the checkpoint of a run.

    The run is the one of the trainer's ``MLFlowLogger``, else the active one of ``with mlflow.start_run():``. If
    several processes train, the first one logs. Under ``fast_dev_run``, nothing is logged.

    The checkpoint is the best one of the trainer's ``ModelCheckpoint``. Counts are of the samples that the trainer
    takes, so ``limit_val_batches`` and the like count. A data set without a length is not counted.
    """

    def __init__(
        self, *, cell: str, seed: int | str | None = None, data: Data | None = None, commit: str | None = None
    ) -> None:
        """Say which planned pair the run is.

        Args:
            cell: the model variant.
            seed: the random seed; left out, the one of ``seed_everything``.
            data: the data of each split, as it is before any cell changes it; its hashes are logged.
            commit: full hex name of the commit, instead of asking git.

        """
        self._cell, self._seed, self._data, self._commit = cell, seed, data or {}, commit

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Log plan, environment and data hashes.

        Raises:
            ContractError: a fact must not be logged, the seed is not known, or there is no run.

        """
        if _logs(trainer):
            log_start(
                _run(trainer), cell=self._cell, seed=self._known_seed(), commit=self._commit, data=self._data
            )

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Log the counts of the training and the validation data."""
        if _logs(trainer):
            run = _run(trainer)
            log_count(run, "train", _samples(trainer, trainer.train_dataloader, trainer.num_training_batches))
            log_count(run, "val", _samples(trainer, trainer.val_dataloaders, trainer.num_val_batches))

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Log the count of the test data."""
        if _logs(trainer):
            log_count(
                _run(trainer), "test", _samples(trainer, trainer.test_dataloaders, trainer.num_test_batches)
            )

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the checkpoint."""
        if _logs(trainer):
            saved = getattr(trainer.checkpoint_callback, "best_model_path", "")
            files = [Path(saved)] if saved else []
            log_weights(_run(trainer), files, "give the trainer a ModelCheckpoint")

    def _known_seed(self) -> int | str:
        seed = os.environ.get(_SEED_VARIABLE) if self._seed is None else self._seed
        if seed is None:
            raise ContractError("the seed is not known: call seed_everything(…), or pass seed=")
        return seed


def _logs(trainer: Any) -> bool:
    return bool(trainer.is_global_zero) and not trainer.fast_dev_run


def _run(trainer: Any) -> LoggedRun:
    for logger in trainer.loggers:
        if any(kind.__name__ == "MLFlowLogger" for kind in type(logger).__mro__):
            return LoggedRun(logger.experiment, logger.run_id)
    return logged_run(None, None)


def _samples(trainer: Any, loaders: Any, batches: Any) -> int | None:
    """Return how many samples the trainer takes from its loaders; None where a loader does not say it."""
    several = loaders if isinstance(loaders, Sequence) else [] if loaders is None else [loaders]
    limits = batches if isinstance(batches, Sequence) else [batches] * len(several)
    counted = [
        _taken(loader, limit, trainer.world_size) for loader, limit in zip(several, limits, strict=False)
    ]
    known = [count for count in counted if count is not None]
    return sum(known) if known and len(known) == len(counted) else None


def _taken(loader: Any, batches: float, processes: int) -> int | None:
    """Return how many samples all processes take: a loader has those of one process."""
    try:
        everything, own = len(loader.dataset), len(loader.sampler)
    except (AttributeError, TypeError):  # a stream has no length
        return None
    if loader.batch_size is None:
        return None
    taken = int(min(own, batches * loader.batch_size))
    return taken if processes == 1 else min(taken * processes, everything)
