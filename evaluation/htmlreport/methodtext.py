"""The method in one paragraph that can be cited, made from the settings that a run wrote down."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from evaluation.htmlreport.runrecord import Run
from evaluation.htmlreport.runsettings import General, Refinement, Settings, settings_of
from evaluation.scoring.evaluator import Evaluator
from pairs.fields.profile import PROFILES
from pairs.process.counting import counted

__all__ = ["REFERENCES", "Reference", "method_paragraph", "references_of"]


@dataclass(frozen=True)
class Reference:
    """A work that the paragraph rests on."""

    text: str
    url: str


REFERENCES = {
    "textscf": Reference(
        "Chen X., Liu M., Wang R., Hu R., Liu D., Li G., Zhang H.: Spatially Covariant Image Registration "
        "with Text Prompts. IEEE Transactions on Neural Networks and Learning Systems, 2024.",
        "https://arxiv.org/abs/2311.15607",
    ),
    "convex": Reference(
        "Siebert H., Hansen L., Heinrich M. P.: Fast 3D Registration with Accurate Optimisation and Little "
        "Learning for Learn2Reg 2021. 2021.",
        "https://arxiv.org/abs/2112.03053",
    ),
    "mind": Reference(
        "Heinrich M. P. et al.: Towards Realtime Multimodal Fusion for Image-Guided Interventions Using "
        "Self-similarities. MICCAI 2013.",
        "https://doi.org/10.1007/978-3-642-40811-3_24",
    ),
    "learn2reg": Reference(
        "Hering A. et al.: Learn2Reg: Comprehensive Multi-Task Medical Image Registration Challenge, Dataset "
        "and Evaluation in the Era of Deep Learning. IEEE Transactions on Medical Imaging, 2023.",
        "https://arxiv.org/abs/2112.04489",
    ),
}

_BACKBONES = {"lkunet": "LKU-Net", "transmorph": "TransMorph", "voxelmorph": "VoxelMorph", "lapirn": "LapIRN"}
_HEADS = {
    "text": "each region has a linear filter that is computed from the text vector of its name",
    "coordinates": "each voxel has a linear filter that is computed from its place",
    "plain": "one convolution turns its features into a displacement",
}
_SIMILARITY = {"mse": "squared difference of the images", "ncc": "local correlation of the images"}
_COMPARED = {
    "auto": "local correlation, or MIND-SSC descriptors where the modalities differ",
    "correlation": "local correlation",
    "descriptors": "MIND-SSC descriptors",
}


def method_paragraph(run: Run, evaluator: Evaluator, pairs: int) -> str:
    """Returns the paragraph.

    Args:
        run: The run; where its settings cannot be read, the paragraph says no more than its names.
        evaluator: Whose scores are shown.
        pairs: How many were scored.
    """
    settings = settings_of(run)
    sentences = [_opening(run, pairs)]
    if settings is not None:
        sentences += _network(settings, run) if run.method == "network" else _general(settings.general)
    sentences += [_storage(run), _scores(evaluator)]
    return " ".join(sentence for sentence in sentences if sentence)


def references_of(run: Run | None) -> list[Reference]:
    """Returns the works that the paragraph rests on."""
    if run is None:
        names: tuple[str, ...] = ("learn2reg",)
    elif run.method == "network":
        names = ("textscf", "learn2reg")
    else:
        names = ("convex", "mind", "learn2reg")
    return [REFERENCES[name] for name in names]


def _opening(run: Run, pairs: int) -> str:
    version = f" {run.version}" if run.version else ""
    sources = f", sources {run.program}" if run.program else ""
    where = f"on {run.device}" + (f" with torch {run.torch}" if run.torch else "")
    if run.method == "network":
        method = "textSCF (Chen et al., 2024) as implemented in textscf-l2r"
    else:
        method = "the general method of textscf-l2r"
    what = (
        f"{counted(pairs, 'pair')} of {run.task} {'was' if pairs == 1 else 'were'} registered with {method}"
    )
    opening = f"{what}{version}{sources}, {where}."
    if not run.weights:
        return f"{opening} The method needs no trained weights."
    weights = f"the weights {run.weights} (SHA-256 {run.weights_sha256 or 'unknown'}{_training(run)})"
    use = "Networks with" if run.method == "network" else "The regions come from the segmentor of"
    return f"{opening} {use} {weights}{' were used' if run.method == 'network' else ''}."


def _training(run: Run) -> str:
    """What the weights say of the data that they were trained on."""
    told = run.training.get("registration" if run.method == "network" else "segmentor")
    if not isinstance(told, dict):
        return ""
    subjects, task, licence = (told.get(key) for key in ("subjects", "task", "licence"))
    trained = f", trained on {subjects} subjects of {task}" if subjects and task else ""
    return f"{trained}, {licence}" if licence else trained


def _network(settings: Settings, run: Run) -> Iterator[str]:
    network = settings.registration
    name = _BACKBONES.get(network.backbone, network.backbone)
    half = ", which sees means of 2x2x2 voxels" if network.grid == "half" else ""
    start = "After an affine alignment, the" if network.aligned else "The"
    yield (
        f"{start} backbone is {name} with {counted(network.start_channels, 'channel')} at its start{half}; "
        f"{_HEADS.get(network.head, network.head)}."
    )
    passes = (
        f" The network is applied {network.passes} times, each time to the moving image as warped so far."
        if network.passes > 1
        else ""
    )
    if network.integration_steps:
        squarings = counted(network.integration_steps, "squaring")
        yield f"Its output is a velocity, integrated by {squarings}.{passes}"
    else:
        yield f"Its output is the displacement.{passes}"
    profile = PROFILES.get(run.profile)
    is_half = profile is not None and profile.half and settings.refinement_for_half_grid is not None
    refinement = settings.refinement_for_half_grid if is_half else settings.refinement
    if refinement is not None and refinement.iterations:
        yield _refined(refinement)


def _refined(refinement: Refinement) -> str:
    terms = [
        (refinement.similarity, _SIMILARITY.get(refinement.similarity_kind, refinement.similarity_kind)),
        (refinement.dice, "the Dice loss of the segmentor's regions"),
        (refinement.smoothness, f"the smoothness of the {refinement.regularised}"),
        (refinement.volume, "local changes of volume"),
    ]
    told = ", ".join(f"{name} (weight {weight:g})" for weight, name in terms if weight)
    steps = counted(refinement.iterations, "step")
    return (
        f"Each displacement is then refined by {steps} of Adam at a rate of {refinement.learning_rate_vox:g} "
        f"voxels on {told}, and made free of folds."
    )


def _general(general: General) -> Iterator[str]:
    stages = []
    if general.global_stage is not None:
        stages.append(f"an affine map (at most {counted(general.global_stage.iterations, 'step')})")
    if (one := general.discrete_stage) is not None:
        stages.append(f"a dense search over displacements of up to {one.reach} cells of {one.cell} voxels")
    if (descent := general.continuous_stage) is not None:
        steps = " and ".join(f"at most {number} at stride {stride}" for stride, number in descent.levels)
        stages.append(
            f"a descent on a velocity ({steps}; weight of its squared gradient {descent.smoothness:g}, of "
            f"local changes of volume {descent.volume:g}, of the Dice of regions, where there are any, "
            f"{descent.regions:g})"
        )
    if (fine := general.fine_stage) is not None:
        stages.append(f"on grids that are larger than that, a fine descent of {counted(fine.steps, 'step')}")
    if stages:
        yield f"Its stages are {'; '.join(stages)}."
    yield f"The images are compared by {_COMPARED.get(general.similarity, general.similarity)}."


def _storage(run: Run) -> str:
    times = [one.seconds for one in run.pairs if math.isfinite(one.seconds)]
    took = f" Registration took {sum(times) / len(times):.1f} s a pair on average." if times else ""
    return f"The displacement fields are stored in the profile {run.profile}.{took}"


def _scores(evaluator: Evaluator) -> str:
    return (
        f"Scores are those of the Learn2Reg evaluator {evaluator.name} (Hering et al., 2023), with SDlogJ "
        f"the standard deviation of log(J + {evaluator.log_offset:g})."
    )
