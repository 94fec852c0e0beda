"""The callback for Lightning, called by Lightning under its older name."""

from tests.support.fluent import fluent_store
from tests.support.frameworks import framework


def test_its_trainer_logs_the_same(tmp_path):
    with framework("lightning"), fluent_store(tmp_path) as client:
        import pytorch_lightning as pl
        import tiny
        from pytorch_lightning.loggers import MLFlowLogger

        from smoke_gate.integrations.lightning import LightningContract

        class Regression(tiny.Steps, pl.LightningModule):
            pass

        logger = MLFlowLogger(experiment_name="stage05", tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
        callback = LightningContract(cell="A3", seed=42, commit="a" * 40)
        options = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
        trainer = pl.Trainer(
            max_epochs=1, default_root_dir=str(tmp_path), logger=logger, callbacks=[callback], **options
        )
        trainer.fit(Regression(), tiny.loader(6, 2), tiny.loader(5, 2))
        run = client.get_run(logger.run_id)
        files = client.list_artifacts(logger.run_id, "checkpoints")
    assert {"cell": "A3", "train_count": "6", "val_count": "5"}.items() <= run.data.params.items()
    assert len(files) == 2
