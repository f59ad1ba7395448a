"""Why a whole file is refused: a sentence for an analyst, and what to do."""


class Refusal(Exception):
    """The file cannot be used as a whole. `code` is the rule (F-01 …); nothing in it is a child's value."""

    def __init__(self, code: str, reason: str, fix: str):
        super().__init__(f"{code} {reason} {fix}")
        self.code = code
        self.reason = reason
        self.fix = fix


EMPTY = "F-01"
HEADER_ONLY = "F-02"
MISSING_COLUMN = "F-03"
NOT_AN_EXPORT = "F-04"
NAME_AND_CONTENT_DIFFER = "F-05"
PASSWORD_PROTECTED = "F-06"  # noqa: S105
TOO_LARGE = "F-07"
CANNOT_BE_READ = "F-08"
FEWER_ROWS = "F-09"
BAD_DATE_IN_NAME = "F-10"
NO_USABLE_ROW = "F-11"
FAILED_RULE = "F-12"
DAMAGED = "F-25"  # in the landing
UNLANDABLE = "F-26"  # too large for its feed, or for the room there is
