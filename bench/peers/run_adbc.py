"""The ADBC driver for SQLite, with pyarrow on the other side."""

import adbc_driver_sqlite.dbapi
import peer
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet


def sqlite_to_parquet(source, out):
    with adbc_driver_sqlite.dbapi.connect(f"file:{source}?mode=ro") as base, base.cursor() as cursor:
        cursor.execute("SELECT * FROM orders")
        reader = cursor.fetch_record_batch()
        with pyarrow.parquet.ParquetWriter(f"{out}.parquet", reader.schema, compression="snappy") as writer:
            # It gives a thousand rows at a time; a row group of each would be slower and larger.
            while batches := [batch for _, batch in zip(range(256), reader)]:
                writer.write_table(pa.Table.from_batches(batches))


def ingest(schema, batches, out):
    # The driver knows neither decimals nor string views.
    plain = pa.schema([
        field.with_type(pa.float64() if pa.types.is_decimal(field.type) else pa.string())
        if pa.types.is_decimal(field.type) or pa.types.is_string_view(field.type)
        else field
        for field in schema
    ])
    reader = pa.RecordBatchReader.from_batches(plain, (batch.cast(plain) for batch in batches))
    with adbc_driver_sqlite.dbapi.connect(f"{out}.db") as base, base.cursor() as cursor:
        cursor.adbc_ingest("orders", reader, mode="create")
        base.commit()


def csv_to_sqlite(source, out):
    reader = pyarrow.csv.open_csv(source)
    ingest(reader.schema, reader, out)


def parquet_to_sqlite(source, out):
    table = pyarrow.dataset.dataset(source)
    ingest(table.schema, table.to_batches(), out)


peer.run({"sqlite-to-parquet": sqlite_to_parquet, "csv-to-sqlite": csv_to_sqlite, "parquet-to-sqlite": parquet_to_sqlite})
