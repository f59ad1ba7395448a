"""The same return in each form in which councils have one, by writers of the tests' own."""

from xml.sax.saxutils import escape

from tests.extract.sen2.truth import CHILDREN, COLUMNS, HEADER, PERSONS, TAGS, Row

OTHER_SPELLINGS = {"SENsetting": "SENSetting", "SENsettingOther": "SENSettingOther", "Res": "RES", "WBP": "WPB",
                   "PlanWBP": "PlanWPB", "PostCode": "Postcode", "SENtype": "SENType"}  # fmt: skip


def xml(
    persons: list[Row] | None = None,
    header: dict[str, str] | None = None,
    *,
    spelling: dict[str, str] | None = None,
    namespace: str = "",
    children_first: bool = False,
    version: int = 2026,
    lines: str = "\n",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> str:
    """A return as XML. `namespace` is a prefix, or `=` for the one without; before 2024 sex has another tag."""
    spelling = spelling or {}
    mark = f"{namespace}:" if namespace not in ("", "=") else ""
    given = HEADER | (header or {})

    def element(tag: str, inner: str) -> str:
        return f"<{mark}{tag}>{inner}</{mark}{tag}>{lines}"

    def module(name: str, row: Row) -> str:
        values = "".join(
            element(_tag(name, tag, version, spelling), escape(str(row[column])))
            for tag, column, _ in COLUMNS[name]
            if row.get(column) is not None
        )
        below = "".join(module(child, each) for child in CHILDREN.get(name, ()) for each in row.get(child, ()))
        return element(
            spelling.get(TAGS[name], TAGS[name]), lines + (below + values if children_first else values + below)
        )

    details = "".join(element(tag, given[tag]) for tag in ("Collection", "Year", "ReferenceDate") if given.get(tag))
    source = "".join(
        element(tag, given[tag])
        for tag in ("SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime")
        if given.get(tag)
    )
    everybody = "".join(module("person", each) for each in (PERSONS if persons is None else persons))
    head = element("Header", lines + element("CollectionDetails", lines + details) + element("Source", lines + source))
    whole = element("Message", lines + head + element("Persons", lines + everybody))
    if namespace:
        said = f'xmlns:{namespace}="urn:sen2"' if mark else 'xmlns="urn:sen2"'
        whole = whole.replace("Message>", f"Message {said}>", 1)
    return f"{declaration}{lines}{whole}"


def _tag(module: str, tag: str, version: int, spelling: dict[str, str]) -> str:
    return "GenderCurrent" if tag == "Sex" and version < 2024 else spelling.get(tag, tag)
