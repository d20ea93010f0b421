"""The verb `check`: lists everything that is wrong with a folder of fields."""

import argparse
from pathlib import Path

from evaluation.submission.checker import EDITION, SUBSET, Check, check_fields
from evaluation.submission.findings import count
from evaluation.submission.repair import repair_fields
from evaluation.submission.suspicions import SUSPICION
from evaluation.taskarguments import add_task_arguments, read_task_arguments
from pairs.fields.profile import PROFILES
from pairs.process.counting import counted
from pairs.process.logline import one_line
from pairs.tasks.task import Task

__all__ = ["add_arguments", "add_sources", "next_step", "print_check", "run", "run_check"]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `check`."""
    add_sources(command)
    command.add_argument(
        "--fix",
        type=Path,
        metavar="OUT",
        help="write a repaired copy of the fields to this new or empty folder",
    )


def add_sources(command: argparse.ArgumentParser) -> None:
    """Adds the arguments that `check` and `submit` share: the task, the fields and the host."""
    add_task_arguments(command)
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    command.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        help="profile that the host reads (default: the one that most fields fit best)",
    )
    command.add_argument(
        "--short-names",
        action="store_true",
        help="the host reads disp_FFFF_MMMM, as copies from before 2025 do",
    )


def run_check(arguments: argparse.Namespace) -> tuple[Task, Check]:
    """Reads the task and checks the folder of fields.

    Raises:
        KnownError: If task, configuration or folder cannot be used.
    """
    task, config = read_task_arguments(arguments)
    check = check_fields(
        task,
        arguments.fields,
        profile=None if arguments.profile is None else PROFILES[arguments.profile],
        short_names=arguments.short_names,
        expected_shape=None if config is None else config.expected_shape,
    )
    return task, check


def print_check(check: Check, *, given: bool) -> None:
    """Prints every finding and their number.

    Args:
        check: The outcome.
        given: Whether the profile was given on the command line.
    """
    for finding in check.findings:
        print(finding)
    errors, warnings = (count(check.findings, "error"), count(check.findings, "warning"))
    found = counted(len(check.fields), "field") if check.fields else "a folder without a field of these pairs"
    how = "as given" if given else "the one that most fields fit best"
    print(f"{counted(errors, 'error')}, {counted(warnings, 'warning')} in {found}")
    print(f"{counted(check.pairs, 'pair')}, profile {check.profile.name} ({how})")


def run(arguments: argparse.Namespace) -> int:
    """Checks the fields, and repairs a copy with `--fix`; returns 0 if a host accepts them, else 1."""
    _, check = run_check(arguments)
    print_check(check, given=arguments.profile is not None)
    if arguments.fix is None:
        print(next_step(check))
        return 0 if check.accepted else 1
    return _fix(arguments, check)


def _fix(arguments: argparse.Namespace, check: Check) -> int:
    print()
    for repair in repair_fields(check, arguments.fields, arguments.fix):
        print(one_line(str(repair)))
    print(f"\nthe copy {one_line(str(arguments.fix))}, checked again:")
    given = arguments.profile is not None
    arguments.fields, arguments.profile = arguments.fix, check.profile.name
    _, again = run_check(arguments)
    print_check(again, given=given)
    print(next_step(again))
    return 0 if again.accepted else 1


def next_step(check: Check) -> str:
    """Returns what to do next as one line."""
    errors = [one for one in check.findings if one.severity == "error"]
    is_subset = any(one.rule == SUBSET for one in check.findings)
    if not errors and not is_subset:
        return "next: run submit; a host accepts these fields"
    steps = [one.remedy for one in errors if one.rule == EDITION]
    repairable = sum(one.repairable for one in errors)
    if repairable:
        steps.append(f"check --fix OUT repairs {repairable} of {counted(len(errors), 'error')} in a copy")
    missing = sum(one.rule == "missing" for one in errors)
    if missing:
        steps.append(f"register {counted(missing, 'missing pair')}")
    suspected = sum(one.rule == SUSPICION for one in errors)
    if suspected and suspected == len(errors):
        steps.append("look into the suspicions; submit --accept-suspicions packs the fields as they are")
    elif suspected:
        steps.append("look into the suspicions")
    if errors and not steps:
        steps.append("register the pairs of the named files again")
    if is_subset:
        steps.append(f"leave out --pairs: a host needs all pairs of the task, not {check.pairs} of them")
    return f"next: {'; '.join(steps)}"
