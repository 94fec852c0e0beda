from pathlib import Path
from typing import Any

from tests.support.recorded import npz


class Callback:
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None: ...
    def on_train_start(self, trainer: Any, pl_module: Any) -> None: ...
    def on_train_end(self, trainer: Any, pl_module: Any) -> None: ...
    def on_fit_end(self, trainer: Any, pl_module: Any) -> None: ...
    def on_test_start(self, trainer: Any, pl_module: Any) -> None: ...
    def on_test_end(self, trainer: Any, pl_module: Any) -> None: ...


class ModelCheckpoint(Callback):
    """Saves a file at the end of the training."""

    best_model_path = ""

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        file = Path(trainer.default_root_dir, "checkpoints", "epoch=0-step=3.ckpt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(npz("weights"))
        self.best_model_path = str(file)
