"""How fast the nightly run is, and a second opinion on what it makes.

- `floor.sql`, `floor.py`: the two lists from the same exports in plain DuckDB, written independently
  of the pipeline. The tests compare its lists with the pipeline's, cell by cell.
  `python -m tools.bench.floor INBOX AS_AT LA_CODE [WORKBOOK]` runs it alone.
- `bench.py`: `make bench` (`python -m tools.bench`). Draws a council of 300 children, one of Lancashire's
  size and one of twice that under `data/bench/`, plays nights and a drill on two cores, in turns with
  another checkout where one is named, and prints and saves what each took.
- `rules.py`, `models.py`: the rules beside plain pandas; the SQL of the models of a finished night.
- `extract.py`: what it costs to land, read and type exports, beside DuckDB's reader of CSV alone
  (`python -m tools.bench.extract INBOX`).
- `watch.py`: wall, processor time, and the peak memory of every process that a command starts.

Like the tests, this is a user of the pipeline: nothing in the pipeline imports it, and it opens
DuckDB by itself, in memory, so that the floor owes the pipeline nothing.
"""
