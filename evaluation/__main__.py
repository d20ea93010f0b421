"""Command line: `python -m evaluation VERB` scores, checks, packs and ranks displacement fields."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from pairs.process.logline import OneLineFormatter
from pairs.process.program import run_program
from pairs.process.surroundings import exit_code_of
from pairs.tasks.taskoptions import add_link_option, add_pairs_option

__all__ = ["main"]


def _picture(arguments: argparse.Namespace) -> int:
    # matplotlib takes a second to load and the other commands do without it.
    from evaluation.picture.draw import draw_pair
    from pairs.files.outputs import require_outputs
    from pairs.tasks.task import read_task

    inputs = (arguments.fields, arguments.pairs)
    require_outputs((arguments.out,), tasks=(arguments.task,), inputs=inputs)
    task = read_task(arguments.task, pairs_file=arguments.pairs, follow_links=arguments.follow_links)
    draw_pair(task, arguments.fields, arguments.out, pair_number=arguments.pair)
    return 0


def _parser() -> argparse.ArgumentParser:
    # NumPy reads the number of its threads when it is imported: `run_program` comes before.
    from evaluation.ranking.command import add_command as add_rank
    from evaluation.scoring.command import add_command as add_evaluate
    from evaluation.submission.checkcommand import add_command as add_check
    from evaluation.submission.submitcommand import add_command as add_submit

    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_evaluate(commands)
    picture = commands.add_parser("picture", help="draw one pair before and after registration")
    picture.add_argument("--task", type=Path, required=True, help="task folder, or its dataset JSON")
    add_pairs_option(picture)
    picture.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    picture.add_argument("--out", type=Path, required=True, help="file to write: .png, .pdf or .svg")
    picture.add_argument("--pair", type=int, default=1, metavar="N", help="which of the pairs, from 1")
    add_link_option(picture)
    picture.set_defaults(run=_picture)
    for add_verb in (add_check, add_submit, add_rank):
        add_verb(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; see `exit_code_of`."""
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(OneLineFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=(told,))

    def command() -> int:
        parsed = _parser().parse_args(arguments)
        code: int = parsed.run(parsed)
        return code

    return exit_code_of(command)


if __name__ == "__main__":
    run_program(main)
