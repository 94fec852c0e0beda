"""A callback for the Trainer of Hugging Face (``transformers`` 4.40 and newer) that logs the producer contract.

trainer = Trainer(
    model=model,
    args=TrainingArguments(report_to="mlflow", seed=42, …),
    callbacks=[TransformersContract(cell="A3", data={"train": texts, "val": …, "test": …})],
    …,
)
"""

from pathlib import Path
from typing import Any

from smoke_gate.contract.run import LoggedRun, logged_run
from smoke_gate.integrations.facts import Data, log_count, log_start, log_weights

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    raise ImportError('transformers is not installed. Type: pip install "transformers[torch]"') from error

_RUNTIME = "_runtime"  # the Trainer's own metric, after the prefix of an evaluation
_ARGUMENTS = "training_args.bin"  # lies beside the weights and holds none


class TransformersContract(TrainerCallback):
    """Logs plan, environment, data hashes, counts and the checkpoint of a run.

    The run is the active one: the one that ``report_to="mlflow"`` starts, or that of ``with mlflow.start_run():``. If
    several processes train, the first one logs.

    The checkpoint is the best one under ``load_best_model_at_end``, else the newest. Its weights are logged, without
    the state of the optimizer. The samples of ``trainer.evaluate()`` are counted as ``val``, those of
    ``trainer.predict()`` as ``test``. Another ``metric_key_prefix`` is the split's name. A data set without a length is
    not counted.
    """

    def __init__(
        self, *, cell: str, seed: int | str | None = None, data: Data | None = None, commit: str | None = None
    ) -> None:
        """Say which planned pair the run is.

        Args:
            cell: the model variant.
            seed: the random seed; left out, the one of the training arguments.
            data: the data of each split, as it is before any cell changes it; its hashes are logged.
            commit: full hex name of the commit, instead of asking git.

        """
        self._cell, self._seed, self._data, self._commit = cell, seed, data or {}, commit
        self._run: LoggedRun | None = None
        self._saved: Path | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log plan, environment, data hashes, and the count of the training data.

        Raises:
            ContractError: a fact must not be logged, or there is no active run.

        """
        if not state.is_world_process_zero:
            return
        self._run, self._saved = logged_run(None, None), None
        seed = args.seed if self._seed is None else self._seed
        log_start(self._run, cell=self._cell, seed=seed, commit=self._commit, data=self._data)
        log_count(self._run, "train", _length(kwargs.get("train_dataloader")))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the folder of the newest checkpoint."""
        self._saved = Path(args.output_dir, f"checkpoint-{state.global_step}")

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Log the count of the data that were evaluated."""
        if state.is_world_process_zero:
            run = self._run or logged_run(None, None)
            log_count(run, _split(metrics or {}), _length(kwargs.get("eval_dataloader")))

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Log the count of the data that were predicted."""
        self.on_evaluate(args, state, control, metrics, **kwargs)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log the checkpoint. The run may have ended already, which does not matter."""
        if state.is_world_process_zero and self._run is not None:
            best = state.best_model_checkpoint if args.load_best_model_at_end else None
            folder = Path(best) if best else self._saved
            files = _weights(folder) if folder else []
            log_weights(self._run, files, "set save_strategy to another value than 'no'")


def _length(loader: Any) -> int | None:
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):  # a stream has no length
        return None


def _split(metrics: Any) -> str:
    """Return the name of the split that was evaluated, by the prefix of its metrics; ``eval`` is ``val``."""
    prefixes = [name.removesuffix(_RUNTIME) for name in metrics if name.endswith(_RUNTIME)]
    prefix = prefixes[0] if len(prefixes) == 1 else "eval"
    first, separator, rest = prefix.partition("_")
    return f"val{separator}{rest}" if first == "eval" else prefix


def _weights(folder: Path) -> list[Path]:
    """Return the files of weights in a checkpoint's folder, with the index of their parts."""
    found = [
        *folder.glob("*.safetensors"), *folder.glob("*.bin"), *folder.glob("*.safetensors.index.json"),
        *folder.glob("*.bin.index.json"),
    ]  # fmt: skip
    return sorted(file for file in found if file.name != _ARGUMENTS)
