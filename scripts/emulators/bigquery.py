"""Starts local-bigquery on a port, with its rows in a folder that is removed when it ends.

What is absent: anything of BigQuery itself. Extensions of DuckDB are taken from PyPI before it asks for them, and the
store is opened before it listens, so that the first request finds it there.
"""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from duckdb_extensions import import_extension

EXTENSIONS = ("icu", "ducklake", "spatial")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main(port: int, folder: Path) -> None:
    for extension in EXTENSIONS:
        import_extension(extension)
    from local_bigquery.settings import settings

    settings.data_dir = folder
    settings.default_project_id = "sentinel"
    from local_bigquery import cli
    from local_bigquery.engine import database

    database.connection()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--grpc-port", str(free_port())]
    try:
        cli.main(["serve", *arguments, "--project", "sentinel", "--data-dir", str(folder)])
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
