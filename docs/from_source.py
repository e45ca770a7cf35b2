"""Python source as Markdown: signatures and docstrings, read from the syntax tree, as they were written."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Final, TypeGuard

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_MADE_BY_CALLERS: Final = frozenset({"context", "operation", "FakeClock", "History"})
"""The classes that users of the package instantiate themselves; of the others the constructor is not shown."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def prose(docstring: str | None) -> str:
    """Return a docstring as Markdown: its examples in fences, reStructuredText's double backquotes made single."""
    parts, examples = [], []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(docstring or "")):
        if paragraph.lstrip().startswith(">>>"):
            examples.append(paragraph)
            continue
        parts.append(re.sub(r"``(.+?)``", r"`\1`", paragraph.replace("\n", " ")))
    fences = [f"```pycon\n{example}\n```" for example in examples]
    return "\n\n".join([*parts, *fences])


def public_names(module: ModuleType) -> list[str]:
    """Return the functions and classes that *module* itself defines, in the order of its source."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = ast.parse(inspect.getsource(module)).body
    return [node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def entry(name: str, module: ModuleType, hidden: Iterable[str] = ()) -> str:
    """Return what the source of *module* says of a function or class of it, without the *hidden* methods. Those that a
    class has from others of the package come first.
    """
    found = _named(name, module)
    if isinstance(found[0], ast.ClassDef):
        above = [kind for kind in getattr(module, name).__mro__[:0:-1] if kind.__module__.startswith("navigator_obs.")]
        bases = [_named(kind.__name__, sys.modules[kind.__module__])[0] for kind in above]
        return "\n\n".join(_class_entry(found[0], frozenset(hidden), [base for base in bases if _is_class(base)]))
    return _function_entry(name, [node for node in found if isinstance(node, ast.FunctionDef)], "###")


def _named(name: str, module: ModuleType) -> list[ast.stmt]:
    tree = _Inliner.of(ast.parse(inspect.getsource(module)))
    return [node for node in tree.body if getattr(node, "name", None) == name]


def _is_class(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef)


class _Inliner(ast.NodeTransformer):
    """Puts the module's constants and type aliases where parameters name them: readers have only the signature."""

    def __init__(self, bound: dict[str, ast.expr]) -> None:
        self._bound = bound

    @classmethod
    def of(cls, tree: ast.Module) -> ast.Module:
        """Return the tree with its functions' parameters spelled out."""
        bound = dict(_bindings(tree))
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                node.args = cls(bound).visit(node.args)
        return tree

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace one name."""
        return self._bound.get(node.id, node)


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            name, value = node.target.id, node.value
        else:
            continue
        is_alias = isinstance(value, ast.BinOp) or (isinstance(value, ast.Subscript) and name[0].isupper())
        if isinstance(value, ast.Constant) or (is_alias and not name.startswith("_")):
            yield name, value


def _class_entry(node: ast.ClassDef, hidden: frozenset[str], bases: Iterable[ast.ClassDef] = ()) -> Iterator[str]:
    yield f"### `{node.name}`"
    if node.name in _MADE_BY_CALLERS:
        made = [one for one in _methods(node) if one.name == "__init__"]
        yield from (fence(_signature(node.name, one, skip=1)) for one in made)
    yield prose(ast.get_docstring(node))
    if node.name == "Config":
        yield "Its attributes are the [settings](settings.md)."
        return
    if any("dataclass" in ast.unparse(one) for one in node.decorator_list):
        yield fence("\n".join(_attributes(node)))
    for one in (*bases, node):
        yield from _set_at_first(one)
        yield from _members(one, hidden)


def _set_at_first(node: ast.ClassDef) -> Iterator[str]:
    """The public attributes that `__init__` sets and describes."""
    made = [one for one in _methods(node) if one.name == "__init__"]
    for one, told in itertools.pairwise(made[0].body if made else []):
        if isinstance(one, ast.AnnAssign) and isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant):
            name = ast.unparse(one.target).removeprefix("self.")
            if not name.startswith("_"):
                yield f"#### `.{name}: {_written(one.annotation)}`\n\n{prose(str(told.value.value))}"


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_"):
            yield f"{ast.unparse(one.target)}: {_written(one.annotation)}"


def _members(node: ast.ClassDef, hidden: frozenset[str]) -> Iterator[str]:
    for name, variants in itertools.groupby(_methods(node), key=lambda method: method.name):
        methods = list(variants)
        if name.startswith("_") or name in hidden or isinstance(methods[0], ast.AsyncFunctionDef):
            continue
        if any(isinstance(one, ast.Name) and one.id == "property" for one in methods[0].decorator_list):
            kind = f": {_written(methods[0].returns)}" if methods[0].returns else ""
            yield f"#### `.{name}{kind}`\n\n{prose(ast.get_docstring(methods[0]))}"
        else:
            yield _function_entry(f".{name}", methods, "####")


def _function_entry(name: str, variants: Sequence[FunctionNode], mark: str) -> str:
    told = next((ast.get_docstring(one) for one in reversed(variants) if ast.get_docstring(one)), "")
    shown = [one for one in variants if _is_overload(one)] or variants
    signatures = fence("\n".join(_signature(name, one, skip=1 if name[0] == "." else 0) for one in shown))
    return f"{mark} `{name}`\n\n{signatures}\n\n{prose(told)}"


def fence(text: str) -> str:
    """Return a fenced block of plain text."""
    return f"```text\n{text}\n```"


def _methods(node: ast.ClassDef) -> list[FunctionNode]:
    return [one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _is_overload(node: FunctionNode) -> bool:
    return any(ast.unparse(one).endswith("overload") for one in node.decorator_list)


def _signature(name: str, node: FunctionNode, *, skip: int) -> str:
    parameters = _parameters(node.args, skip)
    returns = "" if node.returns is None or node.name == "__init__" else f" -> {_written(node.returns)}"
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) <= 100:
        return line
    inner = "".join(f"    {one},\n" for one in parameters)
    return f"{name}(\n{inner}){returns}"


def _parameters(of: ast.arguments, skip: int) -> list[str]:
    plain = [*of.posonlyargs, *of.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(of.defaults))
    shown = [_parameter(one, default) for one, default in zip(plain, [*defaults, *of.defaults], strict=True)]
    if len(of.posonlyargs) > skip:
        shown.insert(len(of.posonlyargs), "/")
    if of.vararg:
        shown.append(f"*{_parameter(of.vararg, None)}")
    elif of.kwonlyargs:
        shown.append("*")
    shown += [_parameter(one, default) for one, default in zip(of.kwonlyargs, of.kw_defaults, strict=True)]
    return (shown + ([f"**{_parameter(of.kwarg, None)}"] if of.kwarg else []))[skip:]


def _parameter(node: ast.arg, default: ast.expr | None) -> str:
    kind = f": {_written(node.annotation)}" if node.annotation else ""
    if default is None:
        return f"{node.arg}{kind}"
    return f"{node.arg}{kind} = {'...' if isinstance(default, ast.Name) else _written(default)}"


def _written(node: ast.expr) -> str:
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', ast.unparse(node))
