"""A contract as one file has it, and how the file's rows become the feed's.

A file need not have the shipped columns. It may name its students by UPN or by the key of another system, its schools
by their DfE numbers, have needs side by side, or no ID of a record at all. The contract says which columns may stand in
for which. Once the header is known, the contract is fitted to it: what the file lacks is left out, what stands in is of
the key. All reading goes by the fitted contract; at the very end each row gets the feed's columns. Of a file in the
shipped layout nothing is changed, and so nothing takes longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from extract.contract import (
    AS_DFE_NUMBER,
    AS_ITSELF,
    AS_OTHER_ID,
    AS_UPN,
    TYPES,
    Column,
    Contract,
    normalise,
)
from send_ready.database import identifier, literal

# What an ID made here begins with: of whom only a UPN is known, whom another system knows, a school by its DfE number,
# a row without an ID. Then 16 digits of a SHA-256, where the value itself must not stand in the warehouse's tables.
UPN, OTHER_ID, DFE, ROW = "UPN-", "KEY-", "DFE-", "ROW-"
OTHER_SYSTEM, DFE_LA = "other_system", "dfe_la"  # columns that say more of other_id and of a DfE number
_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # of a UPN's check
# No name of anybody: an error of a spreadsheet, and a long number that one shortened.
_NO_NAME = r"#.*|Err:[0-9]{3}|[0-9](\.[0-9]+)?E\+[0-9]+"


@dataclass(frozen=True)
class Fitted:
    """A contract as a file has it; `whole` is the feed's own."""

    whole: Contract
    contract: Contract
    held: frozenset[str]  # columns that the file has
    fills: dict[str, tuple[Column, ...]]  # by column, those that name the same where it is blank
    generated: str | None = None  # the key that is made of the row
    places: tuple[int, ...] = ()  # of the columns that stand side by side, those that the file has

    @property
    def absent(self) -> tuple[str, ...]:
        """Columns of the feed of which the file gives nothing."""
        wide = self.whole.side_by_side
        given = self.held | {*self.fills, self.generated}
        given |= {wide.column, wide.number} if wide and self.places else set()
        return tuple(column.name for column in self.whole.columns if column.name not in given)

    @property
    def key(self) -> list[str]:
        """SQL of the values by which two rows are the same record: of a name that stands in, of what it stands for."""
        sure = {group[0] for group in self.contract.musts if len(group) == 1}
        values = expressions(self)
        stand_ins = {column.name: name for name, columns in self.fills.items() for column in columns}
        found = []
        for name in self.contract.key:
            meant = stand_ins.get(name, name)
            if meant in self.fills and not (self.generated or self.places):
                found.append(f"coalesce({values[meant]}, '')")
            elif name not in (OTHER_SYSTEM, DFE_LA) or self.generated or self.places:
                found.append(identifier(name) if name in sure else f"coalesce({identifier(name)}::VARCHAR, '')")
        return list(dict.fromkeys(found))


