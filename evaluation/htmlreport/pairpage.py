"""One pair as a part of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from evaluation.htmlreport.pairtable import PairNumbers, Ranking
from evaluation.htmlreport.pairtexts import texts_of
from evaluation.htmlreport.pairview import PairView
from evaluation.htmlreport.shown import arrow, change, number, percent
from evaluation.htmlreport.structuretable import StructureNumbers
from evaluation.picture.rasters import MOST_GROWTH, colour_bar

__all__ = ["PairPage", "flags_of", "pair_html"]


@dataclass(frozen=True)
class PairPage:
    """What is put together for one pair.

    Attributes:
        rank: Its place, 1 for the hardest.
        numbers: Its numbers.
        view: Its pictures; None for numbers alone.
        structures: Its structures, or the regions that stand in for them.
        origin: What is outlined and measured, in words; empty where nothing is.
    """

    rank: int
    numbers: PairNumbers
    view: PairView | None
    structures: Sequence[StructureNumbers]
    origin: str

    @property
    def id(self) -> str:
        """Its name in the page."""
        return f"pair-{self.rank}"


def flags_of(pair: PairNumbers, ranking: Ranking) -> list[str]:
    """Returns what the pairs can be filtered by."""
    found = {
        "worse": ranking.is_worse(pair),
        "folded": pair.is_folded,
        "warned": bool(pair.warnings),
    }
    return [name for name, holds in found.items() if holds]


def pair_html(
    environment: Environment, page: PairPage, ranking: Ranking, colours: Mapping[int, str]
) -> Markup:
    """Renders a pair.

    Args:
        environment: Of the templates, with escaping on.
        page: The pair.
        ranking: By what the pairs are ordered.
        colours: Of the labels.
    """
    pair = page.numbers
    outlined = page.view is not None and bool(page.view.present)
    dice = (ranking.before(pair), ranking.after(pair)) if outlined else None
    return Markup(
        environment.get_template("pair.html.j2").render(
            id=page.id,
            rank=page.rank,
            pair=pair,
            view=page.view,
            flags=flags_of(pair, ranking),
            gist=_gist(pair, ranking),
            outlined=outlined,
            outline_origin=page.origin,
            texts=texts_of(arrow(pair.score.name), dice),
            facts=_facts(pair),
            structures=page.structures,
            structures_title=page.origin.capitalize(),
            colours=colours,
            bars={"jacobian": colour_bar("jacobian"), "lengths": colour_bar("length")},
            growth=MOST_GROWTH,
        )
    )


def _gist(pair: PairNumbers, ranking: Ranking) -> list[str]:
    """The line of a closed pair: what it is ordered by, folds and warnings."""
    before, after = ranking.before(pair), ranking.after(pair)
    told = [f"{ranking.short} {change(before, after, 3)}"]
    told.append(f"folded {percent(pair.score.regularity.fold_fraction)}" if pair.is_folded else "no folds")
    if ranking.is_worse(pair):
        told.append("worse than before")
    if pair.warnings:
        told.append(f"{len(pair.warnings)} warning{'s' if len(pair.warnings) > 1 else ''}")
    return told


def _facts(pair: PairNumbers) -> list[tuple[str, str]]:
    before, after = pair.similarity
    smooth = pair.score.regularity
    facts = [
        (name, change(pair.score.before[name].mean, score.mean, 3))
        for name, score in pair.score.after.items()
        if name in pair.score.before
    ]
    if pair.region_dice is not None:
        facts.append(("Dice of regions", change(*pair.region_dice, 3)))
    facts += [
        ("Correlation", change(before.correlation, after.correlation, 3)),
        ("Mutual information, nats", change(before.mutual_information, after.mutual_information, 3)),
        ("SDlogJ, official", number(smooth.sdlogj, 4)),
        ("SDlogJ of log J", number(smooth.sdlogj_plain, 4)),
        ("Folded voxels", percent(smooth.fold_fraction)),
        ("Non-diffeomorphic volume", percent(smooth.ndv_fraction)),
        ("Mean displacement", f"{number(pair.mean_mm, 2)} mm"),
        ("Largest displacement", f"{number(pair.longest_mm, 2)} mm"),
        ("Field", pair.score.field.name),
    ]
    if pair.run is not None:
        facts += [
            ("Time", f"{number(pair.run.seconds, 1)} s"),
            ("Peak memory", f"{number(pair.run.peak_memory_mib, 0)} MiB"),
        ]
    return facts
