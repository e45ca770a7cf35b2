"""The digest of data: the same for the same data, whatever the order of a table's rows and columns.

A table's digest is a sum over its rows, so that their order does not matter (AdHash: Bellare and Micciancio, "A new
paradigm for collision-free hashing", 1997; here to notice differences, not to hold off forgers). A row's number is a
sum over its cells, each mixed with its column's name by the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast
splittable pseudorandom number generators", 2014). The same cells give the same digest from pandas, polars, Arrow,
DuckDB or a list of dicts: numbers count by their value, whole or not, and missing cells are alike.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b, sha256
from typing import Any, Final, NamedTuple

from ..encoding import simplify, text, to_json
from ..events import scope

_MASK: Final = (1 << 64) - 1
_MISSING: Final = 0x6E61_7669_6761_746F
_SECOND: Final = 0x9E37_79B9_7F4A_7C15
_MAX_PROBLEM: Final = 300
_AS_LIST: Final = ("to_pylist", "to_list", "tolist")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+>")
_NUMERIC: Final = re.compile(r"U?Int\d+|Float\d+|Boolean|u?int\d+|float|double|halffloat|bool")
_EXACT: Final = 1 << 53
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a difference of two without a zone
_MICROSECOND: Final = timedelta(microseconds=1)


class Digest(NamedTuple):
    """A digest, and how many rows the data had; None for what is no table."""

    digest: str
    rows: int | None


def digest_of(data: Any) -> Digest:
    """Return the digest of *data*: a table without regard to order, anything else as it is, its mappings by key.

    A table is a data frame, an Arrow table, a DuckDB relation, or a list of dicts, dataclasses, models or named tuples.
    An array counts with its shape and its order, a single column with its order. Raises TypeError for what has no data
    to read: a lazy frame, an iterator, an object that tells no more than where it is in memory.

    >>> one = digest_of([{"id": 1, "pay": 5.0}, {"id": 2, "pay": None}])
    >>> one == digest_of([{"pay": float("nan"), "id": 2}, {"pay": 5, "id": 1}])
    True
    >>> one == digest_of([{"id": 1, "pay": 5.1}, {"id": 2, "pay": None}])
    False
    """
    if type(data).__name__ == "LazyFrame" or isinstance(data, Iterator):
        raise TypeError(f"a {type(data).__name__} has no data yet: collect it first")
    columns = _columns(data)
    if columns is not None:
        return _of_table(columns)
    if _is_array(data):
        return Digest(_of_array(data), None)
    if _is_column(data):
        return Digest(_of_column(data), None)
    canonical = json.dumps(_sorted_sets(data), sort_keys=True, separators=(",", ":"))
    if _ADDRESS.search(canonical):
        raise TypeError("it holds an object that tells no more than its address, another one in each process")
    return Digest(sha256(canonical.encode("utf-8", "replace")).hexdigest()[:32], None)


def tried(data: Any) -> tuple[Digest | None, str]:
    """Return the digest of *data*, None where it can't be read, and then why; never raises."""
    try:
        return digest_of(data), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {text(error)}"[:_MAX_PROBLEM]


def place(year: Any) -> dict[str, Any]:
    """Return where this is: `year`, that of the context when None, and `operation_path`."""
    current = scope.current()
    path = current.operation.path if current.operation else None
    return {"year": current.context.get("year") if year is None else year, "operation_path": path}


