"""The pages say what is so: their code runs, their links lead somewhere, their terms are explained."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
VOCABULARY = {
    "artifact", "carry", "category", "chain", "check", "checkpoint", "context", "counter", "distribution", "event",
    "fingerprint", "gauge", "issue", "journal", "observer", "operation", "operation path", "processor", "run", "run id",
    "self time", "sink", "status", "summary",
}  # fmt: skip


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run_page = load("run_page")


def need(*tools: str) -> None:
    """Leave the test out where a tool is not installed, but not where all of them have to be."""
    missing = ", ".join(tool for tool in tools if not shutil.which(tool))
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {missing}")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def pages(condition=lambda page: True):
    return [pytest.param(page, id=name_of(page)) for page in PAGES if condition(page)]


def prose_of(page: Path) -> str:
    """The page without its code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(lambda page: any(block.runs for block in run_page.blocks(page))))
def test_the_code_of_a_page_runs(page: Path):
    """Each block does what its page says, in the page's order, from an empty directory on."""
    if any(block.runs and block.language == "sh" for block in run_page.blocks(page)):
        need("bash", "grep", "jq")
    done = subprocess.run([sys.executable, DOCS / "run_page.py", page], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", pages())
def test_what_is_not_run_says_why(page: Path):
    """Every block is in a known language, and one that is not run gives its reason."""
    assert run_page.blocks(page) is not None


@pytest.mark.parametrize("page", pages())
def test_links_within_the_documentation_resolve(page: Path):
    """Each relative link names a file that is there, and each anchor a heading of it."""
    for link in LINK.finditer(prose_of(page)):
        target, _, anchor = link["target"].partition("#")
        if "://" in target:
            continue
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{name_of(page)} links to {target}, which is not there"
        assert not anchor or anchor in anchors(found), f"{name_of(page)} links to {link['target']}: no such heading"


def test_every_page_can_be_reached_from_the_index():
    """The map of the documentation leaves no page out."""
    index = DOCS / "index.md"
    linked = {(DOCS / link["target"].partition("#")[0]).resolve() for link in LINK.finditer(prose_of(index))}
    assert set(DOCS.rglob("*.md")) - linked - {index} == set()


def test_the_glossary_explains_the_vocabulary_in_alphabetical_order():
    """The words that code, keys and pages use are all there, and quickly found."""
    terms = re.findall(r"^### (.+)$", (DOCS / "glossary.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {term.lower() for term in terms} >= VOCABULARY
    assert terms == sorted(terms, key=str.lower)


def test_the_glossary_names_each_status_that_a_run_ends_with():
    """A status that `runs` or `show` prints can be looked up."""
    from navigator_obs.runs.statuses import FINAL_STATUSES

    told = (DOCS / "glossary.md").read_text(encoding="utf-8")
    assert [status for status in ("running", *FINAL_STATUSES, "crashed") if f"| `{status}` |" not in told] == []


class TestRunner:
    """What stands between a wrong page and a green test."""

    def fails(self, tmp_path: Path, page: str) -> str:
        path = tmp_path / "page.md"
        path.write_text(page, encoding="utf-8")
        with pytest.raises(run_page.PageError) as caught:
            run_page.run_page(path)
        return str(caught.value)

    def test_an_exception_fails_the_page_and_names_its_line(self, tmp_path: Path):
        """A reader of the failure finds the block."""
        assert "page.md:3: ZeroDivisionError" in self.fails(tmp_path, "# A page\n\n```python\n1 / 0\n```\n")

    def test_a_shell_command_that_fails_fails_the_page(self, tmp_path: Path):
        """Also in the middle of a pipe."""
        assert "exit code" in self.fails(tmp_path, "```sh\nfalse | true\n```\n")

    def test_output_that_is_not_printed_fails_the_page(self, tmp_path: Path):
        """What a page shows is what was printed."""
        page = "```python\nprint('a run of 3 years')\n```\n<!-- output -->\n```text\na run of 3 days\n```\n"
        assert "'a run of 3 days'" in self.fails(tmp_path, page)

    def test_a_block_that_is_not_run_needs_a_reason(self, tmp_path: Path):
        """Silence is no reason."""
        assert "no reason" in self.fails(tmp_path, "<!-- not run -->\n```sh\nrm -rf /\n```\n")

    def test_numbers_ids_and_times_may_differ_and_lines_be_left_out(self):
        """A page is not wrong because a run took longer."""
        shown = "took 4.2 ms\n…\nrun 20250818_143022-1a2b3c4d"
        assert run_page.first_missing(shown, "took 420 µs\nmore\nrun 20261123_214902-884c0559\n") is None
        assert run_page.first_missing("b\na", "a\nb\n") == "a"
        assert run_page.first_missing("b\na", "a\nb\n", anywhere=True) is None
