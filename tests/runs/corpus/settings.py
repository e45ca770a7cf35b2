"""What the one who starts the program has set wrongly."""

from __future__ import annotations

import argparse
import logging.config
import os
import zoneinfo
from dataclasses import dataclass
from pathlib import Path

import navigator_obs as obs

from .case import case


@case("config", "An option that the program does not know.", raises="SystemExit", says="2")
def argparse_unknown_option(folder: Path) -> None:
    parser = argparse.ArgumentParser(prog="simulate")
    parser.add_argument("--year", type=int)
    parser.parse_args(["--yaer", "2026"])


@case("config", "An option's value of the wrong type.", raises="SystemExit", says="2")
def argparse_wrong_type(folder: Path) -> None:
    parser = argparse.ArgumentParser(prog="simulate")
    parser.add_argument("--year", type=int)
    parser.parse_args(["--year", "next"])


@case(
    "config", "A choice that click does not offer.",
    raises="click.exceptions.BadParameter", says="is not one of", needs=("click",),
)  # fmt: skip
def click_no_such_choice(folder: Path) -> None:
    import click

    command = click.Command("simulate", params=[click.Option(["--scenario"], type=click.Choice(["baseline", "high"]))])
    command.main(["--scenario", "hihg"], standalone_mode=False)


@case("config", "A variable of the environment that should be set.", raises="KeyError", says="PLANWISE_DATABASE")
def variable_not_set(folder: Path) -> None:
    os.environ["PLANWISE_DATABASE"]


class ConfigError(ValueError):
    """A setting without sense."""


@dataclass(frozen=True)
class Years:
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError(f"last_year {self.last} is before first_year {self.first}")


@case(
    "config", "The years are the wrong way round.",
    raises="tests.runs.corpus.settings.ConfigError", says="before first_year",
)  # fmt: skip
def years_the_wrong_way_round(folder: Path) -> None:
    Years(2029, 2025)


class InvalidScenario(Exception):
    """No such scenario."""


@case(
    "config", "The scenario that was asked for is none.",
    raises="tests.runs.corpus.settings.InvalidScenario", says="scenario 'hihg_growth'",
)  # fmt: skip
def no_such_scenario(folder: Path) -> None:
    scenarios = {"baseline": 0.03, "high_growth": 0.08}
    wanted = "hihg_growth"
    if wanted not in scenarios:
        raise InvalidScenario(f"there is no scenario {wanted!r}: choose from {', '.join(scenarios)}")


@case("config", "A setting that the settings' class does not have.", raises="TypeError", says="unexpected keyword")
def unknown_setting(folder: Path) -> None:
    class SimulationConfig:
        def __init__(self, *, seed: int = 42) -> None:
            self.seed = seed

    given = {"sede": 7}
    SimulationConfig(**given)


@case("config", "There is no such time zone.", raises="zoneinfo._common.ZoneInfoNotFoundError", says="Europe/Pariss")
def no_such_time_zone(folder: Path) -> None:
    zoneinfo.ZoneInfo("Europe/Pariss")


@case("config", "The settings for logging name a class that is none.", raises="ValueError", says="Unable to configure")
def logging_settings(folder: Path) -> None:
    handlers = {"file": {"class": "logging.handlers.RotatingFileHandlr", "filename": str(folder / "log")}}
    logging.config.dictConfig({"version": 1, "handlers": handlers, "root": {"handlers": ["file"]}})


@case(
    "config", "A setting of the recorder has a value that is none.",
    raises="navigator_obs.errors.ConfigError", says="level",
)  # fmt: skip
def recorder_setting(folder: Path) -> None:
    obs.configure(level="LOUD", log_dir=folder / "logs")


@case(
    "observability", "The program uses the recorder wrongly: an operation without a name.",
    raises="navigator_obs.errors.UsageError",
)  # fmt: skip
def recorder_used_wrongly(folder: Path) -> None:
    with obs.operation(""):
        pass


@case(
    "observability", "The program hands the recorder a run's id that is none.",
    raises="navigator_obs.errors.UsageError", says="../escape",
)  # fmt: skip
def recorder_given_a_wrong_id(folder: Path) -> None:
    obs.configure(log_dir=folder / "logs", runs_dir=folder / "runs", console="off")
    with obs.start_run("baseline", run_id="../escape"):
        pass
