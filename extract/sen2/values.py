"""The text of a value as every form of a return writes it: SQL, so that a return of many persons takes no time.

What cannot be read stays as it is: typing tells of it, with file and line.
"""

from send_ready.database import identifier, literal

_EXCEL_DAYS = r"[2-6]\d{4}(\.\d+)?"  # 1954 to 2091, as the number by which Excel keeps a day
_WHOLE = r"-?\d+\.0+"
_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
_DAYS = "['%Y-%m-%d', '%Y-%b-%d', '%d/%m/%Y']"  # of XML and the template, of COLLECT, of the D2I tool
MOST_ID = 1 << 53


def value(column: str, data_type: str) -> str:
    """SQL of the text of a value; null where there is none."""
    said = f"nullif(trim({identifier(column)}), '')"
    if data_type == "date":
        bare = f"regexp_replace({said}, {literal(_MIDNIGHT)}, '')"
        return f"""CASE WHEN regexp_full_match({said}, {literal(_EXCEL_DAYS)})
            THEN (DATE '1899-12-30' + floor({said}::DOUBLE)::INTEGER)::VARCHAR
            ELSE coalesce(try_strptime({bare}, {_DAYS})::DATE::VARCHAR, {said}) END"""
    if data_type == "flag":
        return f"regexp_replace(lower({said}), '^([01])\\.0+$', '\\1')"
    if data_type == "time":
        return f"""CASE WHEN regexp_full_match({said}, {literal(_EXCEL_DAYS)})
            THEN strftime(TIMESTAMP '1899-12-30' + to_seconds(round({said}::DOUBLE * 86400)), '%Y-%m-%dT%H:%M:%S')
            ELSE {said} END"""
    return whole(said)


def whole(said: str) -> str:
    """SQL of a text without the `.0` of a number that is a whole one."""
    return f"CASE WHEN regexp_full_match({said}, {literal(_WHOLE)}) THEN split_part({said}, '.', 1) ELSE {said} END"


def number(column: str) -> str:
    """SQL of a table's number as text: what is none, such as a GUID, becomes the same one in every file."""
    said = whole(f"nullif(trim({identifier(column)}), '')")
    return f"""CASE WHEN {said} IS NULL OR try_cast({said} AS BIGINT) BETWEEN 0 AND {MOST_ID} THEN {said}
        ELSE (hash({said}) % {MOST_ID})::VARCHAR END"""
