"""`template --task DIR --weights FILE --out FILE`: the population template of a task's training subjects."""

import argparse
import logging
from pathlib import Path

from pairs.errors import WeightsError
from pairs.files.outputs import require_outputs
from pairs.process.counting import counted
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option
from pipeline.machine.device import DEVICES, choose_device
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle, read_bundle
from studies.demo.population import Member, load_members, mean_of, quantise, spread_over
from studies.demo.template import TemplateHeader, write_template

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

DEFAULT_SUBJECTS = 40
LICENCE = "CC BY-SA 4.0"
DECATHLON = (
    "Derived from the Medical Segmentation Decathlon, Task04 Hippocampus "
    "(Antonelli et al., Nat. Commun. 13, 4128, 2022), CC BY-SA 4.0"
)
SOURCES = {"HippocampusMR": (LICENCE, DECATHLON)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `template`."""
    parser.add_argument("--task", type=Path, required=True, metavar="DIR", help="task with labelled subjects")
    parser.add_argument(
        "--weights", type=Path, required=True, metavar="FILE", help="bundle that registers them"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="template to write")
    parser.add_argument(
        "--subjects", type=int, default=DEFAULT_SUBJECTS, help="how many (default: %(default)s)"
    )
    add_link_option(parser)
    parser.add_argument("--device", choices=DEVICES, default="auto")


def run(options: argparse.Namespace) -> int:
    """Make and write the template; returns 0."""
    task, bundle = read_task(options.task, follow_links=options.follow_links), read_bundle(options.weights)
    labels = bundle.header.regions
    if task.label_names and tuple(sorted(task.label_names)) != labels[1:]:
        raise WeightsError(
            "the weights are for other labels",
            where=options.weights,
            expected=sorted(task.label_names),
            got=list(labels[1:]),
        )
    require_outputs((options.out,), tasks=(options.task,), inputs=(options.weights,))
    registrar = Registrar(bundle, choose_device(options.device))
    subjects = spread_over(task.training_subjects(), options.subjects)
    members = load_members(subjects, labels, bundle.header.config.intensity)
    log.info("%s: %s, weights %s", task.name, counted(len(members), "subject"), options.weights.name)
    population = mean_of(members, registrar, registrar.intensity, len(labels))
    write_template(options.out, quantise(population, _header(task, bundle, members)))
    log.info("template in %s, %d kB", options.out, options.out.stat().st_size // 1000)
    return 0


def _header(task: Task, bundle: Bundle, members: tuple[Member, ...]) -> TemplateHeader:
    header = bundle.header
    affine = members[0].image.header.affine
    unknown = (f"as the images of {task.name}", f"mean of training subjects of {task.name}")
    licence, attribution = SOURCES.get(task.name, unknown)
    return TemplateHeader(
        task=task.name,
        modality=task.modality or header.modality,
        labels=header.regions[1:],
        region_names=header.region_names[1:],
        affine=tuple(tuple(float(value) for value in row) for row in affine),
        made_from=f"{len(members)} training subjects registered with the weights of sha256 {bundle.sha256}",
        licence=licence,
        attribution=attribution,
    )
