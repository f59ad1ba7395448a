"""Why a row is set aside: the kinds of quarantine, one word each, in the column `kind` of quarantine.parquet."""

SHAPE = "shape"  # the line does not fit the header, has an unclosed quotation, is too long or cut short
KEY = "key"  # a column of the key is blank or cannot be read
REPEATED_KEY = "repeated_key"  # another row of the same key was kept
FURNITURE = "furniture"  # a title, total, footer, or the header again: not a record
KINDS = (SHAPE, KEY, REPEATED_KEY, FURNITURE)
