"""The catalogue: what every table and column means and where it comes from, as one page."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from send_ready import files, runs, systems
from send_ready.home import CATALOGUE
from send_ready.runs import Run, RunError
from send_ready.settings import Settings
from warehouse.dbt import BuildError, invoke

# In the page that dbt writes. The policy lets nothing out, whatever else the page would ask for. The tree of tables at
# its side unfolds in as many turns as AngularJS allows one change by default: one more, and it is drawn in part.
PAGE_END = "//# sourceMappingURL=main.js.map</script>"
PAGE_TURNS = 'angular.module("dbt").config(["$rootScopeProvider", scope => scope.digestTtl(100)])'
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:"
PAGE_MENDS = (
    ("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}; font-src data:">'),
    ('<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>', ""),
    (' xlink:href="{{', ' ng-attr-href="{{'),
    (PAGE_END, f"{PAGE_END}<script>{PAGE_TURNS}</script>"),
)


def write_docs(settings: Settings) -> Path:
    """What every table and column means, as a page of its own that asks nothing of any network.

    Of the run that SEND_RUN_ID names, else of the last that has a whole warehouse, so that a night at work is neither
    waited for nor kept waiting. Holds no value of the run's tables. Raises RunError when there is no such run,
    BuildError when dbt fails.
    """
    page = settings.home / CATALOGUE / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=page.parent, prefix=".") as folder:
        target = Path(folder)
        run = _linked(settings, target / "warehouse.duckdb")
        outcome = invoke(run, target / "warehouse.duckdb", target, "docs", "generate", "--static", "--target", "reader")
        if not outcome.success:
            raise BuildError(f"dbt could not describe the warehouse: {outcome.exception or 'see its messages above.'}")
        text = systems.names_of_run(run).said((target / "static_index.html").read_text(encoding="utf-8"))
        files.write_bytes(page, _closed(text).encode())
    return page


def _linked(settings: Settings, place: Path) -> Run:
    """Have a whole warehouse under another name, and give its run.

    A build takes the file's own name away before it makes another, so that neither has the other's file open.
    """
    for run in [runs.find(settings)] if settings.run_id else runs.whole(settings):
        if not run.warehouse.exists():
            continue
        with suppress(FileNotFoundError):
            try:
                os.link(run.warehouse, place)
            except OSError as error:
                if error.errno == errno.ENOENT:
                    raise
                shutil.copyfile(run.warehouse, place)  # a file system without links, such as some drives have
            if not run.unfinished.exists():
                return run
        place.unlink(missing_ok=True)
    raise RunError(
        "There is no run with a whole warehouse to describe. Let the night that is at work come to its end, or make "
        "one with `make run`; then run this step again."
    )


def _closed(page: str) -> str:
    """dbt's page without what it would ask for: usage statistics, and pictures by addresses that are templates yet."""
    for asks, mended in PAGE_MENDS:
        if asks not in page:
            raise BuildError(
                f"The page of this version of dbt has no {asks!r}: look at what it asks for, in PAGE_MENDS."
            )
        page = page.replace(asks, mended)
    return page
