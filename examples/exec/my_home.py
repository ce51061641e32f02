"""A home in ten lines: rows as one Arrow IPC stream on standard output."""
import sys

import pyarrow as pa

schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
    for start in range(0, 3000, 1000):
        ids = range(start, start + 1000)
        names = [f"{sys.argv[1]} {i}" for i in ids]
        stream.write_batch(pa.record_batch([pa.array(ids), pa.array(names)], schema=schema))
