"""How long a training step takes here, so that minutes can be made into steps."""

import json
from hashlib import sha256
from pathlib import Path

from pairs.files.regularfile import read_regular
from pairs.files.wholefile import write_json
from pipeline.config import TaskConfig
from studies.process import run_module

__all__ = ["seconds_per_step"]

_STEPS = 8


def seconds_per_step(
    network: str, config: TaskConfig, arguments: tuple[str | Path, ...], folder: Path
) -> float:
    """Measured once by a few steps and kept, so that a resumed table gives every training the same steps.

    Args:
        network: What to train.
        config: Its configuration.
        arguments: Of `train`, all but the configuration and the output.
        folder: Where the measurement is kept.

    Raises:
        NoFigure: The steps failed.
    """
    text = config.model_dump_json()
    kept = folder / f"pace-{sha256(f'{network} {text}'.encode()).hexdigest()[:8]}.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        trial = kept.with_suffix("")
        write_json(trial.with_suffix(".config.json"), _without_validation(config, network))
        out = trial.with_suffix(".safetensors")
        with_config: tuple[str | Path, ...] = ("--config", trial.with_suffix(".config.json"))
        run_module("textscf", "train", network, *arguments, *with_config, "--out", out)
        lines = read_regular(out.with_suffix(".metrics.jsonl")).splitlines()
        # The first half has the start in it.
        halfway, end = (json.loads(line)["seconds"] for line in lines[-2:])
        write_json(kept, {"seconds_per_step": (end - halfway) / (_STEPS // 2)})
        for left in (out, out.with_suffix(".metrics.jsonl"), trial.with_suffix(".config.json")):
            left.unlink()
    return float(json.loads(read_regular(kept))["seconds_per_step"])


def _without_validation(config: TaskConfig, network: str) -> dict[str, object]:
    document: dict[str, object] = config.model_dump(mode="json")
    settings = getattr(config, f"{network}_training").model_dump(mode="json")
    few = {"steps": _STEPS, "validate_every": _STEPS // 2, "held_out": 0}
    return document | {f"{network}_training": settings | few}
