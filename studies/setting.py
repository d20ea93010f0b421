"""What all rows of a table share: task, configuration, segmentor, text vectors, budget, folder."""

import argparse
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pairs.errors import UsageError
from pairs.files.wholefile import probe_writable
from pairs.images.header import read_header
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option
from pipeline.config import MOST_PASSES, TaskConfig, read_config, shipped_config
from pipeline.machine.device import DEVICES
from pipeline.weights.bundle import read_bundle
from pipeline.weights.folders import bundle_of
from pipeline.weights.tensorfile import require_file
from studies.budget import Budget, parse_budget
from studies.ownsegmentor import SEGMENTORS_SHARE, own_segmentor
from studies.process import run_module
from studies.variant import RegionOrigin, Variant

__all__ = ["Setting", "add_arguments", "setting_of"]


@dataclass(frozen=True)
class Setting:
    """The ground on which the rows of a table are compared.

    Attributes:
        task: With its pairs.
        shape: Of its images, in voxels.
        config: Of the task; its segmentor is that of `segmentor`.
        config_file: Where it is from; None is the shipped one.
        budget: None takes the steps of the configuration.
        share: Part of the minutes that is left for the rows.
        seeds: Trainings of each row.
        passes: How often the network is applied; the paper has 1.
        segmentor: Bundle whose segmentor names the regions; None for a task without labels.
        embed: Arguments of `embed` that make the text vectors of rows that do not choose.
        embedding: File of such vectors, in place of `embed`.
        clip: CLIP ViT-L/14@336px weights, for the rows of Table 1.
        clip_rn: CLIP RN50x64 weights.
        vectors: File of another text model's vectors.
        auxiliary: Arguments of `--aux-task`, one tuple a task.
        weaker: Bundles with weaker segmentors, for Table 5.
        device: As for `train`.
        out: Folder of the reports; trainings lie in `runs` beneath it.
        links: `--follow-links` where it was given.
    """

    task: Task
    shape: tuple[int, int, int]
    config: TaskConfig
    config_file: Path | None
    budget: Budget | None
    share: float
    seeds: int
    passes: int
    segmentor: Path | None
    embed: tuple[str, ...]
    embedding: Path | None
    clip: Path | None
    clip_rn: Path | None
    vectors: Path | None
    auxiliary: tuple[tuple[str, ...], ...]
    weaker: tuple[Path, ...]
    device: str
    out: Path
    links: tuple[str, ...] = ()

    @property
    def task_arguments(self) -> tuple[str | Path, ...]:
        """The task, as arguments of its commands."""
        return ("--task", self.task.root, *self.links)

    @property
    def runs(self) -> Path:
        """Weights and scores of every training, shared by all tables of the task."""
        return self.out / "runs"

    def config_of(self, variant: Variant) -> TaskConfig:
        """What `variant` is trained with, length apart."""
        base, own = self.config, variant.regions
        if own is not None and own.segmentor is not None:
            base = _with_segmentor_of(own.segmentor, base)
        return variant.config(base, self.shape, self.passes)

    def regions_of(self, variant: Variant) -> RegionOrigin:
        """Where its regions come from."""
        return variant.regions or RegionOrigin(segmentor=self.segmentor)

    def vectors_of(self, variant: Variant) -> Path | None:
        """The file of its text vectors, made where it is not there yet; None for a head without text.

        Raises:
            NoFigure: `embed` failed.
        """
        if self.config_of(variant).registration.head != "text" or not self.task.label_names:
            return None
        if variant.embed is None and not variant.embed_arguments and self.embedding is not None:
            return self.embedding
        arguments = [*(variant.embed or self.embed), *variant.embed_arguments]
        if self.config_file is not None:
            arguments += ["--config", str(self.config_file)]
        name = sha256("\0".join(arguments).encode()).hexdigest()[:8]
        path = self.runs / f"vectors-{name}.safetensors"
        if not path.is_file():
            run_module("textscf", "embed", *self.task_arguments, *arguments, "--out", path)
        return path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every table that trains is asked with."""
    parser.add_argument("--task", type=Path, required=True, help="task folder with labels and pairs")
    add_link_option(parser)
    parser.add_argument("--out", type=Path, help="folder of the reports (default: reproduced/TASK)")
    parser.add_argument(
        "--budget", help="1000steps: of each training; 90minutes: of all (default: as configured)"
    )
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each row (default: 2)")
    parser.add_argument(
        "--passes", type=int, choices=range(1, MOST_PASSES + 1), default=1, help="of the network (default: 1)"
    )
    parser.add_argument("--config", type=Path, help="task configuration (default: the shipped one)")
    _add_sources(parser)
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows to run, by their names in the report")
    parser.add_argument("--device", choices=DEVICES, default="auto")


def _add_sources(parser: argparse.ArgumentParser) -> None:
    """Where regions, text vectors and further subjects come from."""
    parser.add_argument(
        "--segmentor", type=Path, help="bundle with a segmentor (default: the shipped one, or trained first)"
    )
    parser.add_argument("--embedding", type=Path, help="text vectors written by `embed`")
    parser.add_argument(
        "--embedder",
        choices=("minilm", "one-hot"),
        default="minilm",
        help="what makes them where neither they nor --clip are given (default: minilm)",
    )
    parser.add_argument("--clip", type=Path, help="CLIP ViT-L/14@336px weights: the paper's text encoder")
    parser.add_argument("--clip-rn", type=Path, help="CLIP RN50x64 weights, for row 5 of table1")
    parser.add_argument("--vectors", type=Path, help="vectors of another text model, for row 7 of table1")
    parser.add_argument(
        "--aux-task",
        nargs="+",
        action="append",
        default=[],
        metavar=("DIR", "SEGMENTOR"),
        help="table4: task whose subjects join the training; may be given again",
    )
    parser.add_argument(
        "--weaker",
        type=Path,
        nargs=2,
        default=[],
        metavar="SEGMENTOR",
        help="table5: bundles with weaker segmentors (default: the same one, trained for less)",
    )


def setting_of(options: argparse.Namespace) -> Setting:
    """The setting that the arguments ask for; trains a segmentor where there is none.

    Raises:
        KnownError: The task, the configuration or an option is wrong, or the folder is not writable.
    """
    if options.seeds < 1:
        raise UsageError("argument --seeds", expected="1 or more", got=options.seeds)
    budget = None if options.budget is None else parse_budget(options.budget)
    named = ("segmentor", "embedding", "clip", "clip_rn", "vectors")
    for path in (*(getattr(options, name) for name in named), *options.weaker):
        if path is not None:
            require_file(path)
    task = read_task(options.task, follow_links=options.follow_links)
    config = read_config(options.config) if options.config else shipped_config(task.name)
    out = (options.out or Path("reproduced") / Path(task.name).name).absolute()
    probe_writable(out)
    probe_writable(out / "runs")
    segmentor = _segmentor(options, task, config, budget, out)
    if segmentor is not None:
        config = _with_segmentor_of(segmentor, config)
    embed: tuple[str, ...] = ("--embedder", options.embedder)
    if options.clip is not None:
        embed = ("--embedder", "open_clip", "--weights", str(options.clip))
    return Setting(
        task=task,
        shape=task.shape or read_header(task.pairs[0].fixed).shape,
        config=config,
        config_file=options.config,
        budget=budget,
        share=1 - SEGMENTORS_SHARE if segmentor is not None and segmentor.parent == out else 1.0,
        seeds=options.seeds,
        passes=options.passes,
        segmentor=segmentor,
        embed=embed,
        embedding=options.embedding,
        clip=options.clip,
        clip_rn=options.clip_rn,
        vectors=options.vectors,
        auxiliary=tuple(tuple(map(str, one)) for one in options.aux_task),
        weaker=tuple(options.weaker),
        device=options.device,
        out=out,
        links=("--follow-links",) * options.follow_links,
    )


def _with_segmentor_of(bundle: Path, config: TaskConfig) -> TaskConfig:
    """A training keeps the segmentor beside its own weights, so both must say the same of it."""
    return config.model_copy(update={"segmentor": read_bundle(bundle).header.config.segmentor})


def _segmentor(
    options: argparse.Namespace, task: Task, config: TaskConfig, budget: Budget | None, out: Path
) -> Path | None:
    """The bundle that was given, the shipped one, or one trained with the whole table's budget in mind."""
    if options.segmentor is not None or not task.label_names:
        given: Path | None = options.segmentor
        return given
    shipped = bundle_of(task.name)
    if shipped.is_file() and options.config is None:
        return shipped
    links = ("--follow-links",) * options.follow_links
    return own_segmentor(task, config, ("--task", task.root, *links), options.device, out, budget)
