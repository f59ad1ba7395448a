"""Which values of an export may stand on a screen or in a workbook: codes, and nothing that names or dates a person."""

import re

from extract import dates

AT_LEAST = 3  # rows that have a value, for it to be shown: a rarer one may be somebody's name in the wrong column
LONGEST_CODE = 80  # characters
UPN = re.compile(r"[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]")
ULN = re.compile(r"[1-9]\d{9}")
POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}")


def may_be_shown(value: str) -> bool:
    """Whether a value may be a code: it has not the shape of a UPN, ULN, date, postcode, long number or address."""
    upper = value.upper().strip()
    return (
        len(value) <= LONGEST_CODE
        and not any(shape.fullmatch(upper) for shape in (UPN, ULN, POSTCODE))
        and not re.search(r"\d{5,}|@", value)
        and not dates.parse_date(value)
    )
