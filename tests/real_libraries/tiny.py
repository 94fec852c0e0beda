"""The model that the real libraries train in the tests: one linear layer on a few random samples."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


def loader(samples: int, batch_size: int) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.randn(samples, 2), torch.randn(samples, 1)), batch_size=batch_size)


class Steps:
    """The methods of a module of Lightning, under whichever of its two names."""

    layer: torch.nn.Linear
    log: Any
    parameters: Any

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: Any, index: int) -> Any:
        inputs, targets = batch
        loss = torch.nn.functional.mse_loss(self.layer(inputs), targets)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        inputs, targets = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.layer(inputs), targets))

    def test_step(self, batch: Any, index: int) -> None:
        inputs, targets = batch
        self.log("test_loss", torch.nn.functional.mse_loss(self.layer(inputs), targets))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Regression(Steps, pl.LightningModule):
    """The module for ``lightning``."""


def lightning_module() -> pl.LightningModule:
    return Regression()


class Linear(torch.nn.Module):
    """Takes and gives what the Trainer of transformers wants."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, inputs: Any, labels: Any) -> dict[str, Any]:
        found = self.layer(inputs.reshape(-1, 1)).reshape(-1)
        return {"loss": torch.nn.functional.mse_loss(found, labels), "logits": found}


def model() -> torch.nn.Module:
    return Linear()


def rows(samples: int) -> list[dict[str, float]]:
    return [{"inputs": float(index % 3), "labels": 1.0} for index in range(samples)]
