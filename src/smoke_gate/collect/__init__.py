"""Reads the facts that the gates judge: from MLflow, from files, from git. All input of the main job is here."""

from smoke_gate.collect.container_action import from_here, runner_path_map
from smoke_gate.collect.errors import ExperimentError, StoreError
from smoke_gate.collect.locations import default_tracking_uri
from smoke_gate.collect.read import Collected, FoundPlan, Source, collect, find_plan

__all__ = [
    "Collected",
    "ExperimentError",
    "FoundPlan",
    "Source",
    "StoreError",
    "collect",
    "default_tracking_uri",
    "find_plan",
    "from_here",
    "runner_path_map",
]
