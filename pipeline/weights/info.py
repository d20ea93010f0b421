"""`info [FILE]`: what a weights bundle holds, on one screen."""

import argparse
import json
from pathlib import Path

from pairs.process.logline import one_line
from pipeline.weights.bundle import Bundle, read_bundle
from pipeline.weights.folders import bundles

__all__ = ["add_arguments", "describe", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `info`."""
    parser.add_argument("weights", type=Path, nargs="?", help="bundle (default: all that ship)")
    parser.add_argument("--json", action="store_true", help="print the header as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the descriptions; returns 0."""
    for path in [options.weights] if options.weights else bundles():
        bundle = read_bundle(path)
        header = bundle.header.model_dump(mode="json")
        # In ASCII no text of the header can be a command to the terminal.
        print(json.dumps(header, indent=2) if options.json else describe(bundle))
    return 0


def describe(bundle: Bundle) -> str:
    """The bundle in words: task, regions, networks with their parameter counts, provenance.

    What its header says is escaped, since a terminal takes some characters for commands.
    """
    header = bundle.header
    lines = [
        f"task        {header.task} ({header.modality}), format {header.format_version}",
        f"sha256      {bundle.sha256}",
        f"embedder    {header.embedder or 'none'}, background vector {header.background or 'none'}",
    ]
    for part, state in (("segmentor", bundle.segmentor), ("registration", bundle.registration)):
        count = sum(tensor.numel() for tensor in state.values())
        settings = json.dumps(getattr(header.config, part).model_dump(mode="json"))
        lines.append(f"{part:<11} {count:,} parameters, {settings}" if count else f"{part:<11} none")
    lines.append("regions")
    prompts = header.prompts or ("",) * len(header.regions)
    for label, name, prompt in zip(header.regions, header.region_names, prompts, strict=True):
        lines.append(f"  {label:>4}  {name}  {prompt!r}" if prompt else f"  {label:>4}  {name}")
    for part, provenance in header.training.items():
        lines.append(f"training    {part}: {json.dumps(provenance)}")
    return "\n".join(map(one_line, lines))
