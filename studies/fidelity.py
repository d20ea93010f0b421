"""What of each row is the same as in the paper and what is not: data, length, weights, settings."""

from collections.abc import Sequence

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig, RegistrationTraining
from pipeline.text.table import read_table
from pipeline.train.subjects import split_subjects
from studies.setting import Setting
from studies.table import Result
from studies.trial import Trial
from studies.variant import Variant

__all__ = ["fidelity_of"]

SAME = """\
The same in all rows: Eq. 4, one MLP for all filters, ReLU; MSE, Dice of the authors' code with weight 1 and
the squared gradient of the displacement or velocity; Adam with AMSGrad and polynomial decay of power 0.9; one
pair a step; the official metrics. The displacement of the network is not refined."""

_PAPERS_DATA = "394 OASIS training brains, or 20 abdominal CT"
_PAPERS_STEPS = "197,000 steps (OASIS) or 38,000 (CT)"
_PAPERS_ENCODER = "CLIP ViT-L/14@336px"


def fidelity_of(setting: Setting, results: Sequence[Result]) -> str:
    """Markdown: what is as in the paper, what is not in all trained rows, and what is not in each."""
    trained = {r.row.label: r.row.variant for r in results if r.row.variant is not None and r.scores}
    departures_of = {label: _departures(setting, variant) for label, variant in trained.items()}
    every = list(departures_of.values())
    common = [line for line in next(iter(every), []) if all(line in lines for lines in every)]
    lines = ["## The same as in the paper, and not", "", SAME, "", "Not the same, in all rows:", ""]
    lines += [f"- {line}" for line in (*_of_the_data(setting), *common)]
    lines += ["", "Row by row, beyond that:", ""]
    alike: dict[str, list[str]] = {}
    for result in results:
        own = [line for line in departures_of.get(result.row.label, []) if line not in common]
        own += [*result.row.notes, *([f"not run: {result.row.missing}"] if result.row.missing else [])]
        if result.scores or own:
            alike.setdefault("; ".join(own) or "nothing else", []).append(result.row.label)
    lines += [f"- {', '.join(labels)}: {departures}." for departures, labels in alike.items()]
    return "\n".join(lines)


def _of_the_data(setting: Setting) -> list[str]:
    try:
        held_out = setting.config.registration_training.held_out
        training, _ = split_subjects(
            setting.task, held_out, setting.config.split, labelled=bool(setting.task.label_names)
        )
        subjects = f"{len({one.id.subject for one in training})} training subjects"
    except UsageError:
        subjects = "its training subjects"
    here = f"{setting.task.name}, {subjects}, {len(setting.task.pairs)} pairs"
    return [f"data: {here}, where the paper has {_PAPERS_DATA}"]


def _departures(setting: Setting, variant: Variant) -> list[str]:
    config = Trial(setting, variant, 0).config
    registration = config.registration
    lines = _of_the_training(config.registration_training)
    lines += _of_the_network(registration)
    origin = setting.regions_of(variant)
    if registration.head == "text":
        vectors = setting.vectors_of(variant)
        if vectors is not None:
            encoder = read_table(vectors).embedder
            lines.append(f"text vectors by {encoder}, where the default of the paper is {_PAPERS_ENCODER}")
        source = (
            f"label maps of {origin.files.name}"
            if origin.files
            else f"a {config.segmentor.network} segmentor"
        )
        lines.append(f"regions from {source}, where the paper has SwinUNETR (CT) or label maps (OASIS)")
    return lines


def _of_the_training(settings: RegistrationTraining) -> list[str]:
    published = RegistrationTraining()
    lines = [f"{settings.steps} steps, where the paper has {_PAPERS_STEPS}"]
    if settings.learning_rate != published.learning_rate:
        lines.append(f"rate {settings.learning_rate:g}, where the paper has {published.learning_rate:g}")
    if settings.smoothness != published.smoothness:
        lines.append(f"smoothness {settings.smoothness:g}, where the paper has {published.smoothness:g}")
    if settings.similarity_kind != published.similarity_kind:
        lines.append(
            f"similarity {settings.similarity_kind}, where the paper has {published.similarity_kind}"
        )
    if settings.augmentation:
        lines.append(f"augmentation of both images ({settings.augmentation:g}), where the paper has none")
    if any(settings.shift_vox):
        lines.append(f"random shifts of up to {settings.shift_vox} voxels, where the paper has none")
    return lines


def _of_the_network(registration: RegistrationConfig) -> list[str]:
    lines = []
    if registration.passes > 1:
        lines.append(f"the network applied {registration.passes} times, where the paper has once")
    if registration.backbone in ("lkunet", "fouriernet", "lapirn") and registration.start_channels < 32:
        lines.append(f"Ns {registration.start_channels}, where the paper has 64 (OASIS) or 32 (CT)")
    if registration.head == "text" and registration.mlp_width != RegistrationConfig().mlp_width:
        lines.append(f"C_Phi {registration.mlp_width}, where the paper has {RegistrationConfig().mlp_width}")
    if registration.integration_steps:
        lines.append(
            f"a velocity integrated in {registration.integration_steps} steps, the paper's variant Int"
        )
    return lines
