"""Parts one table into folders called `name=value`, by the field's own writers, and beside them what must arrive.

    hive.py FOLDER

Makes FOLDER/<writer> for each, and FOLDER/expected.parquet; prints the names of the folders.
"""

import datetime
import os
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

folder = sys.argv[1]
CITIES = ["Oslo", "São Paulo/SP", "100% = all", "a b+c", "null", ".", "_x", "tab\there", "Ω≈ç", "%41", None]
rows = [
    {
        "id": i,
        "name": None if i % 9 == 0 else f"name {i}",
        "year": 2020 + i % 3,
        "code": f"{i % 4:02}",
        "day": datetime.date(2024, 2, 28 + i % 2),
        "city": CITIES[i % len(CITIES)],
    }
    for i in range(1, 1_500)
]
schema = pa.schema([("id", pa.int64()), ("name", pa.string()), ("year", pa.int64()), ("code", pa.string()),
                    ("day", pa.date32()), ("city", pa.string())])
arrived = pa.Table.from_pylist(rows, schema)
keys = ["year", "code", "day", "city"]
pyarrow.parquet.write_table(arrived, os.path.join(folder, "expected.parquet"))

# polars writes `.` and such as they are, and DuckDB takes the word for NULL: each gets what it can say.
pyarrow.dataset.write_dataset(
    arrived, os.path.join(folder, "pyarrow"), format="parquet", max_partitions=2_000,
    partitioning=pyarrow.dataset.partitioning(pa.schema([schema.field(key) for key in keys]), flavor="hive"),
)
duckdb.sql(f"COPY arrived TO '{folder}/duckdb' (FORMAT parquet, PARTITION_BY ({', '.join(keys)}))")
polars.from_arrow(arrived).write_parquet(os.path.join(folder, "polars"), partition_by=keys)
for name in ["pyarrow", "duckdb", "polars"]:
    print(name)
