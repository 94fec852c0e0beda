"""The runs of a SQL store that MLflow's own filter language selects: their ids only."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select


def ids_in_database(experiments: Sequence[str], where: str) -> "Callable[[Connection], frozenset[str]]":
    """Return the query for the ids of the runs, deleted ones too, that a filter selects.

    MLflow's own parser reads the filter, and MLflow's own function makes the clauses of it.
    """

    def query(connection: "Connection") -> frozenset[str]:
        from mlflow.store.tracking import sqlalchemy_store
        from mlflow.store.tracking.dbmodels.models import SqlRun
        from mlflow.utils.search_utils import SearchUtils
        from sqlalchemy import select
        from sqlalchemy.orm import Session

        parse: Callable[[str], Any] = SearchUtils.parse_search_filter
        clauses: Callable[..., Any] = sqlalchemy_store._get_sqlalchemy_filter_clauses
        with Session(connection) as session:
            attributes, others, data_sets = clauses(parse(where), session, connection.dialect.name)
            run: Any = SqlRun
            selected: Select[Any] = select(run.run_uuid)
            for table in others:
                selected = selected.join(table)
            for table in data_sets:
                selected = selected.join(table, run.run_uuid == table.c.destination_id)
            wanted = run.experiment_id.in_([int(one) for one in experiments])
            return frozenset(session.execute(selected.where(wanted, *attributes)).scalars())

    return query
