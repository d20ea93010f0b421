"""The `embed` command: from a task's label names to an embedding table on disk."""

import argparse
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pairs.errors import UsageError
from pairs.files.outputs import require_outputs
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option
from pipeline.config import read_config, shipped_config
from pipeline.regions.table import JointRegions, joint_regions
from pipeline.text.background import BACKGROUNDS, background_vector
from pipeline.text.embedders import DEFAULT_MODEL, EMBEDDERS, build_embedder
from pipeline.text.prompts import TEMPLATES, anatomy_of, prompts_for, require_prompts
from pipeline.text.table import BACKGROUND_PROMPT, EmbeddingTable, make_table, write_table
from pipeline.text.table1 import TABLE1, TextRow
from pipeline.typing import Float, Tensor

__all__ = ["add_arguments", "embed", "largest_cosines", "run"]

log = logging.getLogger(__name__)
_SAME = 1.0 - 1e-6


def embed(
    task_labels: Iterable[int],
    prompts: Sequence[str],
    embedder_name: str,
    *,
    background: str = "nullspace",
    background_prompt: str = BACKGROUND_PROMPT,
    weights: Path | None = None,
    vectors: Path | None = None,
    model: str = DEFAULT_MODEL,
    rows: Sequence[int] | None = None,
) -> EmbeddingTable:
    """Makes the embedding table of a task, the background's row first.

    Args:
        task_labels: Labels in any order; 0 is passed over.
        prompts: One per label but 0, in ascending label order, as `prompts_for` gives them.
        embedder_name: A name in `EMBEDDERS`.
        background: A variant of `background_vector`.
        background_prompt: Sentence for the variant `prompt`.
        weights: See `build_embedder`, as the next three.
        vectors: Vectors file.
        model: Model name.
        rows: Row of each prompt in the vectors file.

    Raises:
        UsageError: If labels and prompts do not fit, or a name is unknown.
        WeightsError: If the embedder cannot be had or its vectors cannot be used.
    """
    labels = sorted(set(task_labels) - {0})
    if len(labels) != len(prompts):
        raise UsageError("prompts do not fit the labels", expected=len(labels), got=len(prompts))
    require_prompts(prompts)
    embedder = build_embedder(embedder_name, weights=weights, vectors=vectors, model=model, rows=rows)
    first = [background_prompt] if background == "prompt" else []
    found = embedder([*first, *prompts])
    organs = found[len(first) :]
    row = background_vector(organs, background, prompt_vector=found[0] if first else None)
    name = f"{embedder_name}:{model}" if embedder_name == "open_clip" else embedder_name
    return make_table(
        torch.cat([row[None].to(organs), organs]),
        (BACKGROUND_PROMPT, *prompts),
        (0, *labels),
        name,
        background,
    )


