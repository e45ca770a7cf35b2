"""Each parameter is known with where it came from."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.runs.sources import gather, leaves, source_of


@dataclass
class Plan:
    seed: int = 42
    growth: float = 0.03
    years: list[int] = field(default_factory=list)


@pytest.mark.parametrize(
    ("content", "sources"),
    [
        ("base: &b\n  x: 1\nplan: *b\n", {"base.x": 2, "plan.x": 2}),
        ("base: &b\n  x: 1\nplan:\n  <<: *b\n  y: 2\n", {"base.x": 2, "plan.y": 5}),
        ("plan: &p\n  x: 1\n  again: *p\n", {"plan.x": 2}),
        ("2025: 7\ntrue: 1\n", {"2025": 1}),
    ],
    ids=["alias", "merged", "circular", "no texts"],
)
def test_what_yaml_has_in_two_places_is_told_in_both(recorder, tmp_path, content, sources):
    """An alias has the line of what it stands for; one that stands in itself ends somewhere."""
    pytest.importorskip("yaml")
    path = tmp_path / "plan.yaml"
    path.write_text(content)
    with obs.start_run("baseline", params=path) as run:
        pass
    told = run.summary["configuration"]["sources"]
    assert {name: told[name] for name in sources} == {name: f"{path}:{line}" for name, line in sources.items()}
    assert all(source.startswith(str(path)) for source in told.values())


def test_defaults_of_a_dataclass_are_told_apart():
    """What was given is the code's."""
    assert gather(Plan(growth=0.05))[1] == {"seed": "default", "growth": "code", "years": "default"}


def test_a_model_tells_what_was_set():
    """pydantic knows."""
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        seed: int = 42
        growth: float = 0.03

    assert gather(Model(seed=42))[1] == {"seed": "code", "growth": "default"}


def test_what_was_set_inside_is_told_too():
    """Of a model in a model and a dataclass in a dataclass, value by value; as a layer only what was set goes first."""
    pydantic = pytest.importorskip("pydantic")

    class Database(pydantic.BaseModel):
        host: str = "local"
        port: int = 5432

    class Model(pydantic.BaseModel):
        seed: int = 42
        db: Database = Database()

    @dataclass
    class Outer:
        name: str = "base"
        plan: Plan = field(default_factory=Plan)

    expected = {"seed": "default", "db.host": "code", "db.port": "default"}
    assert gather(Model(db=Database(host="prod")))[1] == expected
    assert gather(Model())[1] == {"seed": "default", "db": "default"}
    assert gather(Outer(plan=Plan(seed=7)))[1] == {
        "name": "default", "plan.seed": "code", "plan.growth": "default", "plan.years": "default",
    }  # fmt: skip
    values, sources = gather([("file", {"db": {"port": 1}}), Model(db=Database(host="prod"))])
    assert values == {"db": {"port": 1, "host": "prod"}, "seed": 42}
    assert sources == {"db.port": "file", "db.host": "code", "seed": "default"}


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["-l2031"], {"last_year"}),
        (["-l", "2031"], {"last_year"}),
        (["--last-y", "2031"], {"last_year"}),
        (["-vd"], {"verbose", "dry_run"}),
        (["-v", "--levels", "1", "2"], {"verbose", "levels"}),
        (["--seed=042"], {"seed"}),
        ([], set()),
    ],
)
def test_the_short_ways_to_give_an_option_are_known(monkeypatch, words, given):
    """Behind its letter, abbreviated, several flags in one word, several values."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-l", "--last-year", type=int, default=2029)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-d", "--dry-run", action="store_true")
    parser.add_argument("--levels", nargs="*", type=int, default=[])
    parser.add_argument("--seed", type=int, default=42)
    monkeypatch.setattr(sys, "argv", ["sim", *words])
    _, sources = gather(parser.parse_args())
    assert {name for name, source in sources.items() if source == "cli"} == given


def test_a_namespace_is_held_against_the_command_line(monkeypatch):
    """An option by its name or by its value; what is not there is a default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("census")
    parser.add_argument("-s", "--seed", type=int, default=42)
    parser.add_argument("--last-year", type=int, default=2029)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--growth", type=float, default=0.03)
    monkeypatch.setattr(sys, "argv", ["sim", "census.parquet", "-s", "7", "--last-year=2031", "--dry-run"])
    values, sources = gather(parser.parse_args())
    assert values["seed"] == 7
    assert sources == {"census": "cli", "seed": "cli", "last_year": "cli", "dry_run": "cli", "growth": "default"}


