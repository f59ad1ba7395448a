"""`python -m tools.bench`, which is `make bench`."""

from tools.bench.bench import main

if __name__ == "__main__":
    raise SystemExit(main())
