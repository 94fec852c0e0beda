from mlflow import MlflowClient


class MLFlowLogger:
    """Makes its run when it is first asked for it."""

    def __init__(self, experiment_name: str, tracking_uri: str) -> None:
        self._client = MlflowClient(tracking_uri)
        self._name = experiment_name
        self._run_id: str | None = None

    @property
    def experiment(self) -> MlflowClient:
        return self._client

    @property
    def run_id(self) -> str:
        if self._run_id is None:
            experiment = self._client.get_experiment_by_name(self._name)
            assert experiment is not None
            self._run_id = self._client.create_run(experiment.experiment_id).info.run_id
        return self._run_id

    def finalize(self, status: str) -> None:
        assert status == "success"
        if self._run_id is not None:
            self._client.set_terminated(self._run_id, "FINISHED")