def fit(contract: Contract, header: Sequence[str]) -> Fitted:
    """The contract as a file with this header has it."""
    present = {normalise(cell) for cell in header}
    held = {column.name for column in contract.columns if any(normalise(name) in present for name in column.headers)}
    columns = [column for column in contract.columns if column.name in held or not column.is_quiet]
    key = [name for name in contract.key if name in {column.name for column in columns}]
    must = list(contract.musts)
    fills: dict[str, tuple[Column, ...]] = {}
    for column in contract.columns:
        inside = [each for each in _standing_in(contract, column.name, held) if each.name in held]
        if not inside:
            continue
        naming = [each for each in inside if each.form != AS_ITSELF and column.name in each.instead_of]
        names = ([column.name] if column.name in held else []) + [each.name for each in naming]
        if naming:
            fills[column.name] = tuple(naming)
        if column.name not in held:
            columns = [each for each in columns if each.name != column.name]
        if column.name in contract.key:
            key = [each for name in key for each in (names if name == column.name else [name])]
            must = [tuple(names) if group == (column.name,) else group for group in must]
            # What an establishment's number is part of belongs with it.
            key += [DFE_LA] if DFE_LA in held and any(each.form == AS_DFE_NUMBER for each in naming) else []
            key += [OTHER_SYSTEM] if OTHER_SYSTEM in held and any(each.form == AS_OTHER_ID for each in naming) else []
        if column.is_required:
            sole = inside[0].name if column.name not in held and len(inside) == 1 else None
            several = len(names) > 1
            columns = [
                replace(
                    each,
                    is_required=(each.is_required or each.name == sole) and not (several and each.name == column.name),
                )
                for each in columns
            ]
    places: tuple[int, ...] = ()
    wide = contract.side_by_side
    if wide and wide.column not in held:
        places = tuple(
            place for place, names in enumerate(wide.headers, start=1) if any(normalise(n) in present for n in names)
        )
    if wide and places:
        (main,) = (column for column in contract.columns if column.name == wide.column)
        columns = [column for column in columns if column.name not in (wide.column, wide.number)]
        columns += [
            replace(main, name=f"{wide.column}_{place}", headers=wide.headers[place - 1], is_required=False)
            for place in places
        ]
        key = [column.name for column in columns]  # nothing tells which of two rows of a child is the later
        must = [group for group in must if wide.column not in group and wide.number not in group]
    generated = next(
        (c.name for c in contract.columns if c.is_generated and c.name not in held and c.name not in fills), None
    )
    if generated:
        columns = [column for column in columns if column.name != generated]
        key = [column.name for column in columns]
        first = next((column.name for column in contract.required if column.name != generated), None)
        group = tuple(each for each in _names_of(contract, first, held) if each in {c.name for c in columns})
        must = [group] if group else []
    known = {column.name for column in columns}
    groups = tuple(group for group in must if known.issuperset(group))
    if len(columns) == len(contract.columns) and not fills and not places and not generated:
        return Fitted(contract, contract, frozenset(held), {})
    fitted = replace(
        contract,
        columns=tuple(columns),
        key=tuple(dict.fromkeys(key)),
        latest_by=contract.latest_by if contract.latest_by in known else None,
        must=groups,
        side_by_side=None if places else contract.side_by_side,
    )
    return Fitted(contract, fitted, frozenset(held), fills, generated, places)


def _standing_in(contract: Contract, name: str, held: set[str]) -> list[Column]:
    """Columns that a file may have in place of one, and those in place of these, if what they stand beside is there."""
    found = []
    for column in contract.stand_ins(name):
        if column.beside is None or column.beside in held:
            found += [column, *(each for each in _standing_in(contract, column.name, held) if column.form == AS_ITSELF)]
    return found


def _names_of(contract: Contract, name: str | None, held: set[str]) -> list[str]:
    if name is None:
        return []
    return [each for each in [name, *(c.name for c in _standing_in(contract, name, held))] if each in held]


def expressions(fitted: Fitted) -> dict[str, str]:
    """By column of the feed, SQL of its value from a row of the file."""
    held = {column.name for column in fitted.contract.columns}
    found = {}
    for column in fitted.whole.columns:
        name = column.name
        own = identifier(name) if name in held else None
        if name == fitted.generated:
            found[name] = _made_of_row(sorted(held))
        elif names := [_named(each, held) for each in fitted.fills.get(name, ())]:
            found[name] = f"coalesce({', '.join([own, *names] if own else names)})" if own or names[1:] else names[0]
        else:
            found[name] = own or f"NULL::{TYPES[column.type]}"
    return found


def names_nobody(fitted: Fitted) -> dict[str, str]:
    """By column that holds UPNs which name whom a row is of, SQL of whether a row is named by one that is none."""
    found = {}
    for name, columns in fitted.fills.items():
        held = {column.name for column in fitted.contract.columns}
        before = [identifier(name)] if name in held else []
        for column in columns:
            own = identifier(column.name)
            if column.form == AS_UPN:
                others = "".join(f" AND {each} IS NULL" for each in before)
                found[column.name] = f"NOT ({valid_upn(compared_upn(own))}){others}"
            before.append(own)
    return found


