"""Arithmetic that has no answer, or none that fits."""

from __future__ import annotations

import decimal
import fractions
import math
import statistics
import warnings
from pathlib import Path

from .case import case

NUMPY = ("numpy",)
LINALG = "numpy.linalg.LinAlgError"


@case("numeric/division", "An average over nobody.", raises="ZeroDivisionError", says="division by zero")
def division_by_zero(folder: Path) -> None:
    leavers: list[int] = []
    sum(leavers) / len(leavers)


@case("numeric/division", "A remainder by zero.", raises="ZeroDivisionError", says="modulo")
def modulo_zero(folder: Path) -> None:
    2026 % int("0")


@case("numeric/division", "A ratio to zero.", raises="ZeroDivisionError", says="Fraction")
def fraction_of_zero(folder: Path) -> None:
    fractions.Fraction(1, 0)


@case("numeric/division", "A decimal divided by zero.", raises="decimal.DivisionByZero")
def decimal_divided_by_zero(folder: Path) -> None:
    decimal.Decimal("1000.00") / decimal.Decimal(0)


@case("numeric/overflow", "Growth compounded past all numbers.", raises="OverflowError", says="math range error")
def exponential_too_large(folder: Path) -> None:
    math.exp(1000)


@case(
    "numeric/overflow", "A power too large for a float.", raises="OverflowError", says="Numerical result out of range"
)
def power_too_large(folder: Path) -> None:
    1.03**100_000


@case("numeric/overflow", "An integer too large for a float.", raises="OverflowError", says="too large to convert")
def integer_too_large_for_a_float(folder: Path) -> None:
    float(10**400)


@case("numeric/overflow", "A decimal out of its context's range.", raises="decimal.Overflow")
def decimal_too_large(folder: Path) -> None:
    decimal.Decimal(10) ** 10_000_000


@case("numeric/overflow", "A number too large for its eight bits.", raises="OverflowError", says="out of bounds")
def numpy_integer_out_of_bounds(folder: Path) -> None:
    import numpy as np

    np.zeros(3, dtype="uint8")[0] = 300


@case("numeric/nonfinite", "The logarithm of a negative pay.", raises="ValueError", says="math domain error")
def logarithm_of_a_negative(folder: Path) -> None:
    math.log(-50_000.0)


@case("numeric/nonfinite", "NaN is no headcount.", raises="ValueError", says="cannot convert float NaN to integer")
def nan_to_integer(folder: Path) -> None:
    int(float("inf") - float("inf"))


@case("numeric/nonfinite", "Infinity is no headcount.", raises="OverflowError", says="cannot convert float infinity")
def infinity_to_integer(folder: Path) -> None:
    round(float("1e308") * 10)


@case("numeric/nonfinite", "An invalid decimal operation.", raises="decimal.InvalidOperation")
def decimal_of_infinities(folder: Path) -> None:
    decimal.Decimal("Infinity") - decimal.Decimal("Infinity")


@case(
    "data/missing", "The average of no values: the sample is empty.",
    raises="statistics.StatisticsError", says="at least one",
)  # fmt: skip
def mean_of_nothing(folder: Path) -> None:
    statistics.mean([])


def raising() -> object:
    import numpy as np

    return np.errstate(all="raise")


@case("numeric/division", "An array divided by zero.", raises="FloatingPointError", says="divide by zero", needs=NUMPY)
def numpy_division(folder: Path) -> None:
    import numpy as np

    with raising():
        np.array([1.0, 2.0]) / np.array([1.0, 0.0])


@case("numeric/overflow", "An array outgrows the floats.", raises="FloatingPointError", says="overflow", needs=NUMPY)
def numpy_overflow(folder: Path) -> None:
    import numpy as np

    with raising():
        np.exp(np.array([1.0, 1000.0]))


@case("numeric/nonfinite", "NaN would creep in.", raises="FloatingPointError", says="invalid value", needs=NUMPY)
def numpy_invalid(folder: Path) -> None:
    import numpy as np

    with raising():
        np.sqrt(np.array([1.0, -1.0]))


@case("numeric", "The matrix has no inverse.", raises=LINALG, says="Singular matrix", needs=NUMPY)
def numpy_singular(folder: Path) -> None:
    import numpy as np

    np.linalg.inv(np.array([[1.0, 2.0], [2.0, 4.0]]))


@case("numeric", "A covariance that is none.", raises=LINALG, says="not positive definite", needs=NUMPY)
def numpy_not_positive_definite(folder: Path) -> None:
    import numpy as np

    np.linalg.cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))


@case(
    "numeric/no_convergence", "The decomposition did not converge.",
    raises=LINALG, says="did not converge", needs=NUMPY,
)  # fmt: skip
def numpy_svd(folder: Path) -> None:
    import numpy as np

    np.linalg.svd(np.full((3, 3), np.nan))


@case(
    "numeric/nonfinite", "A matrix with NaN or infinities in it.",
    raises=LINALG, says="infs or NaNs", needs=NUMPY,
)  # fmt: skip
def numpy_eigenvalues_of_nan(folder: Path) -> None:
    import numpy as np

    np.linalg.eigvals(np.full((3, 3), np.inf))


class ConvergenceError(ArithmeticError):
    """A search that did not end."""


@case(
    "numeric/no_convergence", "The search for the balancing rate did not end.",
    raises="tests.runs.corpus.numbers.ConvergenceError", says="after 50 iterations",
)  # fmt: skip
def search_without_end(folder: Path) -> None:
    rate = 0.5
    for _ in range(50):
        rate = 3.9 * rate * (1 - rate)
        if abs(rate - 0.5) < 1e-12:
            return
    raise ConvergenceError(f"the hiring rate did not settle after 50 iterations (last {rate:.3f})")


@case(
    "numeric/division", "A warning of numpy, which the program takes for an error.",
    raises="RuntimeWarning", says="divide by zero encountered in log", needs=NUMPY,
)  # fmt: skip
def numpy_warning_of_division(folder: Path) -> None:
    import numpy as np

    warnings.simplefilter("error")
    np.log(np.array([1.0, 0.0]))


@case(
    "numeric/overflow", "A warning of numpy, which the program takes for an error.",
    raises="RuntimeWarning", says="overflow encountered", needs=NUMPY,
)  # fmt: skip
def numpy_warning_of_overflow(folder: Path) -> None:
    import numpy as np

    warnings.simplefilter("error")
    np.float64(1e300) * np.float64(1e300)


@case(
    "data/missing", "A warning of numpy, which the program takes for an error: nothing to average.",
    raises="RuntimeWarning", says="Mean of empty slice", needs=NUMPY,
)  # fmt: skip
def numpy_warning_of_no_values(folder: Path) -> None:
    import numpy as np

    warnings.simplefilter("error")
    np.array([]).mean()


@case(
    "numeric/nonfinite", "Chances with NaN among them.",
    raises="ValueError", says="robabilities contain NaN", needs=NUMPY,
)  # fmt: skip
def numpy_probabilities_of_nan(folder: Path) -> None:
    import numpy as np

    np.random.default_rng(42).choice([1, 2], p=[np.nan, 0.5])


@case(
    "model", "The chances that the model works with do not sum to one.",
    raises="ValueError", says="sum to 1", needs=NUMPY,
)  # fmt: skip
def numpy_probabilities_beyond_one(folder: Path) -> None:
    import numpy as np

    np.random.default_rng(42).choice(["stays", "leaves"], p=[0.9, 0.2])
