"""Ways in which a file can be wrong: each takes the bytes of a real file and a random generator and returns others.

A mutator never returns what it was given, unless the file has nothing to change; the caller sees to that. Which of the
results are refused and which are set aside is the business of the pipeline: nothing here says what has to come of them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from random import Random

Mutator = Callable[[bytes, Random], bytes]
Rows = list[list[str]]
NUMBER = re.compile(r"-?[0-9][0-9,]*\.?[0-9]*")


def _rows(content: bytes) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return list(csv.reader(io.StringIO(text, newline="")))


def _written(rows: Rows, delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


def _of_rows(change: Callable[[Rows, Random], None]) -> Mutator:
    def mutate(content: bytes, chance: Random) -> bytes:
        rows = _rows(content)
        change(rows, chance)
        return _written(rows)

    return mutate


def _of_numbers(change: Callable[[str, Random], str], share: float) -> Mutator:
    """Change a share of the cells that hold a number, at least one."""

    def mutate(rows: Rows, chance: Random) -> None:
        cells = [(r, c) for r, row in enumerate(rows) for c, cell in enumerate(row) if r and NUMBER.fullmatch(cell)]
        for r, c in chance.sample(cells, max(1, int(len(cells) * share)) if cells else 0):
            rows[r][c] = change(rows[r][c], chance)

    return _of_rows(mutate)


def _data(rows: Rows, chance: Random) -> int:
    return chance.randrange(1, len(rows)) if len(rows) > 1 else 0


def flip_bytes(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 5, 50))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flip_a_high_bit(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] |= 0x80
    return bytes(changed)


def truncate(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def lose_the_middle(content: bytes, chance: Random) -> bytes:
    start, end = sorted(chance.sample(range(len(content)), 2))
    return content[:start] + content[end:]


def zero_a_block(content: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + b"\0" * min(512, len(content) - start) + content[start + 512 :]


def insert_nul(content: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + b"\0" + content[place:]


def twice_over(content: bytes, chance: Random) -> bytes:
    return content + content


def duplicate_column(rows: Rows, chance: Random) -> None:
    column = chance.randrange(len(rows[0]))
    for row in rows:
        row.append(row[column] if column < len(row) else "")


def remove_column(rows: Rows, chance: Random) -> None:
    column = chance.randrange(len(rows[0]))
    for row in rows:
        del row[column : column + 1]


def reorder_columns(rows: Rows, chance: Random) -> None:
    order = chance.sample(range(len(rows[0])), len(rows[0]))
    for row in rows:
        row[:] = [row[column] if column < len(row) else "" for column in order]


def rename_column(rows: Rows, chance: Random) -> None:
    rows[0][chance.randrange(len(rows[0]))] = chance.choice(("", "Value", "Größe", "=1+1", "x" * 10_000))


def shift_a_row(rows: Rows, chance: Random) -> None:
    rows[_data(rows, chance)].insert(0, "")


def duplicate_rows(rows: Rows, chance: Random) -> None:
    at = _data(rows, chance)
    rows[at:at] = [list(row) for row in rows[at : at + chance.choice((1, 3, 100))]]


def lose_rows(rows: Rows, chance: Random) -> None:
    at = _data(rows, chance)
    del rows[at : at + chance.choice((1, 10, 1000))]


def shuffle_rows(rows: Rows, chance: Random) -> None:
    rows[1:] = chance.sample(rows[1:], len(rows) - 1)


def blank_rows(rows: Rows, chance: Random) -> None:
    for _ in range(3):
        rows.insert(_data(rows, chance), [""] * len(rows[0]))


def swap_area_codes(rows: Rows, chance: Random) -> None:
    codes = sorted({cell for row in rows for cell in row if re.fullmatch(r"n?[ENSWK]\d{8}", cell)})
    if len(codes) > 1:
        one, other = chance.sample(codes, 2)
        swap = {one: other, other: one}
        for row in rows:
            row[:] = [swap.get(cell, cell) for cell in row]


def unknown_area_code(rows: Rows, chance: Random) -> None:
    for row in rows[1:]:
        row[:] = [re.sub(r"^(n?[ENSWK])\d{8}$", r"\g<1>99999999", cell) for cell in row]


def impossible_years(rows: Rows, chance: Random) -> None:
    year = chance.choice(("0000", "1066", "3021", "20O1", "99999999999", "-2019", "2019.5"))
    for row in rows[1:]:
        row[:] = [re.sub(r"\b(?:19|20)\d\d\b", year, cell) for cell in row]


def long_cell(rows: Rows, chance: Random) -> None:
    row = rows[_data(rows, chance)]
    row[chance.randrange(len(row))] = chance.choice(("x", "9", "é", "\n")) * 300_000


def formula_cells(rows: Rows, chance: Random) -> None:
    row = rows[_data(rows, chance)]
    row[chance.randrange(len(row))] = chance.choice(("=cmd|'/c calc'!A1", "+1", "@sum(1)", "'; drop table batch; --"))


def strange_text(rows: Rows, chance: Random) -> None:
    row = rows[_data(rows, chance)]
    row[chance.randrange(len(row))] = chance.choice(
        ("\u202etxt", "\ufeff", "\x07", "\u2028", "👩‍👩‍👧", "N/A", "../../x")
    )


def empty_cells(rows: Rows, chance: Random) -> None:
    column = chance.randrange(len(rows[0]))
    for row in rows[1:]:
        if column < len(row):
            row[column] = ""


def recode(encoding: str) -> Mutator:
    return lambda content, _: content.decode("utf-8-sig", errors="replace").encode(encoding, errors="replace")


def delimit(mark: str) -> Mutator:
    return lambda content, _: _written(_rows(content), delimiter=mark)


def end_lines(mark: bytes, every: int) -> Mutator:
    def mutate(content: bytes, chance: Random) -> bytes:
        lines = content.splitlines()
        return b"".join(line + (mark if number % every == 0 else b"\n") for number, line in enumerate(lines))

    return mutate


def insert_quote(content: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + chance.choice((b'"', b'""', b'","', b"'")) + content[place:]


def lose_quote(content: bytes, chance: Random) -> bytes:
    places = [place for place, byte in enumerate(content) if byte == ord('"')] or [0]
    place = chance.choice(places)
    return content[:place] + content[place + 1 :]


def whole(replacement: bytes) -> Mutator:
    return lambda content, chance: replacement


def header_only(content: bytes, chance: Random) -> bytes:
    return content.splitlines(keepends=True)[0]


def preamble(content: bytes, chance: Random) -> bytes:
    return b"Prepared by the analytics team\n\n" + content


def total_row(content: bytes, chance: Random) -> bytes:
    return content + b"Total,,,,1e9\nSource: published figures\n"


def _factor(factor: float) -> Callable[[str, Random], str]:
    return lambda cell, _: f"{float(cell.replace(',', '')) * factor:.10g}"


TEXT: dict[str, Mutator] = {
    "flip_bytes": flip_bytes,
    "flip_a_high_bit": flip_a_high_bit,
    "truncate": truncate,
    "lose_the_middle": lose_the_middle,
    "zero_a_block": zero_a_block,
    "insert_nul": insert_nul,
    "twice_over": twice_over,
    "column_twice": _of_rows(duplicate_column),
    "column_gone": _of_rows(remove_column),
    "columns_in_another_order": _of_rows(reorder_columns),
    "column_renamed": _of_rows(rename_column),
    "row_shifted": _of_rows(shift_a_row),
    "rows_twice": _of_rows(duplicate_rows),
    "rows_gone": _of_rows(lose_rows),
    "rows_shuffled": _of_rows(shuffle_rows),
    "blank_rows": _of_rows(blank_rows),
    "area_codes_swapped": _of_rows(swap_area_codes),
    "area_codes_unknown": _of_rows(unknown_area_code),
    "impossible_years": _of_rows(impossible_years),
    "long_cell": _of_rows(long_cell),
    "formula_cells": _of_rows(formula_cells),
    "strange_text": _of_rows(strange_text),
    "column_emptied": _of_rows(empty_cells),
    "tenfold_one": _of_numbers(_factor(10), 0),
    "tenfold_all": _of_numbers(_factor(10), 1),
    "hundredth": _of_numbers(_factor(0.01), 0.2),
    "negative": _of_numbers(_factor(-1), 0.1),
    "huge": _of_numbers(lambda _, chance: chance.choice(("1e308", "9" * 40, "1e999", "-1e308")), 0.01),
    "not_a_number": _of_numbers(lambda _, chance: chance.choice(("NaN", "inf", "-Infinity", "nan", "#REF!")), 0.05),
    "decimal_commas": _of_numbers(lambda cell, _: cell.replace(".", ","), 1),
    "per_cent_signs": _of_numbers(lambda cell, _: f"{cell}%", 0.5),
    "full_width_digits": _of_numbers(lambda cell, _: "".join(chr(0xFEE0 + ord(c)) for c in cell), 0.05),
    "utf_16": recode("utf-16"),
    "utf_32": recode("utf-32-le"),
    "cp1252": lambda content, _: recode("cp1252")(content, _).replace(b"a", b"\xe4", 3),
    "ebcdic": recode("cp037"),
    "byte_order_mark": lambda content, _: b"\xef\xbb\xbf" + content,
    "two_byte_order_marks": lambda content, _: b"\xef\xbb\xbf\xef\xbb\xbf" + content,
    "semicolons": delimit(";"),
    "tabs": delimit("\t"),
    "bars": delimit("|"),
    "carriage_returns": end_lines(b"\r", 1),
    "mixed_line_ends": end_lines(b"\r", 7),
    "windows_line_ends": end_lines(b"\r\n", 1),
    "quote_inserted": insert_quote,
    "quote_lost": lose_quote,
    "web_page": whole(b"<!DOCTYPE html><html><body>Please sign in</body></html>"),
    "json": whole(b'{"error": "not found"}'),
    "empty": whole(b""),
    "white_space": whole(b"\n \n\t\n"),
    "commas": whole(b",,,,\n" * 50),
    "random": lambda _, chance: chance.randbytes(5_000),
    "header_only": header_only,
    "preamble": preamble,
    "total_row": total_row,
    "zip": whole(b"PK\x03\x04" + b"\0" * 100),
}


def _of_sheet(change: Callable[[str, Random], str]) -> Mutator:
    """Change the XML of an OpenDocument workbook."""

    def mutate(content: bytes, chance: Random) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                part = source.read(entry)
                if entry.filename == "content.xml":
                    part = change(part.decode(), chance).encode()
                target.writestr(entry.filename, part)
        return out.getvalue()

    return mutate


def _replaced(pattern: str, by: str, count: int = 0) -> Callable[[str, Random], str]:
    return lambda xml, _: re.sub(pattern, by, xml, count=count)


def merge_cells(xml: str, chance: Random) -> str:
    cells = [found.start() for found in re.finditer(r"<table:table-cell ", xml)]
    at = chance.choice(cells) + len("<table:table-cell ")
    return xml[:at] + 'table:number-rows-spanned="3" table:number-columns-spanned="2" ' + xml[at:]


def cut_xml(xml: str, chance: Random) -> str:
    return xml[: chance.randrange(len(xml))]


def entity(xml: str, chance: Random) -> str:
    bomb = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    head, _, rest = xml.partition("?>")
    return f'{head}?><!DOCTYPE x [<!ENTITY e0 "ha">{bomb}]>' + rest.replace("<text:p>", "<text:p>&e9;", 5)


def many_files(content: bytes, chance: Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for number in range(500):
            target.writestr(f"sheet{number}.xml", "<x/>")
    return out.getvalue()


WORKBOOK: dict[str, Mutator] = {
    "flip_bytes": flip_bytes,
    "truncate": truncate,
    "zero_a_block": zero_a_block,
    "lose_the_middle": lose_the_middle,
    "cells_merged": _of_sheet(merge_cells),
    "xml_cut": _of_sheet(cut_xml),
    "xml_entities": _of_sheet(entity),
    "sheets_renamed": _of_sheet(_replaced(r'table:name="', 'table:name="New ')),
    "rows_repeated": _of_sheet(
        _replaced(r"<table:table-row ", '<table:table-row table:number-rows-repeated="1000" ', 9)
    ),
    "values_tenfold": _of_sheet(_replaced(r'office:value="([0-9]+)\.', r'office:value="\g<1>0.')),
    "values_negative": _of_sheet(_replaced(r'office:value="', 'office:value="-')),
    "values_huge": _of_sheet(_replaced(r'office:value="[0-9.]+"', 'office:value="1e308"')),
    "values_not_numbers": _of_sheet(_replaced(r'office:value="[0-9.]+"', 'office:value="NaN"', 40)),
    "values_as_text": _of_sheet(_replaced(r'office:value-type="float"', 'office:value-type="string"')),
    "text_lost": _of_sheet(_replaced(r"<text:p>[^<]*</text:p>", "<text:p></text:p>", 200)),
    "many_files": many_files,
    "csv": whole(b"Area,Value\nE92000001,1\n"),
    "web_page": whole(b"<!DOCTYPE html><html><body>Please sign in</body></html>"),
    "empty": whole(b""),
    "old_workbook": whole(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000),
}
