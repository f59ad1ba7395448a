"""The ground that every room stands on: settings, the run folder, files, DuckDB, issues, the layout of the lists."""

__version__ = "0.1.0"
