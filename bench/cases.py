"""What is measured: each case moves one table from one form to another, by hygge and by its peers."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Case:
    """`peers` are scripts below peers/; `gate` is the one that hygge must not be slower than, in wall and CPU."""

    name: str
    table: str
    source: str
    into: str
    peers: tuple
    gate: str

    def project(self, source, out):
        """The hygge.yml that asks hygge for the same as the peers do."""
        if self.source.endswith(".db"):
            home = f"{{type: sqlite, connection: 'sqlite:///{source}', table: {self.table}}}"
        else:
            home = f"{{type: {self.source.rpartition('.')[2]}, path: '{source}'}}"
        if self.into == "sqlite":
            store = f"{{type: sqlite, connection: 'sqlite:///{out}.db', table: {self.table}}}"
        elif self.into == "parquet":
            store = f"{{type: parquet, path: '{out}', compression: snappy}}"
        else:
            store = f"{{type: {self.into}, path: '{out}'}}"
        return f"flows:\n  bench:\n    home: {home}\n    store: {store}\n"

    def result(self, out):
        """What to read, in DuckDB's words, to see what arrived: hygge fills a folder, the peers one file."""
        if self.into == "sqlite":
            return f"sqlite:{out}.db"
        path = pathlib.Path(out)
        files = path / f"*.{self.into}" if path.is_dir() else f"{path}.{self.into}"
        return f"read_csv('{files}', all_varchar = true)" if self.into == "csv" else f"read_parquet('{files}')"


CASES = [
    Case("sqlite-to-parquet", "orders", "orders.db", "parquet", ("duckdb", "connectorx", "adbc"), "duckdb"),
    Case("csv-to-parquet", "orders", "orders.csv", "parquet", ("duckdb", "polars", "pyarrow"), "duckdb"),
    Case("ndjson-to-parquet", "orders", "orders.ndjson", "parquet", ("duckdb", "polars", "pyarrow"), "duckdb"),
    Case("parquet-to-parquet", "lineitem", "lineitem.parquet", "parquet", ("duckdb", "polars", "pyarrow"), "duckdb"),
    Case("parquet-to-csv", "orders", "orders.parquet", "csv", ("duckdb", "polars", "pyarrow"), "duckdb"),
    Case("csv-to-sqlite", "orders", "orders.csv", "sqlite", ("sqlite3", "duckdb", "adbc"), "sqlite3"),
    Case("parquet-to-sqlite", "orders", "orders.parquet", "sqlite", ("sqlite3", "duckdb", "adbc"), "sqlite3"),
]

# The tools, as people know them.
NAMES = {
    "hygge": "hygge",
    "duckdb": "DuckDB",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "connectorx": "connectorx",
    "adbc": "ADBC",
    "sqlite3": "sqlite3 .import",
}
