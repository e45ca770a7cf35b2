"""Settings: where they come from, in which order, and what a wrong one says."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.config import SETTINGS, Config, resolve
from navigator_obs.errors import ConfigError


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.navigator_obs]\nlevel = "WARNING"\nlog_dir = "from-file"\nlog_backups = 3\n'
    )
    return tmp_path


def test_argument_beats_environment_beats_file_beats_default(project):
    """Each source overrides the next, setting by setting, and the origin of each is told."""
    environ = {"NAVIGATOR_OBS_LEVEL": "error", "NAVIGATOR_OBS_LOG_DIR": "from-environment", "HOME": "x"}
    config = resolve({"level": "DEBUG"}, environ, project)
    assert (config.level, config.log_dir, config.log_backups) == ("DEBUG", Path("from-environment"), 3)
    assert config.log_max_bytes == 10_000_000
    sources = config.sources
    assert (sources["level"], sources["log_dir"]) == ("argument", "environment")
    assert sources["log_backups"] == str(project / "pyproject.toml")
    assert sources["log_max_bytes"] == "default"
    assert set(sources) == set(SETTINGS)


def test_the_nearest_project_file_holds(project):
    """The file is looked for from the working directory upwards, and the first one ends the search."""
    below = project / "a" / "b"
    below.mkdir(parents=True)
    assert resolve({}, {}, below).log_backups == 3
    (project / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert resolve({}, {}, below).log_backups == 10


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("level", "debug", "DEBUG"),
        ("file_level", "", None),
        ("console", "off", "off"),
        ("levels", "mesa=warning, mesa.time=DEBUG", {"mesa": "WARNING", "mesa.time": "DEBUG"}),
        ("log_max_bytes", "5000", 5000),
        ("stdlib", "no", False),
        ("capture_warnings", "1", True),
        ("redact_keys", "salary, ssn", ("salary", "ssn")),
        ("file_mode", "640", 0o640),
        ("dir_mode", "0o750", 0o750),
        ("breakdown", "year,region", ("year", "region")),
    ],
)
def test_every_setting_can_be_text(tmp_path, name, text, value):
    """A setting from the environment is read from its text."""
    assert getattr(resolve({}, {f"NAVIGATOR_OBS_{name.upper()}": text}, tmp_path), name) == value


@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("level", "DEBGU", "DEBUG, INFO, WARNING, ERROR, CRITICAL, did you mean 'DEBUG'"),
        ("console", "maybe", "auto, on, off"),
        ("durability", "proces", "did you mean 'process'"),
        ("log_max_bytes", 10, "a whole number of at least 1000"),
        ("log_max_bytes", "many", "a whole number of at least 1000"),
        ("log_backups", 1.5, "a whole number of at least 0"),
        ("log_backups", float("inf"), "a whole number of at least 0"),
        ("stdlib", "perhaps", "true or false"),
        ("file_mode", "rw", "octal"),
        ("file_mode", -1, "octal"),
        ("levels", {"mesa": "LOUD"}, "DEBUG, INFO"),
        ("levels", "mesa", "DEBUG, INFO"),
        ("processors", ["no"], "structlog processors"),
        ("log_dir", "", "a path"),
        ("log_dir", 5, "a path"),
    ],
)
def test_a_wrong_setting_names_value_and_valid_ones(name, value, valid):
    """A wrong value is refused at once, with its name, itself, its source and what would be right."""
    with pytest.raises(ConfigError) as caught:
        resolve({name: value}, {}, Path("/"))
    message = str(caught.value)
    assert message.startswith(f"{name}={value!r} (from argument): ")
    assert valid in message
    with pytest.raises(ConfigError):
        Config(**{name: value})


def test_a_wrong_setting_names_its_source(tmp_path):
    """A wrong value from the environment or a file says so."""
    with pytest.raises(ConfigError, match=r"level='LOUD' \(from environment\)"):
        resolve({}, {"NAVIGATOR_OBS_LEVEL": "LOUD"}, tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.navigator_obs]\nlevel = 5\n")
    with pytest.raises(ConfigError, match=r"level=5 \(from .*pyproject.toml\)"):
        resolve({}, {}, tmp_path)


def test_an_unknown_argument_is_refused_with_a_suggestion(tmp_path):
    """A mistyped keyword is wrong use."""
    with pytest.raises(ConfigError, match="unknown setting 'log_dri', did you mean 'log_dir'"):
        resolve({"log_dri": "x"}, {}, tmp_path)


def test_the_warning_of_an_unknown_setting_points_at_the_users_line(tmp_path, monkeypatch):
    """It names the line that calls the toolkit, not one inside of it, however deep the call goes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAVIGATOR_OBS_LEVLE", "DEBUG")
    for call in (resolve, lambda: obs.configure(console="off")):
        with pytest.warns(UserWarning, match="LEVLE") as told:
            call()
        assert [Path(warning.filename) for warning in told] == [Path(__file__)]


def test_an_unknown_setting_elsewhere_is_a_warning(tmp_path):
    """In the environment or a file it may be meant for another version: a warning with a suggestion."""
    with pytest.warns(UserWarning, match="NAVIGATOR_OBS_LEVLE in the environment, did you mean 'NAVIGATOR_OBS_LEVEL'"):
        resolve({}, {"NAVIGATOR_OBS_LEVLE": "DEBUG"}, tmp_path)
    assert resolve({}, {"NAVIGATOR_OBS_RUN_ID": "x"}, tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.navigator_obs]\nlog_dri = 'x'\n")
    with pytest.warns(UserWarning, match="log_dri in .*pyproject.toml, did you mean 'log_dir'"):
        resolve({}, {}, tmp_path)


@pytest.mark.parametrize("text", ["[tool.navigator_obs\n", "[tool]\nnavigator_obs = 5\n"])
def test_a_broken_file_is_named(tmp_path, text):
    """A file that can't be read is a wrong setting that names the file."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        resolve({}, {}, tmp_path)


def test_a_config_never_changes_and_travels():
    """It is frozen, compares by its settings, and pickles without the processors, which may be closures."""
    config = Config(level="debug", processors=(lambda *_: {},))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.level = "INFO"
    travelled = pickle.loads(pickle.dumps(config))
    assert travelled == dataclasses.replace(config, processors=())
    assert (config.file_threshold, config.console_threshold) == (10, 10)
    assert Config(file_level="ERROR", console_level="warning").console_threshold == 30
