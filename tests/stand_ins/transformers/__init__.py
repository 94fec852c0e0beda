"""Stands in for transformers: its Trainer calls the hooks of callbacks in the real order, and trains nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow

from tests.support.recorded import npz

__all__ = ["Trainer", "TrainerCallback", "TrainingArguments"]


class TrainerCallback:
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...
    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...
    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...
    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any, **kwargs: Any) -> None: ...
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...


class _MLflowCallback(TrainerCallback):
    """Starts a run where none is active, and ends the one that it started. It logs without waiting, and at any time."""

    started = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if mlflow.active_run() is None:
            mlflow.start_run()
            self.started = True
        mlflow.log_params({"seed": args.seed, "max_steps": args.max_steps}, synchronous=False)

    def on_log(self, logs: dict[str, float]) -> None:
        mlflow.log_metrics(logs, synchronous=False)  # which starts another run where none is active

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.started:
            mlflow.end_run()


@dataclass
class TrainingArguments:
    output_dir: str
    seed: int = 42
    report_to: str = "none"
    save_strategy: str = "steps"
    eval_strategy: str = "no"
    save_steps: int = 500
    eval_steps: int | None = None
    max_steps: int = -1
    load_best_model_at_end: bool = False
    per_device_train_batch_size: int = 8
    disable_tqdm: bool = False
    use_cpu: bool = False
    dataloader_pin_memory: bool = True


class Trainer:
    """Its loaders have the data sets; its checkpoints have the files that callbacks tell apart by their names."""

    def __init__(
        self,
        *,
        model: Any,
        args: TrainingArguments,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.args, self.train_dataset, self.eval_dataset = args, train_dataset, eval_dataset
        reporting = [_MLflowCallback()] if args.report_to == "mlflow" else []
        self.callbacks = [*reporting, *callbacks]
        self.state = SimpleNamespace(is_world_process_zero=True, global_step=0, best_model_checkpoint=None)
        self.loaders: dict[str, Any] = {"train_dataloader": None, "eval_dataloader": None}

    def train(self) -> None:
        self.loaders["train_dataloader"] = SimpleNamespace(dataset=self.train_dataset)
        self._call("on_train_begin")
        for step in range(1, self.args.max_steps + 1):
            self.state.global_step = step
            if self.args.eval_strategy == "steps" and step % (self.args.eval_steps or 500) == 0:
                self.evaluate()
            if self.args.save_strategy == "steps" and step % self.args.save_steps == 0:
                self._save(step)
        self._call("on_train_end")

    def evaluate(self, eval_dataset: Any = None, metric_key_prefix: str = "eval") -> dict[str, float]:
        data = self.eval_dataset if eval_dataset is None else eval_dataset
        return self._looped(data, metric_key_prefix, "on_evaluate")

    def predict(self, test_dataset: Any, metric_key_prefix: str = "test") -> dict[str, float]:
        return self._looped(test_dataset, metric_key_prefix, "on_predict")

    def _looped(self, data: Any, prefix: str, hook: str) -> dict[str, float]:
        self.loaders["eval_dataloader"] = SimpleNamespace(dataset=data)
        metrics = {f"{prefix}_loss": 0.5, f"{prefix}_runtime": 0.1, f"{prefix}_samples_per_second": 10.0}
        for reporting in self.callbacks:
            if isinstance(reporting, _MLflowCallback):
                reporting.on_log(metrics)
        self._call(hook, metrics=metrics)
        return metrics

    def _save(self, step: int) -> None:
        folder = Path(self.args.output_dir, f"checkpoint-{step}")
        folder.mkdir(parents=True)
        for name in ("model.safetensors", "optimizer.pt", "training_args.bin"):
            (folder / name).write_bytes(npz(f"{name}-{step}"))
        if self.args.load_best_model_at_end and self.state.best_model_checkpoint is None:
            self.state.best_model_checkpoint = str(folder)
        self._call("on_save")

    def _call(self, hook: str, **facts: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self.args, self.state, None, **self.loaders, **facts)
