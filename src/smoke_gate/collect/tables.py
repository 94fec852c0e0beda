"""The tables of a SQL store, read in one transaction: what is read first and what is read last fit together."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

# A private copy of SQLite does not change. By default these databases show each query what was written before it.
_ISOLATION = {"postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ"}


class Tables:
    """MLflow's own tables in a database.

    They are as the installed MLflow has them. A private copy is upgraded to that, and the revision of a server's
    database was checked when it was opened.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._idle: Connection | None = None

    def read(self, query: "Callable[[Connection], T]") -> T:
        """Return what a query reads. The first one begins the transaction; one that fails ends it.

        Raises:
            SQLAlchemyError: The database cannot be read.

        """
        connection, self._idle = self._idle or self._begun(), None
        try:
            found = query(connection)
        except BaseException:
            _end(connection)
            raise
        self._idle = connection
        return found

    def end(self) -> None:
        """End the transaction; the next query begins another one."""
        connection, self._idle = self._idle, None
        if connection is not None:
            _end(connection)

    def _begun(self) -> "Connection":
        import sqlalchemy

        engine = sqlalchemy.create_engine(self._uri)
        if level := _ISOLATION.get(engine.dialect.name):
            engine = engine.execution_options(isolation_level=level)
        return engine.connect()


def _end(connection: "Connection") -> None:
    connection.close()
    connection.engine.dispose()
