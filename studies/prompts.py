"""`table1`: no text, one-hot vectors, and the paper's prompts."""

from pipeline.text.table1 import TABLE1
from studies.methods import INITIAL
from studies.setting import Setting
from studies.table import ABDOMEN, PROMPTS, Published, Row
from studies.variant import Variant

__all__ = ["prompt_rows"]

_SENTENCES = {
    "#1 one-hot": "table1-1",
    "#2 A photo of a [CLS], background prompt": "table1-2",
    "#3 A photo of a [CLS], SVD": "table1-3",
    "#4 A photo of a [CLS] in human [anatomy], SVD": "table1-4",
    "#5 the modality's sentence, CLIP RN50x64, SVD": "table1-5",
    "#6 the modality's sentence, SVD": "table1-6",
    "#7 another text model, SVD": "table1-7",
}


def prompt_rows(setting: Setting) -> list[Row]:
    """Rows 0 to 7; row 6, the paper's default, is what the others are tested against."""
    default = list(_SENTENCES)[5]
    scp = Variant("prompt-0", {"head": "coordinates"})
    rows = [
        Row(INITIAL, published=ABDOMEN["initial"]),
        Row("#0 coordinates (SCP)", scp, Published(PROMPTS[0]), default),
    ]
    for number, (label, prompt) in enumerate(_SENTENCES.items(), start=1):
        embed, missing, notes = _embedding(setting, prompt)
        variant = None if missing else Variant(f"prompt-{number}", {"head": "text"}, embed=embed)
        against = None if label == default else default
        rows.append(Row(label, variant, Published(PROMPTS[number]), against, notes, missing))
    return rows


def _embedding(setting: Setting, prompt: str) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """Arguments of `embed`, why the row cannot be run, and what of it is not as in the paper."""
    embed, own = ("--prompt", prompt), TABLE1[prompt].embedder
    if own == "one-hot":
        return embed, None, ()
    if own == "table":
        file = setting.vectors
        return (*embed, "--vectors", str(file)), None if file else "needs --vectors FILE", ()
    if prompt == "table1-5":
        file = setting.clip_rn
        return (*embed, "--weights", str(file)), None if file else "needs --clip-rn FILE", ()
    if setting.clip is not None:
        return (*embed, "--weights", str(setting.clip)), None, ()
    if setting.embed[1] == "one-hot":
        return embed, "needs a text model: --clip FILE, or --embedder minilm", ()
    return (*embed, *setting.embed), None, ("its sentence, read by another text model",)
