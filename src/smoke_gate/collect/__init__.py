"""Reads the facts that the gates judge: from MLflow, from files, from git. All input of the main job is here."""

from smoke_gate.collect.errors import ExperimentError, StoreError
from smoke_gate.collect.locations import default_tracking_uri
from smoke_gate.collect.read import Collected, FoundPlan, Source, collect, find_plan
from smoke_gate.collect.roots import runner_path_map

__all__ = [
    "Collected",
    "ExperimentError",
    "FoundPlan",
    "Source",
    "StoreError",
    "collect",
    "default_tracking_uri",
    "find_plan",
    "runner_path_map",
]
