"""How fast the nightly run is, and a second opinion on what it makes.

- `floor.sql`, `floor.py`: the two lists from the same exports in plain DuckDB, written independently
  of the pipeline. The benchmark divides by its time; the tests compare its lists with the pipeline's,
  cell by cell. `python -m tools.bench.floor INBOX AS_AT LA_CODE [WORKBOOK]` runs it alone.
- `bench.py`: `make bench` (`python -m bench`). Draws councils of Lancashire's size and of twice that
  under `data/bench/`, runs the floor and `make run` on two cores, and prints and saves what each step
  took: wall, CPU and peak memory, beside the floor, and which targets were reached.
- `extract.py`: what it costs to land, read and type exports, beside DuckDB's reader of CSV alone
  (`python -m tools.bench.extract INBOX`).
- `watch.py`: the peak memory of every process that a command starts.

Like the tests, this is a user of the pipeline: nothing in the pipeline imports it, and it opens
DuckDB by itself, in memory, so that the floor owes the pipeline nothing.
"""