def rows_of_feed(fitted: Fitted, accepted: str) -> str:
    """A query for the rows of the feed, from the accepted rows of the file: its columns, _line_no and _unreadable."""
    values = expressions(fitted)
    wide = fitted.whole.side_by_side
    if not (wide and fitted.places):
        return f"SELECT {_as_columns(values)}, _line_no, _unreadable FROM {accepted}"
    key = [name for name in fitted.whole.key if name != wide.column]
    parts = []
    for place in fitted.places:
        placed = identifier(f"{wide.column}_{place}")
        both = values | {wide.column: placed, wide.number: f"{place}::BIGINT"}
        parts.append(f"SELECT {_as_columns(both)}, _line_no, _unreadable FROM {accepted} WHERE {placed} IS NOT NULL")
    by = ", ".join(identifier(name) for name in (*key, wide.column))
    # One row a child and need: where two rows, or two columns, say the same, the higher place, then the later line.
    return f"""FROM ({" UNION ALL ".join(parts)})
        QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {identifier(wide.number)}, _line_no DESC) = 1
        ORDER BY _line_no, {identifier(wide.number)}"""


def _as_columns(values: dict[str, str]) -> str:
    return ", ".join(f"{value} AS {identifier(name)}" for name, value in values.items())


def _made_of_row(names: Sequence[str]) -> str:
    """SQL of an ID that is the same for the same values, in whatever order the columns stand."""
    texts = ", ".join(f"{literal(name + '=')} || coalesce({identifier(name)}::VARCHAR, '')" for name in names)
    return f"{literal(ROW)} || left(sha256(concat_ws(chr(31), {texts})), 16)"


def _named(column: Column, held: set[str]) -> str:
    """SQL of the ID that a column gives which stands in for another; null where it names nobody."""
    name = identifier(column.name)
    if column.form == AS_UPN:
        made = upn_key(name)
    elif column.form == AS_OTHER_ID:
        made = other_key(identifier(OTHER_SYSTEM) if OTHER_SYSTEM in held else "NULL", name)
    elif column.form == AS_DFE_NUMBER:
        digits = rf"regexp_replace({name}, '[^0-9]', '', 'g')"
        la = f"lpad(regexp_replace({identifier(DFE_LA)}, '[^0-9]', '', 'g'), 3, '0')" if DFE_LA in held else "''"
        short = f"coalesce({la}, '') || lpad({digits}, 4, '0')"
        made = f"""{literal(DFE)} || CASE WHEN NOT regexp_full_match({name}, '[0-9]{{1,4}}|[0-9]{{3}}[ /-]?[0-9]{{4}}')
            THEN {name} WHEN length({digits}) > 4 THEN {digits} ELSE {short} END"""
    else:
        return name
    return f"CASE WHEN NOT regexp_full_match({name}, {literal(_NO_NAME)}) THEN {made} END"


def upn_key(upn: str) -> str:
    """SQL of the ID of whom only a UPN is known."""
    return rf"{literal(UPN)} || left(sha256({compared_upn(upn)}), 16)"


def compared_upn(upn: str) -> str:
    """SQL of a UPN as it is compared; macros/identifiers.sql has the same."""
    return rf"upper(regexp_replace({upn}, '\s', '', 'g'))"


def valid_upn(upn: str) -> str:
    """SQL of whether a compared UPN has its check letter; macros/identifiers.sql has the same. Null of a null."""
    last = f"substr({upn}, 13, 1)"
    digits = [f"{place} * (ascii(substr({upn}, {place}, 1)) - 48)" for place in range(2, 13)]
    digits.append(f"13 * if({last} BETWEEN '0' AND '9', ascii({last}) - 48, strpos('{_LETTERS}', {last}) - 1)")
    return f"""CASE WHEN {upn} IS NULL THEN NULL
        WHEN NOT regexp_full_match({upn}, '[{_LETTERS}][0-9]{{11}}[0-9{_LETTERS}]') THEN false
        ELSE substr('{_LETTERS}', 1 + ({" + ".join(digits)}) % 23, 1) = substr({upn}, 1, 1) END"""


def other_key(system: str, other_id: str) -> str:
    """SQL of the ID of whom a record names by the key of another system, which it may say or not."""
    return f"{literal(OTHER_ID)} || coalesce(upper(trim({system})) || '-', '') || {other_id}"
