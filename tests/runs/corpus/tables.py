"""Data frames: pandas, numpy's files, polars, and the rows that pydantic checks."""

from __future__ import annotations

import warnings
from pathlib import Path

from .case import case

PANDAS = ("pandas",)
POLARS = ("polars",)
PYDANTIC = ("pydantic",)
CENSUS = "employee_id,level,compensation\n1,2,50000\n2,3,61000\n"


def write(folder: Path, text: str, name: str = "census.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def frame(text: str = CENSUS, **options: object):
    import io

    import pandas as pd

    return pd.read_csv(io.StringIO(text), **options)


@case("data/schema", "The census has no such column.", raises="KeyError", says="salary", needs=PANDAS)
def pandas_missing_column(folder: Path) -> None:
    frame()["salary"].sum()


@case(
    "data/schema", "The columns that should be read are not all there.",
    raises="ValueError", says="Usecols do not match columns", needs=PANDAS,
)  # fmt: skip
def pandas_missing_column_to_read(folder: Path) -> None:
    frame(usecols=["employee_id", "hire_date"])


@case(
    "data/schema", "The date column that should be parsed is not there.",
    raises="ValueError", says="Missing column provided to 'parse_dates'", needs=PANDAS,
)  # fmt: skip
def pandas_missing_date_column(folder: Path) -> None:
    frame(parse_dates=["hire_date"])


@case("data/missing", "The file is there and empty.", raises="pandas.errors.EmptyDataError", needs=PANDAS)
def pandas_empty_file(folder: Path) -> None:
    import pandas as pd

    pd.read_csv(write(folder, ""))


@case(
    "data/format", "A line has more fields than the others.",
    raises="pandas.errors.ParserError", says="Expected 3 fields", needs=PANDAS,
)  # fmt: skip
def pandas_torn_line(folder: Path) -> None:
    frame(CENSUS + "3,1,52,000\n")


@case(
    "data/format", "A word where a number should be.",
    raises="ValueError", says="could not convert string to float", needs=PANDAS,
)  # fmt: skip
def pandas_word_for_a_number(folder: Path) -> None:
    frame(CENSUS + "3,1,unknown\n")["compensation"].astype(float)


@case("data/format", "A date in another notation.", raises="ValueError", says="time data", needs=PANDAS)
def pandas_date_in_another_notation(folder: Path) -> None:
    import pandas as pd

    pd.to_datetime(pd.Series(["2025-01-31", "31.01.2026"]), format="%Y-%m-%d")


@case(
    "numeric/nonfinite", "NaN among values that should become integers.",
    raises="pandas.errors.IntCastingNaNError", says="non-finite", needs=PANDAS,
)  # fmt: skip
def pandas_nan_to_integer(folder: Path) -> None:
    frame(CENSUS + "3,1,\n")["compensation"].astype("int64")


@case(
    "data/integrity", "The key that should be unique is not.",
    raises="pandas.errors.MergeError", says="not unique", needs=PANDAS,
)  # fmt: skip
def pandas_keys_not_unique(folder: Path) -> None:
    frame(CENSUS + "1,4,70000\n").merge(frame(), on="employee_id", validate="one_to_one")


@case(
    "data/integrity", "An index with the same employee twice.",
    raises="ValueError", says="duplicate labels", needs=PANDAS,
)  # fmt: skip
def pandas_duplicate_labels(folder: Path) -> None:
    frame(CENSUS + "1,4,70000\n").set_index("employee_id").reindex([1, 2, 3])


@case("data/missing", "No frame of any year to put together.", raises="ValueError", says="No objects", needs=PANDAS)
def pandas_nothing_to_concatenate(folder: Path) -> None:
    import pandas as pd

    pd.concat([pd.read_csv(path) for path in folder.glob("census_*.csv")])


@case("data/missing", "The year is not among the results.", raises="KeyError", says="2031", needs=PANDAS)
def pandas_missing_year(folder: Path) -> None:
    import pandas as pd

    pd.Series([100, 103], index=pd.Index([2025, 2026], name="year")).loc[2031]


@case(
    "data/schema", "The columns have other names than those to join on.",
    raises="KeyError", says="department", needs=PANDAS,
)  # fmt: skip
def pandas_missing_join_column(folder: Path) -> None:
    frame().merge(frame(), on="department")


@case(
    "code", "The program assigns a list of another length.",
    raises="ValueError", says="does not match length of index", needs=PANDAS,
)  # fmt: skip
def pandas_other_length(folder: Path) -> None:
    census = frame()
    census["raise"] = [0.03]


@case(
    "code", "The program asks a whole column whether it is true.",
    raises="ValueError", says="truth value of a Series is ambiguous", needs=PANDAS,
)  # fmt: skip
def pandas_truth_of_a_column(folder: Path) -> None:
    assert frame()["level"] > 1


@case(
    "code", "The program asks for a method that no frame has.",
    raises="AttributeError", says="no attribute 'appendd'", needs=PANDAS,
)  # fmt: skip
def pandas_no_such_method(folder: Path) -> None:
    frame().appendd(frame())


@case(
    "code", "The query in the program names something that was never defined.",
    raises="pandas.errors.UndefinedVariableError", says="minimum", needs=PANDAS,
)  # fmt: skip
def pandas_undefined_in_a_query(folder: Path) -> None:
    frame().query("level > @minimum")


@case(
    "environment/dependency", "The library that reads these spreadsheets is not installed.",
    raises="ImportError", says="odfpy", needs=PANDAS,
)  # fmt: skip
def pandas_without_odf(folder: Path) -> None:
    import pandas as pd

    pd.read_excel(write(folder, CENSUS, "census.ods"), engine="odf")


@case(
    "environment/dependency", "No library that reads Parquet is installed.",
    raises="ImportError", says="usable engine", needs=PANDAS,
)  # fmt: skip
def pandas_without_parquet(folder: Path) -> None:
    import sys

    sys.modules["pyarrow"] = sys.modules["fastparquet"] = None
    frame().to_parquet(folder / "census.parquet")


@case("data/format", "The JSON file breaks off.", raises="ValueError", needs=PANDAS)
def pandas_broken_json(folder: Path) -> None:
    import pandas as pd

    pd.read_json(write(folder, '[{"employee_id": 1}, {"emp'))


@case(
    "data/format", "A column of the census holds numbers and words; the warning is taken for an error.",
    raises="pandas.errors.DtypeWarning", says="mixed types", needs=PANDAS,
)  # fmt: skip
def pandas_mixed_types(folder: Path) -> None:
    warnings.simplefilter("error")
    lines = "".join(f"{number},1,{'unknown' if number > 290_000 else number}\n" for number in range(300_000))
    frame("employee_id,level,compensation\n" + lines)


@case(
    "data/format", "A file that is called one of numpy's and is none.",
    raises="ValueError", says="pickle", needs=("numpy",),
)  # fmt: skip
def numpy_not_a_file_of_its_own(folder: Path) -> None:
    import numpy as np

    np.load(write(folder, CENSUS, "census.npy"))


@case("data/format", "A word among the numbers.", raises="ValueError", says="could not convert", needs=("numpy",))
def numpy_word_for_a_number(folder: Path) -> None:
    import numpy as np

    np.loadtxt(write(folder, "1,2\n3,x\n"), delimiter=",")


@case("code", "Arrays of two shapes.", raises="ValueError", says="could not be broadcast", needs=("numpy",))
def numpy_shapes(folder: Path) -> None:
    import numpy as np

    np.zeros((3, 2)) + np.zeros((2, 3))


@case("code", "An index past the end.", raises="IndexError", says="out of bounds", needs=("numpy",))
def numpy_index(folder: Path) -> None:
    import numpy as np

    np.zeros(5)[5]


@case("data/schema", "No such column.", raises="polars.exceptions.ColumnNotFoundError", says="salary", needs=POLARS)
def polars_missing_column(folder: Path) -> None:
    import polars as pl

    pl.read_csv(write(folder, CENSUS)).select("salary")


@case("data/format", "A word among the numbers.", raises="polars.exceptions.ComputeError", needs=POLARS)
def polars_word_for_a_number(folder: Path) -> None:
    import polars as pl

    pl.read_csv(write(folder, CENSUS + "3,1,unknown\n"), schema_overrides={"compensation": pl.Float64})


@case("data/missing", "The file is empty.", raises="polars.exceptions.NoDataError", says="empty", needs=POLARS)
def polars_empty_file(folder: Path) -> None:
    import polars as pl

    pl.read_csv(write(folder, ""))


@case(
    "data/format", "A text that cannot be converted.",
    raises="polars.exceptions.InvalidOperationError", says="conversion", needs=POLARS,
)  # fmt: skip
def polars_conversion(folder: Path) -> None:
    import polars as pl

    pl.Series("compensation", ["50000", "n/a"]).cast(pl.Int64)


@case(
    "data/schema", "Frames of two years have different columns.",
    raises="polars.exceptions.ShapeError", needs=POLARS,
)  # fmt: skip
def polars_two_schemas(folder: Path) -> None:
    import polars as pl

    pl.concat([pl.DataFrame({"pay": [1]}), pl.DataFrame({"pay": [1], "level": [2]})])


@case("environment/missing_file", "No such file.", raises="FileNotFoundError", says="census", needs=POLARS)
def polars_missing_file(folder: Path) -> None:
    import polars as pl

    pl.read_parquet(folder / "census_2026.parquet")


@case(
    "data/integrity", "The key that should be unique is not.",
    raises="polars.exceptions.ComputeError", says="1:1 validation", needs=POLARS,
)  # fmt: skip
def polars_keys_not_unique(folder: Path) -> None:
    import polars as pl

    once = pl.DataFrame({"employee_id": [1, 2]})
    once.join(pl.DataFrame({"employee_id": [1, 1]}), on="employee_id", validate="1:1")


@case("config", "The settings name no seed.", raises="pydantic_core._pydantic_core.ValidationError", needs=PYDANTIC)
def pydantic_settings(folder: Path) -> None:
    import pydantic

    class SimulationConfig(pydantic.BaseModel):
        seed: int
        last_year: int

    SimulationConfig.model_validate({"last_year": "next"})


@case(
    "data/format", "A row of the census does not hold what it should.",
    raises="pydantic_core._pydantic_core.ValidationError", says="CensusRow", needs=PYDANTIC,
)  # fmt: skip
def pydantic_row(folder: Path) -> None:
    import csv
    import datetime as dt

    import pydantic

    class CensusRow(pydantic.BaseModel):
        employee_id: int
        hire_date: dt.date

    path = write(folder, "employee_id,hire_date\n7,never\n")
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            CensusRow.model_validate(row)
