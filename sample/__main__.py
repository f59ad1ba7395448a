"""`python -m sample` is `send-ready sample`: write the synthetic council. `--help` lists the options."""

import sys

from send_ready.cli import main

if __name__ == "__main__":
    sys.exit(main(["sample", *sys.argv[1:]]))
