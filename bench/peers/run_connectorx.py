"""connectorx, its rows written by pyarrow."""

import connectorx
import peer
import pyarrow.parquet


def sqlite_to_parquet(source, out):
    table = connectorx.read_sql(f"sqlite://{source}", "SELECT * FROM orders", return_type="arrow")
    pyarrow.parquet.write_table(table, f"{out}.parquet", compression="snappy")


peer.run({"sqlite-to-parquet": sqlite_to_parquet})