def largest_cosines(vectors: Float[Tensor, "N C1"]) -> Float[Tensor, " N"]:
    """Largest cosine of each row to any other row."""
    unit = torch.nn.functional.normalize(vectors.double(), dim=1)
    return (unit @ unit.T).fill_diagonal_(-1.0).amax(1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `embed`."""
    parser.add_argument(
        "--task", type=Path, required=True, metavar="DIR", help="task folder or its dataset json"
    )
    add_link_option(parser)
    parser.add_argument(
        "--aux-task",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="task that will join the training: its regions join the table; may be given again",
    )
    parser.add_argument(
        "--prompt",
        choices=tuple(TABLE1),
        help="row of the paper's Table 1; the options below change parts of it (row 0 has no text: train "
        "--head coordinates)",
    )
    parser.add_argument("--embedder", choices=tuple(EMBEDDERS), help="what makes the text vectors")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="CLIP weights on this machine (open_clip)"
    )
    parser.add_argument("--model", help=f"open_clip model name (default: {DEFAULT_MODEL})")
    parser.add_argument(
        "--vectors", type=Path, metavar="FILE", help="npz or safetensors file of vectors (table)"
    )
    parser.add_argument(
        "--rows", metavar="I,J,...", help="row of each label in that file, in label order (table)"
    )
    parser.add_argument(
        "--template", metavar="T", help=f"sentence with {{name}} in it, or one of {', '.join(TEMPLATES)}"
    )
    parser.add_argument("--anatomy", help="fills {anatomy} (default: as configured, or by the task's name)")
    parser.add_argument("--background", choices=(*BACKGROUNDS, "prompt"), help="default: nullspace")
    parser.add_argument(
        "--config", type=Path, help="task configuration, for its anatomy and names (default: the shipped one)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="embedding table to write")


def run(args: argparse.Namespace) -> int:
    """Runs the command and prints one line per region; returns 0.

    Raises:
        KnownError: See `embed`, `read_task` and `write_table`.
    """
    row = _row(args)
    inputs = (args.weights, args.vectors, args.config)
    require_outputs((args.out,), tasks=(args.task, *args.aux_task), inputs=inputs)
    tasks = [_Worded.of(read_task(args.task, follow_links=args.follow_links), args.anatomy, args.config)]
    others = [read_task(folder, follow_links=args.follow_links) for folder in args.aux_task]
    tasks += [_Worded.of(task, args.anatomy) for task in others]
    joint = joint_regions(tasks[0].names, [task.names for task in tasks[1:]])
    table = embed(
        joint.labels,
        _joint_prompts(tasks, joint, row.template),
        row.embedder,
        background=row.background,
        background_prompt=tasks[0].prompts({1: BACKGROUND_PROMPT}, row.template)[0],
        weights=args.weights,
        vectors=args.vectors,
        model=row.model,
        rows=_rows(args.rows),
    )
    write_table(args.out, table)
    _show(table)
    return 0


def _row(args: argparse.Namespace) -> TextRow:
    """The row of Table 1 that was asked for, with what the options say in place of its own."""
    if args.prompt is None and args.embedder is None:
        known = ", ".join(EMBEDDERS)
        raise UsageError(
            "no embedder given", expected=f"--embedder with one of {known}, or --prompt table1-N"
        )
    row = TABLE1[args.prompt] if args.prompt else TextRow(args.embedder)
    given = {key: getattr(args, key) for key in ("embedder", "background", "template", "model")}
    row = replace(row, **{key: value for key, value in given.items() if value is not None})
    if args.model is not None and row.embedder != "open_clip":
        remedy = "leave it out or name another embedder"
        raise UsageError(f"embedder {row.embedder} does not read --model", remedy=remedy)
    return row


@dataclass(frozen=True)
class _Worded:
    """A task and the words that its prompts are made of."""

    task: Task
    names: Mapping[int, str]
    anatomy: str | None

    @classmethod
    def of(cls, task: Task, anatomy: str | None, config: Path | None = None) -> "_Worded":
        settings = read_config(config) if config else shipped_config(task.name)
        anatomy = anatomy or settings.anatomy or anatomy_of(task.name)
        return cls(task, task.label_names or settings.labels, anatomy)

    def prompts(self, names: Mapping[int, str], template: str | None) -> tuple[str, ...]:
        return prompts_for(names, self.task.modality, self.anatomy, template)


def _joint_prompts(tasks: Sequence[_Worded], joint: JointRegions, template: str | None) -> list[str]:
    """Prompt of each row but the background's, in the words of the first task that has the region."""
    prompts = dict(enumerate(tasks[0].prompts(tasks[0].names, template), start=1))
    for task in tasks[1:]:
        rows = joint.rows_of(task.names)[1:]
        for row, prompt in zip(rows, task.prompts(task.names, template), strict=True):
            prompts.setdefault(row, prompt)
    return [prompts[row] for row in range(1, len(joint.labels))]


def _rows(text: str | None) -> tuple[int, ...] | None:
    """Row numbers of a comma-separated list."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            "--rows is not a list of row numbers", expected="such as 0,1,2", got=repr(text)
        ) from error


def _show(table: EmbeddingTable) -> None:
    """Prints label, prompt, norm and largest cosine of each row; warns of regions with equal filters."""
    cosines, norms = largest_cosines(table.vectors), table.vectors.double().norm(dim=1)
    width = max(len(prompt) for prompt in table.prompts)
    print(f"{'label':>5}  {'prompt':<{width}}  {'norm':>8}  max cosine")
    for label, prompt, norm, cosine in zip(table.labels, table.prompts, norms, cosines, strict=True):
        print(f"{label:>5}  {prompt:<{width}}  {norm:>8.3f}  {cosine:>10.4f}")
    same = [label for label, cosine in zip(table.labels, cosines, strict=True) if cosine > _SAME]
    if same:
        log.warning("labels %s have text vectors of the same direction as another label's", same)
