"""polars, streaming from scan to sink."""

import peer
import polars


def parquet(frame, out):
    frame.sink_parquet(f"{out}.parquet", compression="snappy")


peer.run({
    "csv-to-parquet": lambda source, out: parquet(polars.scan_csv(source, try_parse_dates=True), out),
    "ndjson-to-parquet": lambda source, out: parquet(polars.scan_ndjson(source), out),
    "parquet-to-parquet": lambda source, out: parquet(polars.scan_parquet(source), out),
    "parquet-to-csv": lambda source, out: polars.scan_parquet(source).sink_csv(f"{out}.csv"),
})
