"""pyarrow, batch by batch."""

import peer
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet


def parquet(schema, batches, out):
    with pyarrow.parquet.ParquetWriter(f"{out}.parquet", schema, compression="snappy") as writer:
        for batch in batches:
            if batch.num_rows:
                writer.write_batch(batch, row_group_size=1 << 20)


def csv_to_parquet(source, out):
    reader = pyarrow.csv.open_csv(source, read_options=pyarrow.csv.ReadOptions(block_size=16 << 20))
    parquet(reader.schema, reader, out)


def ndjson_to_parquet(source, out):
    reader = pyarrow.json.open_json(source, read_options=pyarrow.json.ReadOptions(block_size=16 << 20))
    parquet(reader.schema, reader, out)


def parquet_to_parquet(source, out):
    table = pyarrow.dataset.dataset(source)
    parquet(table.schema, table.to_batches(), out)


def parquet_to_csv(source, out):
    table = pyarrow.dataset.dataset(source)
    # Its CSV writer knows no string views.
    schema = pa.schema([
        field.with_type(pa.string()) if pa.types.is_string_view(field.type) else field for field in table.schema
    ])
    with pyarrow.csv.CSVWriter(f"{out}.csv", schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch.cast(schema))


peer.run({
    "csv-to-parquet": csv_to_parquet,
    "ndjson-to-parquet": ndjson_to_parquet,
    "parquet-to-parquet": parquet_to_parquet,
    "parquet-to-csv": parquet_to_csv,
})
