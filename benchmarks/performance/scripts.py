"""The scripts that `smoke-gate` is held against: each does by hand, with MLflow alone, a part of what a check does."""

# One pass over the runs of the experiment, a page at a time.
BARE = """
import sys
from mlflow import MlflowClient

client, token, found = MlflowClient(sys.argv[1]), None, 0
experiment = client.get_experiment_by_name("benchmark").experiment_id
while not found or token:
    page = client.search_runs([experiment], max_results=int(sys.argv[2]), page_token=token)
    found, token = found + len(page), page.token
"""

# Every artifact of each run in turn, into one folder that is there.
NAIVE = """
import sys, tempfile
import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
experiment = client.get_experiment_by_name("benchmark").experiment_id
with tempfile.TemporaryDirectory() as folder:
    for run in client.search_runs([experiment], max_results=1000):
        mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=f"{folder}/{run.info.run_id}")
"""

# The histories of two metrics of each run.
HISTORIES = """
import sys
from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("benchmark").experiment_id
for run in client.search_runs([experiment]):
    for metric in ("train_loss", "val_loss"):
        assert len(client.get_metric_history(run.info.run_id, metric)) == int(sys.argv[2])
"""
