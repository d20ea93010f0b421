"""The help on all verbs, and which verb a command line means."""

import sys
from collections.abc import Sequence
from pathlib import Path

from textscf.verbs import VERBS, Verb

__all__ = ["EXIT_CODES", "main", "overview", "verb_of"]

# Longer calls have a line of their own in the overview.
_CALL_WIDTH = 36

EXIT_CODES = (
    (0, "all done"),
    (1, "a part failed: pairs, subjects, or fields with errors"),
    (2, "wrong usage, task or configuration"),
    (3, "no pairs"),
    (4, "weights"),
    (5, "output cannot be written"),
    (75, "stopped by a signal; the same command goes on"),
)
"""What the program exits with, and why."""


def verb_of(arguments: Sequence[str]) -> "Verb | None":
    """Returns the verb of a command line, or None where its first word names none.

    A path or an option in the place of the verb means `predict`: challenges call `IMAGE IN OUT`.
    """
    verbs = {verb.name: verb for verb in VERBS}
    first = arguments[0] if arguments else ""
    is_path = first != "" and (first.startswith("-") or "/" in first or Path(first).exists())
    return verbs.get(first, verbs["predict"] if is_path else None)


def overview(program: str) -> str:
    """Returns the help on all verbs.

    Args:
        program: What is typed before a verb.
    """
    lines = [f"usage: {program} VERB [ARGUMENTS]", ""]
    for verb in VERBS:
        call = f"{verb.name} {verb.arguments}"
        if len(call) > _CALL_WIDTH:
            lines.append(f"  {call}")
            call = ""
        lines.append(f"  {call:<{_CALL_WIDTH}}  {verb.summary}")
    lines += ["", f"{program} VERB --help prints the arguments of a verb and an example.", "", "exit codes:"]
    lines += [f"  {code:>2}  {meaning}" for code, meaning in EXIT_CODES]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the overview (`help`), or the lists of packages that a command line needs (`packages ...`).

    `run.sh` asks before there is any environment, so that this needs the standard library alone.
    """
    if arguments[0] == "help":
        print(overview("./run.sh"))
        return 0
    verb = verb_of(arguments[1:])
    if verb is None:
        print(overview("./run.sh"), file=sys.stderr)
        fault = f"unknown verb: {arguments[1]}" if arguments[1:] else "no verb"
        print(f"error: {fault}", file=sys.stderr)
        return 2
    print(*verb.packages)
    return 0