def test_click_tells_each_source(monkeypatch):
    """Command line, environment, default."""
    found = []

    @click.command()
    @click.option("--seed", default=42)
    @click.option("--growth", default=0.03, envvar="GROWTH")
    @click.option("--years", default=5)
    @click.pass_context
    def command(context, **_):
        found.append(gather(context))

    monkeypatch.setenv("GROWTH", "0.05")
    command(["--seed", "7"], standalone_mode=False)
    [(values, sources)] = found
    assert values == {"seed": 7, "growth": 0.05, "years": 5}
    assert sources == {"seed": "cli", "growth": "env", "years": "default"}


FILES = {
    "plan.toml": 'seed = 42\n# the database\n[db]\nhost = "local"\n\n[db.pool]\nsize = 4\n',
    "plan.json": '{\n "seed": 42,\n "db": {\n  "host": "local",\n  "pool": {\n\n   "size": 4}}\n}\n',
    "plan.yaml": "seed: 42\n# the database\ndb:\n  host: local\n  pool:\n\n    size: 4\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_tells_its_lines(tmp_path, name):
    """TOML, JSON and YAML."""
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    path = tmp_path / name
    path.write_text(FILES[name])
    values, sources = gather(path)
    assert values == {"seed": 42, "db": {"host": "local", "pool": {"size": 4}}}
    lines = FILES[name].splitlines()
    for key in ("seed", "db.host", "db.pool.size"):
        file, _, line = sources[key].rpartition(":")
        assert file == str(path)
        assert key.rpartition(".")[2] in lines[int(line) - 1]


def test_lines_are_not_mistaken_in_toml(tmp_path):
    """Texts of several lines, tables in lists, inline and dotted ones, quoted keys."""
    path = tmp_path / "plan.toml"
    path.write_text(
        'text = """\nseed = 9\n"""\nseed = 42\n"quoted key" = 1\ninline = { a = 1 }\nb.c = 2\n'
        '[[levels]]\nname = "L1"\n[[levels]]\nname = "L2"\n[empty]\n[db]\nname = "sim"\n'
    )
    assert gather(path)[1] == {
        "text": f"{path}:1", "seed": f"{path}:4", "quoted key": f"{path}:5", "inline": f"{path}:6", "b": str(path),
        "b.c": f"{path}:7", "levels": f"{path}:8", "empty": f"{path}:12", "db": f"{path}:13", "db.name": f"{path}:14",
    }  # fmt: skip


def test_lines_are_not_mistaken_in_json(tmp_path):
    """Keys in lists, the same key at several depths, texts that look like keys, escapes."""
    path = tmp_path / "plan.json"
    path.write_text(
        '{"levels": [{"seed": 1,\n "x": {"seed": 2}}],\n "a": {"seed": "\\"seed\\": {",\n "b": {"seed"\n: 3}},\n'
        ' "seed": 4, "\\u00e9": 5}'
    )
    assert gather(path)[1] == {
        "levels": f"{path}:1", "a": f"{path}:3", "a.seed": f"{path}:3", "a.b": f"{path}:4", "a.b.seed": f"{path}:4",
        "seed": f"{path}:6", "é": f"{path}:6",
    }  # fmt: skip


def marked(tree, marker):
    """With a number of its own on each key."""
    return {
        f"{key}{next(marker)}": marked(value, marker) if isinstance(value, dict) else value
        for key, value in tree.items()
    }


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters=".", exclude_categories=("C",)), max_size=3),
        st.recursive(
            st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
        ),
        max_size=4,
    ),
    st.sampled_from([None, 0, 1, 4]),
)
def test_each_key_of_json_is_on_its_line(tree, indent):
    """However the file is laid out."""
    tree = marked(tree, count())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(tree, indent=indent))
        values, sources = gather(path)
        lines = path.read_text().splitlines()
    assert values == tree
    for where, _ in leaves(values):
        line = lines[int(source_of(where, sources).rpartition(":")[2]) - 1]
        assert f"{json.dumps(where[-1])}:" in line


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("plan.toml", None, "can't be read: .*No such file"),
        ("plan.toml", "seed = = 1", "can't be read: Invalid value"),
        ("plan.json", "[1, 2]", "must hold a table"),
        ("plan.ini", "", r"must be a file of the kind \.toml, \.json, \.yaml, \.yml"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, name, content, words):
    """With what is wrong with it."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=words):
        gather(str(tmp_path / name))


def test_layers_go_before_those_below(tmp_path, monkeypatch):
    """A file over defaults, the environment over the file; a default of the command line over nothing."""
    path = tmp_path / "plan.toml"
    path.write_text('growth = 0.04\n[db]\nhost = "local"\nport = 5432\n')
    monkeypatch.setattr(sys, "argv", ["sim", "--seed", "7"])
    arguments = argparse.Namespace(seed=7, growth=0.03)
    values, sources = gather([Plan(), path, ("env", {"db": {"host": "prod"}}), arguments])
    assert values == {"seed": 7, "growth": 0.04, "years": [], "db": {"host": "prod", "port": 5432}}
    assert sources == {
        "seed": "cli", "growth": f"{path}:1", "years": "default", "db.host": "env", "db.port": f"{path}:4",
    }  # fmt: skip


TREES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)


@given(
    st.dictionaries(st.sampled_from("abc"), TREES, max_size=3),
    st.dictionaries(st.sampled_from("abc"), TREES, max_size=3),
)
def test_every_value_has_one_source(below, above):
    """Whatever lies above what; the upper layer's values are all there."""
    values, sources = gather([("below", below), ("above", above)])
    for path, value in leaves(above):
        there = values
        for key in path:
            there = there[key]
        assert there == value or value == {}
    assert sources.keys() == {".".join(path) for path, _ in leaves(values)}
    assert {path for path, source in sources.items() if source == "above"} == {
        ".".join(path) for path, _ in leaves(above)
    }


def test_layers_of_many_values_are_laid_over_each_other_and_left_as_they_are():
    """Tens of thousands of each, nested and not; an empty mapping that is filled above stays empty in its layer."""
    below = {"empty": {}, "rates": {f"r{number}": number for number in range(30_000)}}
    above = {"empty": {"a": 1}, "rates": {f"r{number}": -number for number in range(0, 30_000, 2)}}
    values, sources = gather(
        [("below", below), ("above", above), ("top", {f"t{number}": 0 for number in range(30_000)})]
    )
    assert below["empty"] == {}
    assert values["empty"] == {"a": 1}
    assert (values["rates"]["r7"], values["rates"]["r8"], values["t9"]) == (7, -8, 0)
    assert (sources["rates.r7"], sources["rates.r8"], sources["t9"]) == ("below", "above", "top")
    assert len(sources) == 60_001


def test_the_summary_has_them(recorder):
    """By path, for each value."""
    with obs.start_run("baseline", params={"seed": 42, "db": {"host": "local", "ports": [1, 2]}}) as run:
        pass
    assert run.summary["configuration"]["sources"] == {"seed": "code", "db.host": "code", "db.ports": "code"}
