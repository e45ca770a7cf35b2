"""Files and texts that cannot be read as what they should be."""

from __future__ import annotations

import base64
import configparser
import csv
import datetime as dt
import decimal
import gzip
import io
import json
import pickle
import struct
import tarfile
import tomllib
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from .case import case

JSON = "json.decoder.JSONDecodeError"


@case("data/format", "The file breaks off.", raises=JSON, says="Expecting")
def json_cut_short(folder: Path) -> None:
    json.loads('{"employee_id": 1, "compensation": ')


@case("data/format", "Nothing where JSON should be.", raises=JSON, says="Expecting value: line 1 column 1")
def json_of_nothing(folder: Path) -> None:
    json.loads("")


@case("data/format", "Something behind the end.", raises=JSON, says="Extra data")
def json_with_more(folder: Path) -> None:
    json.loads('{"employee_id": 1}\n{"employee_id": 2}')


@case("config", "The settings' TOML is wrong.", raises="tomllib.TOMLDecodeError", says="line 2")
def toml_broken(folder: Path) -> None:
    path = folder / "simulation.toml"
    path.write_text('[simulation]\nyears = 2025-\nseed = "x"\n')
    with path.open("rb") as file:
        tomllib.load(file)


@case(
    "config", "The settings' YAML is wrong: a tab.",
    raises="yaml.scanner.ScannerError", says="simulation.yaml", needs=("yaml",),
)  # fmt: skip
def yaml_broken(folder: Path) -> None:
    import yaml

    path = folder / "simulation.yaml"
    path.write_text("simulation:\n\tseed: 42\n")
    with path.open(encoding="utf-8") as file:
        yaml.safe_load(file)


@case("config", "The settings' INI file has no section.", raises="configparser.MissingSectionHeaderError")
def ini_without_section(folder: Path) -> None:
    configparser.ConfigParser().read_string("seed = 42\n")


@case("config", "The settings lack an option.", raises="configparser.NoOptionError", says="last_year")
def ini_without_option(folder: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read_string("[simulation]\nseed = 42\n")
    parser.getint("simulation", "last_year")


@case("data/format", "A field that does not end.", raises="_csv.Error", says="field larger than field limit")
def csv_field_too_large(folder: Path) -> None:
    list(csv.reader(['"' + "x" * 200_000]))


@case("data/format", "A character that no CSV line holds.", raises="_csv.Error", says="new-line character")
def csv_of_another_system(folder: Path) -> None:
    list(csv.reader(["1,50000\r2,51000"]))


@case("data/format", "A tag that is not closed.", raises="xml.etree.ElementTree.ParseError", says="mismatched tag")
def xml_broken(folder: Path) -> None:
    ET.fromstring("<census><employee></census>")


@case("data/format", "The binary record is too short.", raises="struct.error", says="requires a buffer")
def record_too_short(folder: Path) -> None:
    struct.unpack("<id", b"\x01\x00\x00")


@case("data/format", "The text is no base64.", raises="binascii.Error", says="Incorrect padding")
def base64_broken(folder: Path) -> None:
    base64.b64decode("Y2Vuc3V")


@case("data/format", "The census is not UTF-8.", raises="UnicodeDecodeError", says="invalid continuation byte")
def not_utf8(folder: Path) -> None:
    path = folder / "census.csv"
    path.write_bytes("employee\nJosé García\n".encode("latin-1"))
    path.read_text(encoding="utf-8")


@case(
    "environment", "The terminal's encoding cannot show a name: the locale is wrong.",
    raises="UnicodeEncodeError", says="'ascii' codec",
)  # fmt: skip
def terminal_of_ascii(folder: Path) -> None:
    print("José García", file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))


@case("data/format", "What is called gzip is none.", raises="gzip.BadGzipFile", says="Not a gzipped file")
def gzip_that_is_none(folder: Path) -> None:
    gzip.decompress(b"employee_id,level\n")


@case("data/format", "The archive was not copied to its end.", raises="EOFError", says="ended before")
def gzip_cut_short(folder: Path) -> None:
    path = folder / "census.csv.gz"
    path.write_bytes(gzip.compress(b"employee_id,level\n" * 1000)[:60])
    with gzip.open(path) as file:
        file.read()


@case("data/format", "What is called zip is none.", raises="zipfile.BadZipFile", says="not a zip file")
def zip_that_is_none(folder: Path) -> None:
    path = folder / "census.zip"
    path.write_bytes(b"employee_id,level\n")
    zipfile.ZipFile(path)


@case("data/format", "What is called tar is none.", raises="tarfile.ReadError", says="could not be opened")
def tar_that_is_none(folder: Path) -> None:
    path = folder / "census.tar"
    path.write_bytes(b"employee_id,level\n" * 100)
    tarfile.TarFile.open(path).close()


@case("data/format", "Compressed bytes that are damaged.", raises="zlib.error", says="while decompressing")
def zlib_damaged(folder: Path) -> None:
    zlib.decompress(zlib.compress(b"employee_id,level\n" * 100)[:20] + b"\0" * 20)


@case("data/format", "A number with letters.", raises="ValueError", says="invalid literal for int()")
def word_for_a_number(folder: Path) -> None:
    rows = csv.DictReader(["employee_id,level", "1,L2"])
    [int(row["level"]) for row in rows]


@case("data/format", "A number with a comma.", raises="ValueError", says="could not convert string to float")
def comma_for_a_point(folder: Path) -> None:
    rows = csv.DictReader(["employee_id;pay", "1;50000,75"], delimiter=";")
    [float(row["pay"]) for row in rows]


@case("data/format", "A decimal with a currency.", raises="decimal.InvalidOperation", says="ConversionSyntax")
def currency_in_a_decimal(folder: Path) -> None:
    decimal.Decimal("$50,000.00")


@case("data/format", "A date in another notation.", raises="ValueError", says="Invalid isoformat string")
def date_in_another_notation(folder: Path) -> None:
    dt.date.fromisoformat("31/01/2026")


@case("data/format", "There is no such day.", raises="ValueError", says="day is out of range for month")
def day_that_is_none(folder: Path) -> None:
    dt.date(*map(int, "2025-02-29".split("-")))


@case("data/format", "A time that does not follow its pattern.", raises="ValueError", says="does not match format")
def time_without_pattern(folder: Path) -> None:
    dt.datetime.strptime("2025-01", "%Y-%m-%d")


@case("data/format", "The checkpoint breaks off.", raises="_pickle.UnpicklingError", says="truncated")
def pickle_cut_short(folder: Path) -> None:
    pickle.loads(pickle.dumps({"year": 2025, "workforce": list(range(1000))})[:-500])


@case("data/missing", "The checkpoint is empty.", raises="EOFError", says="Ran out of input")
def pickle_of_nothing(folder: Path) -> None:
    path = folder / "checkpoint.pickle"
    path.touch()
    with path.open("rb") as file:
        pickle.load(file)
