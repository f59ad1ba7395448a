"""Descriptions of the tables that are added to dbt's when a run is published; None holds that of the table itself."""

STAMP = {"la_code": "DfE number of the council", "run_id": "The run that built this row"}
OURS: dict[str, dict[str | None, str]] = {
    "quality.issues": {
        None: "One row an issue: something that somebody should put right, as in issues.xlsx",
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
        "file_name": "The export it stands in; not the name of a file that belongs to no feed",
        "line_no": "Line of that export",
        "count": "How many records the issue stands for",
    },
    "quality.sen2_issues": {
        None: "One row an issue of the SEN2 return, as in sen2_issues.xlsx, which has its values as well",
        "rule": "Code of the check; our own, as DfE's are not published",
        "severity": "error, which would stop authorisation, or query",
        "message": "What is wrong, in words",
        "fix": "Where and how to put it right",
        "owner": "Who can put it right",
        "module": "The module of the return that it is about; sen2 is the header, and the return as a whole",
        "column_name": "The element of the return that it is about",
        "unique_id": "Unique ID of the person",
        "case_id": "Request that it is about",
        "plan_id": "Plan that it is about",
    },
    "quality.runs": {
        None: "One row: the run that this warehouse was published from",
        "as_at_date": "The day whose state it shows",
        "code_version": "Version of SEND Ready",
        "layout_version": "Version of the Annex A layout",
    },
}
