"""Prompts: the sentence a text encoder reads for each label of a task."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pairs.errors import TaskError, UsageError
from pairs.tasks.known import known_task

__all__ = ["CLIP_CONTEXT", "TEMPLATES", "anatomy_of", "normalise_name", "prompts_for", "require_prompts"]

CLIP_CONTEXT = 77
"""Tokens CLIP reads, start and end token included."""

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "CT": "A computerized tomography of a {name} in human {anatomy}.",
        "MR": "A magnetic resonance imaging of a {name} in human {anatomy}.",
    }
)
"""Templates by name, one per modality."""

_REMEDY = "name every label in `labels` of the dataset JSON or of the configuration"

_IN_ANATOMY = " in human {anatomy}"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# Every word, digit and run of punctuation is at least one token of CLIP's byte pair encoding.
_PIECE = re.compile(r"[^\W\d_]+|\d|(?:[^\w\s]|_)+")


def anatomy_of(task_name: str) -> str | None:
    """Part of the body a Learn2Reg task shows (`abdomen`, `brain`, `chest`); None for a name not known."""
    task = known_task(task_name)
    return None if task is None else task.anatomy


def normalise_name(name: str, label: int | None = None) -> str:
    """NFKC, lower case, `-` and `_` as spaces, single spaces: `Left-Thalamus` -> `left thalamus`.

    Args:
        name: of a label.
        label: which, for the message.

    Raises:
        TaskError: If nothing is left, or the name has control or invisible characters.
    """
    folded = unicodedata.normalize("NFKC", name).lower()
    plain = " ".join(re.sub(r"[-_]", " ", folded).split())
    if not plain or not plain.isprintable():
        raise TaskError(
            "label name cannot be put in a prompt",
            where=None if label is None else f"label {label}",
            expected="a printable name",
            got=repr(name),
            remedy=_REMEDY,
        )
    return plain


def prompts_for(
    label_names: Mapping[int, str], modality: str, anatomy: str | None = None, template: str | None = None
) -> tuple[str, ...]:
    """One prompt per label, in ascending label order, without the background label 0.

    Args:
        label_names: Names by label; an entry for 0 is passed over.
        modality: `CT` or `MR` (any case, `MRI` too), which chooses the template where none is given.
        anatomy: Fills `{anatomy}`; where it is None, " in human {anatomy}" is dropped from the template.
        template: A name in `TEMPLATES` or a sentence with `{name}` in it.

    Raises:
        TaskError: If there is no label, or a name is empty or unprintable.
        UsageError: If the modality, the template or the length of a prompt cannot be used.
    """
    labels = sorted(label for label in label_names if label != 0)
    if not labels or labels[0] < 0:
        raise TaskError(
            "label names cannot make prompts",
            expected="positive labels",
            got=labels or "none",
            remedy=_REMEDY,
        )
    sentence = _sentence(modality, anatomy, template)
    return require_prompts(
        [_fill(sentence, normalise_name(label_names[label], label), anatomy) for label in labels]
    )


def require_prompts(prompts: Sequence[str]) -> tuple[str, ...]:
    """Returns the prompts if none is empty or certain to be longer than CLIP reads; nothing is ever cut.

    Exact lengths need CLIP's vocabulary, so words and marks are counted here: a prompt has at least that many
    tokens. The open_clip embedder counts them exactly.

    Raises:
        UsageError: If a prompt is empty or too long.
    """
    for prompt in prompts:
        pieces = len(_PIECE.findall(prompt))
        if pieces == 0 or pieces + 2 > CLIP_CONTEXT:
            raise UsageError(
                "prompt has an unusable length",
                where=repr(prompt if len(prompt) <= 80 else prompt[:77] + "..."),
                expected=f"1 to {CLIP_CONTEXT - 2} words, digits and punctuation marks",
                got=pieces,
                remedy="change the label name or the template",
            )
    return tuple(prompts)


def _sentence(modality: str, anatomy: str | None, template: str | None) -> str:
    """Template to fill, with its anatomy part dropped where no anatomy is known."""
    if template is None:
        template = _of_modality(modality)
    sentence = TEMPLATES.get(template, template)
    if not anatomy:
        sentence = sentence.replace(_IN_ANATOMY, "")
    unknown = set(_PLACEHOLDER.findall(sentence)) - ({"{name}", "{anatomy}"} if anatomy else {"{name}"})
    if "{name}" not in sentence or unknown:
        raise UsageError(
            "prompt template cannot be filled",
            where=repr(template),
            expected=f"{{name}} in it, or one of {', '.join(TEMPLATES)}",
            got=f"nothing to fill {', '.join(sorted(unknown))} with" if unknown else "no {name}",
            remedy="give --anatomy or another --template" if "{anatomy}" in unknown else None,
        )
    return sentence


def _fill(sentence: str, name: str, anatomy: str | None) -> str:
    """Puts name and anatomy in, in one pass, so that braces in a name are never taken for a placeholder."""
    filling = {"{name}": name, "{anatomy}": anatomy or ""}
    return _PLACEHOLDER.sub(lambda match: filling[match.group()], sentence)


def _of_modality(modality: str) -> str:
    """Name of the modality's template."""
    name = {"CT": "CT", "MR": "MR", "MRI": "MR"}.get(modality.upper())
    if name is None:
        raise UsageError(
            "no prompt template for this modality",
            expected="CT or MR",
            got=repr(modality),
            remedy="give a --template of your own",
        )
    return name
