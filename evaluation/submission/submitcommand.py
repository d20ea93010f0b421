"""The verb `submit`: checks a folder of fields and packs it for the host."""

import argparse
import hashlib
from pathlib import Path

from evaluation.submission.checkcommand import add_sources, next_step, print_check, run_check
from evaluation.submission.checker import EDITION, SUBSET, Check
from evaluation.submission.pack import Member, field_members, write_zip
from evaluation.submission.summary import summarise_run
from evaluation.submission.suspicions import SUSPICION
from evaluation.submission.tasknumber import task_folder, task_number
from evaluation.submission.zeros import zero_members
from pairs.errors import UsageError
from pairs.files.outputs import require_outputs
from pairs.files.regularfile import open_regular
from pairs.process.counting import counted
from pairs.process.logline import one_line
from pairs.tasks.task import Task

__all__ = ["add_arguments", "run"]

_NUMBERED = ("l2r2021", "l2r2020-full")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `submit`."""
    add_sources(command)
    command.add_argument("--zip", type=Path, required=True, metavar="FILE", help="zip file to write")
    command.add_argument(
        "--folder", metavar="NAME", help="put the fields into this folder of the zip, as LUMIR allows"
    )
    command.add_argument(
        "--task-number",
        type=int,
        metavar="N",
        help="number of the task in a zip of 2020 or 2021, if it has no official one",
    )
    command.add_argument(
        "--all-tasks-zero",
        type=Path,
        nargs="+",
        default=[],
        metavar="TASK",
        help="folders of the tasks of 2020 or 2021 that you do not enter; the zip gets zero fields for them",
    )
    command.add_argument(
        "--accept-suspicions",
        action="store_true",
        help="write the zip even if units, axes or direction look wrong",
    )


def run(arguments: argparse.Namespace) -> int:
    """Checks and packs the fields; returns 0, or 1 where no zip is written."""
    require_outputs(
        (arguments.zip,),
        tasks=(arguments.task, *arguments.all_tasks_zero),
        inputs=(arguments.fields, arguments.pairs, arguments.config),
    )
    task, check = run_check(arguments)
    print_check(check, given=arguments.profile is not None)
    _require_edition(check)
    members = _members(arguments, task, check)
    if not _may_be_packed(check, accept_suspicions=arguments.accept_suspicions):
        print(f"no zip is written; {next_step(check)}")
        return 1
    size = write_zip(arguments.zip, members)
    print("\nfor the organisers:")
    for line in summarise_run(arguments.fields, task.pairs).lines():
        print(line)
    with open_regular(arguments.zip) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    size_text = f"{counted(len(members), 'file')}, {size} bytes"
    print(f"\n{one_line(str(arguments.zip))}: {size_text}, sha256 {digest}")
    print("next: upload it; a second call writes the same bytes")
    return 0


def _require_edition(check: Check) -> None:
    """Refuses fields in a profile that no edition of the task reads.

    Raises:
        UsageError: If no edition reads it.
    """
    for one in check.findings:
        if one.rule == EDITION and one.severity == "error":
            raise UsageError(
                f"no zip is written: {one.what}", expected=one.expected, got=one.got, remedy=one.remedy
            )


def _may_be_packed(check: Check, *, accept_suspicions: bool) -> bool:
    """Says whether a host accepts the fields: no errors, and a field for every pair of the task."""
    if any(one.rule == SUBSET for one in check.findings):
        return False
    errors = [one for one in check.findings if one.severity == "error"]
    return all(accept_suspicions and one.rule == SUSPICION for one in errors)


def _members(arguments: argparse.Namespace, task: Task, check: Check) -> list[Member]:
    """Returns what goes into the zip.

    Raises:
        UsageError: If an option does not fit the profile, or two tasks have the same number.
    """
    if check.profile.name not in _NUMBERED:
        if arguments.task_number is not None or arguments.all_tasks_zero:
            given = "--task-number" if arguments.task_number is not None else "--all-tasks-zero"
            raise UsageError(
                "the zip of this profile has no task folders",
                where=given,
                expected=" or ".join(_NUMBERED),
                got=check.profile.name,
            )
        return field_members(check, _top_folder(arguments.folder))
    if arguments.folder is not None:
        raise UsageError("the zip of 2020 and 2021 has task folders", where="--folder", got=arguments.folder)
    place = task_folder(task_number(task.name, arguments.task_number))
    members = field_members(check, place)
    taken = {place}
    for folder in arguments.all_tasks_zero:
        zeros = zero_members(folder, follow_links=arguments.follow_links)
        other = zeros[0].name.split("/")[0]
        if other in taken:
            raise UsageError("two tasks have the same number", where=folder, got=other)
        taken.add(other)
        members += zeros
    return members


def _top_folder(name: str | None) -> str:
    if name is None:
        return ""
    if not name.isprintable() or name.startswith(".") or set(name) & set("/\\:") or not name.strip():
        raise UsageError("not a folder name", where="--folder", got=repr(name))
    return name
