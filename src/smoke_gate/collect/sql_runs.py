"""Runs of a SQL store by a few plain queries over MLflow's own tables, instead of an object for each row."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke_gate.collect.planned_part import PlannedPart
from smoke_gate.collect.recorded import RecordedExperiment, RecordedRun
from smoke_gate.vocabulary import KIND_TAG, NAME_TAG, PREREGISTRATION

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of params and of tags."""

    params: frozenset[str]
    tags: frozenset[str]

    def __or__(self, other: "Keys") -> "Keys":
        """Return the keys of both."""
        return Keys(self.params | other.params, self.tags | other.tags)


def experiments_in_database(connection: "Connection") -> Sequence[RecordedExperiment]:
    """Return all experiments, deleted ones too."""
    from sqlalchemy import select

    from smoke_gate.collect.sql_tables import EXPERIMENTS

    one = EXPERIMENTS.c
    rows = connection.execute(select(one.experiment_id, one.name, one.lifecycle_stage))
    return [RecordedExperiment(str(number), name, stage) for number, name, stage in rows]


def experiments_with_runs(connection: "Connection") -> frozenset[str]:
    """Return the ids of the experiments that have active runs."""
    from sqlalchemy import select

    from smoke_gate.collect.sql_tables import RUNS

    found = select(RUNS.c.experiment_id).distinct().where(RUNS.c.lifecycle_stage == "active")
    return frozenset(map(str, connection.execute(found).scalars()))


def number_of_runs(experiments: Sequence[str]) -> "Callable[[Connection], int]":
    """Return the query for the number of runs of the experiments, deleted ones too."""

    def query(connection: "Connection") -> int:
        from sqlalchemy import func, select

        from smoke_gate.collect.sql_tables import RUNS

        return int(
            connection.execute(select(func.count()).select_from(RUNS).where(_of(experiments))).scalar_one()
        )

    return query


def runs_in_database(experiments: Sequence[str]) -> "Callable[[Connection], tuple[RecordedRun, ...]]":
    """Return the query for all runs of the experiments, deleted ones too, with all that they hold."""

    def query(connection: "Connection") -> tuple[RecordedRun, ...]:
        from smoke_gate.collect.sql_facts import whole_runs

        return whole_runs(connection, _of(experiments))

    return query


def runs_by_id(run_ids: Sequence[str]) -> "Callable[[Connection], tuple[RecordedRun, ...]]":
    """Return the query that reads runs by their ids, with all that they hold."""

    def query(connection: "Connection") -> tuple[RecordedRun, ...]:
        from smoke_gate.collect.sql_facts import whole_runs
        from smoke_gate.collect.sql_tables import RUNS

        return whole_runs(connection, RUNS.c.run_uuid.in_(run_ids))

    return query


def brief_runs(
    experiments: Sequence[str], keys: Keys, part: PlannedPart | None = None
) -> "Callable[[Connection], tuple[RecordedRun, ...]]":
    """Return the query for runs of the experiments with these params and tags only, and without all else.

    With a ``part``, those outside it are left out.
    """

    def query(connection: "Connection") -> tuple[RecordedRun, ...]:
        from smoke_gate.collect.sql_facts import runs_with_keys

        wanted = _of(experiments) if part is None else _of(experiments) & _in(part)
        return runs_with_keys(connection, wanted, keys.params, keys.tags)

    return query


def keys_in_database(experiments: Sequence[str], but: Collection[str]) -> "Callable[[Connection], Keys]":
    """Return the query for the keys of all params and tags of active runs, except runs ``but``."""

    def query(connection: "Connection") -> Keys:
        from sqlalchemy import select

        from smoke_gate.collect.sql_facts import ids_of
        from smoke_gate.collect.sql_tables import PARAMS, RUNS, TAGS

        active = ids_of(_of(experiments)).where(
            RUNS.c.lifecycle_stage == "active", RUNS.c.run_uuid.not_in(list(but))
        )
        params, tags = (
            frozenset(
                connection.execute(
                    select(table.c.key).distinct().where(table.c.run_uuid.in_(active))
                ).scalars()
            )
            for table in (PARAMS, TAGS)
        )
        return Keys(params, tags)

    return query


def _of(experiments: Sequence[str]) -> "ColumnElement[bool]":
    from smoke_gate.collect.sql_tables import RUNS

    return RUNS.c.experiment_id.in_([int(one) for one in experiments])


def _in(part: PlannedPart) -> "ColumnElement[bool]":
    """Return the condition that a run belongs to the part."""
    from sqlalchemy import or_, select

    from smoke_gate.collect.sql_tables import PARAMS, RUNS, TAGS

    run, tag = RUNS.c, TAGS.c
    stated = PARAMS.c if part.place == "params" else tag
    asked: list[ColumnElement[bool]] = [
        run.run_uuid.in_(
            select(stated.run_uuid).where(stated.key == part.key, stated.value.in_(part.values))
        ),
        run.run_uuid.in_(select(tag.run_uuid).where(tag.key == KIND_TAG, tag.value == PREREGISTRATION)),
    ]
    if part.run_id is not None:
        asked.append(run.run_uuid == part.run_id)
    if part.run_name is not None:
        by_tag = select(tag.run_uuid).where(tag.key == NAME_TAG, tag.value == part.run_name)
        asked += [run.name == part.run_name, run.run_uuid.in_(by_tag)]
    return or_(*asked)
