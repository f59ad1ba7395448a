"""The bill of materials: every package that the lock installs, with where it is from and its hashes: `make sbom`.

Reads CycloneDX as `uv export` writes it, from standard input, and writes it so that equal locks are equal bytes: uv
puts the time and a random number in.

usage: uv export --locked --no-dev --format cyclonedx1.5 --preview-features sbom-export --quiet \\
    | python -m tools.supply.bill FILE
"""

import json
import sys
import uuid
from pathlib import Path
from typing import Any

from send_ready import files

SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "send-ready/bill-of-materials")


def steady(bill: dict[str, Any]) -> dict[str, Any]:
    """The bill without the time, and with a serial number that is worked out from what it lists."""
    metadata = {name: value for name, value in bill["metadata"].items() if name != "timestamp"}
    listed = {**bill, "metadata": metadata, "serialNumber": ""}
    return {**listed, "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, json.dumps(listed, sort_keys=True))}"}


def main(path: Path) -> int:
    """The command. Exit status 1 when no bill came in."""
    try:
        bill = steady(json.load(sys.stdin))
    except (ValueError, LookupError):
        print("No bill came in: see usage in tools/supply/bill.py", file=sys.stderr)
        return 1
    files.write_json(path, bill)
    print(f"{len(bill['components'])} packages: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