def _is_array(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "numpy" and hasattr(data, "shape") and data.dtype.kind != "O"


def _is_column(data: Any) -> bool:
    """Whether it is a single column of a library: pandas', polars', Arrow's, or an array of objects."""
    return hasattr(data, "__len__") and any(hasattr(data, method) for method in _AS_LIST) and not _is_scalar(data)


def _is_scalar(data: Any) -> bool:
    return getattr(data, "shape", None) == ()


def _of_column(column: Any) -> str:
    codes = b"".join(struct.pack("<Q", code) for code in _codes(_listed(column)))
    return sha256(b"column " + codes).hexdigest()[:32]


def _of_array(array: Any) -> str:
    numpy = sys.modules["numpy"]
    if array.dtype.kind == "f":
        # One zero and one NaN.
        array = numpy.where(numpy.isnan(array), numpy.nan, array + 0.0)
    told = f"{array.dtype.str}{array.shape}".encode()
    return sha256(told + numpy.ascontiguousarray(array).tobytes()).hexdigest()[:32]


def _sorted_sets(value: Any) -> Any:
    """Return *value* as plain data in which a set, whose order differs from process to process, is sorted."""
    if isinstance(value, Mapping):
        return {str(key): _sorted_sets(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_sorted_sets(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, (list, tuple)):
        return [_sorted_sets(item) for item in value]
    return simplify(value, keep_nonfinite=True)


def _columns(data: Any) -> dict[str, Any] | None:
    """Return the columns of a table by name, None for what is none."""
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        rows = [row for row in map(_row, data) if row is not None]
        return _columns_of_rows(rows) if rows and len(rows) == len(data) else None
    if hasattr(data, "fetchall") and hasattr(data, "columns"):
        rows = data.fetchall()
        return {str(name): [row[place] for row in rows] for place, name in enumerate(data.columns)}
    names = getattr(data, "column_names", None)
    if names is None:
        names = getattr(data, "columns", None)
    if names is None or not hasattr(data, "shape"):
        return None
    return {str(name): data[name] for name in names}


def _row(item: Any) -> Mapping[Any, Any] | None:
    """One item of a list as a row, None where it is none."""
    if isinstance(item, Mapping):
        return item
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name, None) for field in dataclasses.fields(item)}
    for method in ("_asdict", "model_dump"):
        if hasattr(type(item), method):
            row: Mapping[Any, Any] = getattr(item, method)()
            return row
    return None


def _columns_of_rows(rows: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _of_table(columns: Mapping[str, Any]) -> Digest:
    rows = len(next(iter(columns.values()))) if columns else 0
    # Whoever has a table has it as a rule; whoever has none need not wait for it.
    numpy = sys.modules.get("numpy")
    totals = _sums_in_python(columns, rows) if numpy is None else _sums_in_numpy(numpy, columns, rows)
    # The names are part of it, also of a table without rows.
    told = json.dumps([rows, sorted(columns), totals])
    return Digest(sha256(told.encode("utf-8", "replace")).hexdigest()[:32], rows)


def _sums_in_python(columns: Mapping[str, Any], rows: int) -> list[int]:
    sums = [0] * rows
    for name, column in columns.items():
        seed = _of_bytes(name.encode())
        for place, cell in enumerate(_codes(_listed(column))):
            sums[place] += _mixed(cell ^ seed)
    mixed = [_mixed(number) for number in sums]
    return [sum(mixed) & _MASK, sum(_mixed(number ^ _SECOND) for number in mixed) & _MASK]


def _sums_in_numpy(numpy: Any, columns: Mapping[str, Any], rows: int) -> list[int]:
    def mixed(numbers: Any) -> Any:
        numbers = numbers + numpy.uint64(_SECOND)
        numbers = (numbers ^ (numbers >> numpy.uint64(30))) * numpy.uint64(0xBF58_476D_1CE4_E5B9)
        numbers = (numbers ^ (numbers >> numpy.uint64(27))) * numpy.uint64(0x94D0_49BB_1331_11EB)
        return numbers ^ (numbers >> numpy.uint64(31))

    sums = numpy.zeros(rows, dtype=numpy.uint64)
    for name, column in columns.items():
        sums += mixed(_codes_in_numpy(numpy, column) ^ numpy.uint64(_of_bytes(name.encode())))
    first = mixed(sums)
    return [int(numbers.sum(dtype=numpy.uint64)) for numbers in (first, mixed(first ^ numpy.uint64(_SECOND)))]


def _codes_in_numpy(numpy: Any, column: Any) -> Any:
    if _holds_numbers(column):
        array = numpy.asarray(column)
        floats = array.astype(numpy.float64) + 0.0 if array.dtype.kind in "iubf" else None
        if floats is not None and not (numpy.abs(floats) >= _EXACT).any():
            codes = floats.view(numpy.uint64).copy()
            codes[numpy.isnan(floats)] = numpy.uint64(_MISSING)
            return codes
    return numpy.fromiter(_codes(_listed(column)), dtype=numpy.uint64, count=len(column))


def _holds_numbers(column: Any) -> bool:
    """Whether a column says so itself: pandas' by the kind of its type, polars' and Arrow's by its name."""
    kind: Any = getattr(column, "dtype", None)
    if hasattr(kind, "kind"):
        return kind.kind in "iubf"
    return _NUMERIC.fullmatch(str(kind or getattr(column, "type", ""))) is not None


def _listed(column: Any) -> Iterable[Any]:
    for method in _AS_LIST:
        if hasattr(column, method):
            found: Iterable[Any] = getattr(column, method)()
            return found
    return column  # type: ignore[no-any-return]


def _codes(cells: Iterable[Any]) -> Iterable[int]:
    known: dict[tuple[type, Any], int] = {}
    for cell in cells:
        try:
            key = (type(cell), cell)
            code = known.get(key)
        except TypeError:
            # A list in a cell.
            yield _code(cell)
            continue
        if code is None:
            code = _code(cell)
            if len(known) < 100_000:
                known[key] = code
        yield code


def _code(cell: Any) -> int:
    """Return the number of one cell."""
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"}:
        return _MISSING
    for kinds, code in _BY_TYPE:
        if isinstance(cell, kinds):
            return code(cell)
    if hasattr(cell, "tolist"):
        plain = cell.tolist()
        return _of_bytes(b"json " + to_json(plain)) if isinstance(plain, list) else _code(plain)
    return _of_bytes(b"json " + to_json(cell))


def _of_number(number: float) -> int:
    if isinstance(number, int) and abs(number) >= _EXACT:
        return _of_bytes(b"int %d" % number)
    if math.isnan(number):
        return _MISSING
    if abs(number) >= _EXACT and float(number).is_integer():
        return _of_bytes(b"int %d" % int(number))
    code: int = struct.unpack("<Q", struct.pack("<d", number + 0.0))[0]
    return code


def _of_moment(moment: datetime) -> int:
    plain = (moment - moment.utcoffset()).replace(tzinfo=None) if moment.tzinfo else moment  # type: ignore[operator]
    return _of_bytes(b"time %d" % ((plain - _EPOCH) // _MICROSECOND))


_BY_TYPE: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], int]], ...]] = (
    (str, lambda word: _of_bytes(word.encode("utf-8", "surrogatepass"))),
    ((bool, int, float), _of_number),
    (Decimal, lambda number: _of_number(float(number))),
    (datetime, _of_moment),
    (date, lambda day: _of_moment(datetime(day.year, day.month, day.day))),  # noqa: DTZ001
    (timedelta, lambda length: _of_bytes(b"length %d" % (length // _MICROSECOND))),
    (bytes, lambda data: _of_bytes(b"bytes " + data)),
)


def _of_bytes(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _mixed(number: int) -> int:
    number = (number + _SECOND) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return number ^ (number >> 31)
