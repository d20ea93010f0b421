"""The whole page: its parts put together, and its style and script written into it."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evaluation.htmlreport.facts import cards_of, run_facts
from evaluation.htmlreport.methodtext import method_paragraph, references_of
from evaluation.htmlreport.pairpage import PairPage, pair_html
from evaluation.htmlreport.pairtable import PairNumbers, Ranking, columns_of
from evaluation.htmlreport.plots import plots_of
from evaluation.htmlreport.runrecord import Run
from evaluation.htmlreport.scoretables import ScoreTable, score_tables, whole_rows
from evaluation.htmlreport.shown import arrow, number
from evaluation.scoring.evaluate import Evaluation
from pairs.process.counting import counted
from pairs.process.version import VERSION

__all__ = ["Report", "page_html"]

_PARTS = (
    ("run", "What was run"),
    ("scores", "Scores"),
    ("warnings", "Warnings"),
    ("pairs", "Pairs"),
    ("method", "Method"),
)


@dataclass(frozen=True)
class Report:
    """All that the page tells.

    Attributes:
        evaluation: The scores.
        run: How the pairs were registered; None where that is not known.
        run_fault: Why it is not known.
        ranking: By what the pairs are ordered.
        pages: The pairs from the hardest on.
        colours: Of the labels.
        warnings: Of the task and the run.
        remarks: On what the scores are of.
        failures: Why pairs could not be scored, by their names.
    """

    evaluation: Evaluation
    run: Run | None
    run_fault: str | None
    ranking: Ranking
    pages: Sequence[PairPage]
    colours: Mapping[int, str]
    warnings: Sequence[str]
    remarks: Sequence[str]
    failures: Mapping[str, str]

    @property
    def numbers(self) -> list[PairNumbers]:
        """Those of the pairs, in their order."""
        return [page.numbers for page in self.pages]


def page_html(report: Report) -> str:
    """Renders the page. It asks for nothing from anywhere: its policy forbids the browser to."""
    environment = _environment()
    style, script = (_source(environment, name) for name in ("report.css", "report.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("report.html.j2").render(
        policy=policy,
        style=style,
        script=script,
        version=VERSION,
        parts=_PARTS,
        **_context(report, environment),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evaluation", "htmlreport"),
        # Names come from headers and tasks: all of them are escaped.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, arrow=arrow)
    return environment


def _source(environment: Environment, name: str) -> Markup:
    """Reads a file of this package as it is."""
    if environment.loader is None:
        raise LookupError(name)
    return Markup(environment.loader.get_source(environment, name)[0])


def _hash(source: str) -> str:
    """Says to the browser that this text, and no other, may be used (Content Security Policy)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _context(report: Report, environment: Environment) -> dict[str, object]:
    evaluation, run, numbers = report.evaluation, report.run, report.numbers
    pairs = counted(len(evaluation.scores), "pair")
    profiles = ", ".join(sorted({score.profile for score in evaluation.scores}))
    pictured = sum(page.view is not None for page in report.pages)
    columns = columns_of(evaluation, numbers)
    return {
        "title": f"Registration report: {evaluation.name}",
        "subtitle": f"{pairs}, fields in profile {profiles}, evaluator {evaluation.evaluator.name}",
        "cards": cards_of(evaluation, numbers),
        "run_fault": report.run_fault,
        "facts": [] if run is None else run_facts(run, [one.run for one in numbers if one.run is not None]),
        "settings": json.dumps(dict(run.config), indent=2) if run is not None and run.config else "",
        "score_remarks": report.remarks,
        "tables": [
            *score_tables(evaluation),
            ScoreTable("Fields and images", tuple(whole_rows(evaluation, numbers))),
        ],
        "plots": plots_of(evaluation, numbers, report.ranking),
        "warnings": report.warnings,
        "ranking": report.ranking.title,
        "pictures": pictured,
        "without_pictures": len(report.pages) - pictured,
        "failures": report.failures,
        "columns": columns,
        "rows": [
            {
                "id": page.id,
                "rank": page.rank,
                "name": page.numbers.score.name,
                "cells": [number(column.value(page.numbers), column.digits) for column in columns],
                "warnings": len(page.numbers.warnings),
            }
            for page in report.pages
        ],
        "pairs": [pair_html(environment, page, report.ranking, report.colours) for page in report.pages],
        "method": "" if run is None else method_paragraph(run, evaluation.evaluator, len(evaluation.scores)),
        "references": references_of(run),
        "evaluator": evaluation.evaluator.name,
    }
