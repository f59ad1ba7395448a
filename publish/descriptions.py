"""What the tables of quality that this room adds to the published warehouse hold: (table, its columns)."""

STAMP = {"la_code": "DfE number of the council", "run_id": "The run that built this row"}
OURS: dict[str, tuple[str, dict[str, str]]] = {
    "issues": (
        "One row an issue: something that somebody should put right, as in issues.xlsx",
        {
            "category": "File, Source, Mapping, Linking, List or Worth a look",
            "rule": "Code of the rule that found it",
            "severity": "stop, error, query or note",
            "message": "What is wrong, in words",
            "fix": "Where and how to put it right",
            "owner": "Who can put it right",
            "feed": "The feed it stands in, as source.feed",
            "list_name": "List 1 or List 2, for an issue of a list row",
            "unique_id": "Unique ID of the list row",
            "record_id": "Key of the source record",
            "column_name": "The column it is about",
            "file_name": "The export it stands in",
            "line_no": "Line of that export",
            "count": "How many records the issue stands for",
        },
    ),
    "feeds": (
        "One row a feed: what the run used of it",
        {
            "source": "The system it comes from",
            "feed": "Its name",
            "status": "fresh, stale, refused (the newest file was refused, an older one may be in use) or missing",
            "is_stale": "True unless the feed is fresh",
            "was_ever_received": "True when a file with a data date up to the as-at date was ever accepted",
            "data_date": "The day that the file in use speaks of",
            "file_name": "The file in use",
            "sha256": "Hash of its bytes",
            "rows_in_file": "Rows in it",
            "rows_accepted": "Rows used",
            "rows_quarantined": "Rows left out because they could not be read",
            "rows_duplicate": "Rows left out because a later row has the same key",
            "stale_after_days": "Days after which the feed counts as stale",
            "owner": "Who sends it",
            "title": "Its name for people",
        },
    ),
    "runs": (
        "One row: the run that this warehouse was published from",
        {
            "as_at_date": "The day whose state it shows",
            "code_version": "Version of SEND Ready",
            "layout_version": "Version of the Annex A layout",
        },
    ),
}
