"""What every room shares: settings, the run folder, DuckDB, issues, the command line."""

__version__ = "0.1.0"
