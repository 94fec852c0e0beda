from collections.abc import Sequence
from math import ceil
from typing import Any

from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger

__all__ = ["Callback", "Trainer"]


class Trainer:
    """Has what callbacks read of a trainer, when the real one has it: loaders and limits come with the stages."""

    world_size = 1
    is_global_zero = True

    def __init__(
        self,
        *,
        logger: MLFlowLogger | bool = True,
        callbacks: Sequence[Callback] = (),
        limit_val_batches: int | float = 1.0,
        fast_dev_run: bool = False,
        enable_checkpointing: bool = True,
        default_root_dir: Any = ".",
        **others: Any,
    ) -> None:
        self.loggers = [logger] if isinstance(logger, MLFlowLogger) and not fast_dev_run else []
        self.fast_dev_run = fast_dev_run
        self.limit_val_batches = limit_val_batches
        self.default_root_dir = default_root_dir
        self.checkpoint_callback = ModelCheckpoint() if enable_checkpointing and not fast_dev_run else None
        self.callbacks = [*callbacks, *([self.checkpoint_callback] if self.checkpoint_callback else [])]
        self.train_dataloader: Any = None
        self.val_dataloaders: Any = None
        self.test_dataloaders: Any = None
        self.num_training_batches: int | float = float("inf")
        self.num_val_batches: list[int] = []
        self.num_test_batches: list[int] = []

    def fit(self, model: Any, train_dataloaders: Any, val_dataloaders: Any = None) -> None:
        self._call("on_fit_start", model)
        self.train_dataloader, self.num_training_batches = train_dataloaders, len(train_dataloaders)
        self.val_dataloaders = val_dataloaders
        if val_dataloaders is not None:
            self.num_val_batches = [self._limited(len(val_dataloaders))]
        self._call("on_train_start", model)
        self._call("on_train_end", model)
        self._call("on_fit_end", model)
        for logger in self.loggers:
            logger.finalize("success")

    def test(self, model: Any, dataloaders: Any) -> None:
        self.test_dataloaders, self.num_test_batches = dataloaders, [len(dataloaders)]
        self._call("on_test_start", model)
        self._call("on_test_end", model)

    def _limited(self, batches: int) -> int:
        limit = self.limit_val_batches
        return min(limit, batches) if isinstance(limit, int) else ceil(limit * batches)

    def _call(self, hook: str, model: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self, model)
