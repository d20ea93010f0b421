"""textSCF for Learn2Reg: what the verbs of the command line do, from Python (docs/python.md).

Each function is imported when it is first asked for: `import textscf` takes no time and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.htmlreport.taskreport import report as report
    from evaluation.metrics.jacobian import jacobian_determinants as jacobian_determinants
    from evaluation.metrics.jacobian import regularity as regularity
    from evaluation.scoring.taskscores import evaluate as evaluate
    from pairs.errors import KnownError as KnownError
    from pairs.fields.field import Field as Field
    from pairs.fields.field import field_from_array as field_from_array
    from pairs.images.given import volume as volume
    from pipeline.predict.taskrun import predict as predict
    from pipeline.register import register as register
    from pipeline.segment import segment as segment
    from transforms.derivedfields import compose as compose
    from transforms.derivedfields import invert as invert
    from transforms.export.programs import export_field as export_field
    from transforms.field import import_field as import_field
    from transforms.field import read_field as read_field
    from transforms.field import write_field as write_field
    from transforms.warping import warp as warp

# Where each name comes from.
_HOMES = {
    "Field": "pairs.fields.field",
    "KnownError": "pairs.errors",
    "compose": "transforms.derivedfields",
    "evaluate": "evaluation.scoring.taskscores",
    "export_field": "transforms.export.programs",
    "field_from_array": "pairs.fields.field",
    "import_field": "transforms.field",
    "invert": "transforms.derivedfields",
    "jacobian_determinants": "evaluation.metrics.jacobian",
    "predict": "pipeline.predict.taskrun",
    "read_field": "transforms.field",
    "register": "pipeline.register",
    "regularity": "evaluation.metrics.jacobian",
    "report": "evaluation.htmlreport.taskreport",
    "segment": "pipeline.segment",
    "volume": "pairs.images.given",
    "warp": "transforms.warping",
    "write_field": "transforms.field",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module 'textscf' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
