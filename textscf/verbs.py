"""The verbs: what each is called, does and needs, in one table for the program, `run.sh` and the help."""

from dataclasses import dataclass

__all__ = ["VERBS", "Verb"]

_PACKAGES = ("requirements.txt",)
_TEST_PACKAGES = ("requirements.txt", "requirements-dev.txt")


@dataclass(frozen=True)
class Verb:
    """One verb of the command line.

    Attributes:
        name: As it is typed.
        arguments: What comes after it, in the words of the overview.
        summary: What it does, in one line.
        module: Where its `add_arguments` and `run` are; None where `run.sh` does it.
        example: A command that can be typed, for its help.
        stoppable: Whether it listens for signals and leaves something to go on from.
        packages: The lists of packages that it needs.
    """

    name: str
    arguments: str
    summary: str
    module: "str | None"
    example: str
    stoppable: bool = False
    packages: "tuple[str, ...]" = _PACKAGES


VERBS = (
    Verb(
        "demo",
        "[FOLDER]",
        "draw the demo task, register it, score it, draw a picture",
        "textscf.demo",
        "demo /tmp/demo",
        stoppable=True,
    ),
    Verb(
        "predict",
        "TASK OUT",
        "register every pair of a task folder",
        "pipeline.predict.command",
        "predict HippocampusMR fields --device cpu",
        stoppable=True,
    ),
    Verb(
        "merge",
        "OUT",
        "join the reports of predict --shard, and say what is missing",
        "pipeline.predict.mergecommand",
        "merge fields",
    ),
    Verb(
        "worker",
        "ADDRESS",
        "work for predict or evaluate --scheduler ADDRESS, from this machine",
        "textscf.workercommand",
        "worker tcp://localhost:8786 --workers 2",
    ),
    Verb(
        "register",
        "FIXED MOVING --out FOLDER",
        "register two 3D images, each on a grid of its own",
        "textscf.scans.command",
        "register fixed.nii.gz moving.nii.gz --out registered --weights weights/HippocampusMR.safetensors",
        stoppable=True,
    ),
    Verb(
        "warp",
        "--field F --fixed FIXED --image X --out FOLDER",
        "warp images, label maps and points with a field, or back",
        "transforms.warpcommand",
        "warp --field displacement.nii.gz --fixed fixed.nii.gz --image moving.nii.gz --out warped",
    ),
    Verb(
        "export",
        "--field F --fixed FIXED --moving MOVING --to PROGRAM --out FOLDER",
        "write a field as ITK, ANTs, elastix, FSL, 3D Slicer or nitransforms reads it",
        "transforms.export.command",
        "export --field u.nii.gz --fixed fixed.nii.gz --moving moving.nii.gz --to ants --out exported",
    ),
    Verb(
        "import",
        "--from TOOL --field F --fixed FIXED --out FILE",
        "make a field of a profile of one that another tool wrote",
        "transforms.importcommand",
        "import --from itk --field warp.nii.gz --fixed fixed.nii.gz --out disp_0001_0000_0004_0000.nii.gz",
    ),
    Verb(
        "evaluate",
        "--task TASK --fields OUT",
        "score displacement fields",
        "evaluation.scoring.command",
        "evaluate --task HippocampusMR --fields fields --json scores.json",
    ),
    Verb(
        "check",
        "--task TASK --fields OUT",
        "list everything that a host would refuse or score badly",
        "evaluation.submission.checkcommand",
        "check --task HippocampusMR --fields fields --fix repaired",
    ),
    Verb(
        "submit",
        "--task TASK --fields OUT --zip FILE",
        "check the fields, then pack them as the host takes them",
        "evaluation.submission.submitcommand",
        "submit --task HippocampusMR --fields fields --zip submission.zip",
    ),
    Verb(
        "rank",
        "METRICS.json ...",
        "rank several methods as the challenge does",
        "evaluation.ranking.command",
        "rank mine.json theirs.json",
    ),
    Verb(
        "picture",
        "--task TASK --fields OUT --out FILE",
        "draw one pair before and after registration",
        "evaluation.picture.command",
        "picture --task HippocampusMR --fields fields --pair 3 --out pair.png",
    ),
    Verb(
        "report",
        "--task TASK --fields OUT --out FILE",
        "write a page of HTML to look through all pairs",
        "evaluation.htmlreport.command",
        "report --task HippocampusMR --fields fields --out report.html",
    ),
    Verb(
        "train",
        "segmentor|registration ...",
        "train weights on a task folder",
        "pipeline.train.command",
        "train segmentor --task HippocampusMR --out segmentor.safetensors",
        stoppable=True,
    ),
    Verb(
        "embed",
        "--task TASK --out FILE",
        "make the text vectors of a task's regions",
        "pipeline.text.embed",
        "embed --task HippocampusMR --embedder one-hot --out vectors.safetensors",
    ),
    Verb(
        "convert",
        "--segmentor|--registration FILE --out FILE",
        "make a weights file of a published checkpoint",
        "pipeline.weights.convert.command",
        "convert --segmentor swin_unetr.pt --out btcv.safetensors",
    ),
    Verb(
        "info",
        "[FILE]",
        "print what a weights file holds",
        "pipeline.weights.info",
        "info weights/HippocampusMR.safetensors",
    ),
    Verb(
        "reproduce",
        "NAME --task TASK",
        "make a table or figure of the paper again: table1 to table5, fig3 to fig8, complexity",
        "studies.command",
        "reproduce table3 --task AbdomenMRMR --budget 30minutes",
    ),
    Verb("demo-task", "FOLDER", "write the demo task alone", "studies.demo.command", "demo-task /tmp/task"),
    Verb(
        "template",
        "--task TASK --weights FILE --out FILE",
        "make the template that demo tasks are drawn from",
        "studies.demo.template_command",
        "template --task HippocampusMR --weights weights.safetensors --out template.safetensors",
    ),
    Verb(
        "bench",
        "NAME ...",
        "print the figures of one benchmark; `bench` alone lists them",
        "benchmarks.command",
        "bench speed",
        packages=_TEST_PACKAGES,
    ),
    Verb(
        "docker",
        "build|predict|register|evaluate|smoke|save ...",
        "make the image, use it, try it, pack it for upload",
        None,
        "docker predict HippocampusMR fields",
    ),
    Verb(
        "test",
        "[--fast | PYTEST ARGUMENTS]",
        "check the code and run the tests: all, all but the slow ones, or those that are named",
        None,
        "test --fast",
        packages=_TEST_PACKAGES,
    ),
)
