"""elastix: rigid, affine, then B-splines, with its default parameter maps."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.methods.method import Displacement, Method, Register, installed, written_by
from pairs.fields.foreign.names import stems
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["ELASTIX"]

MAPS = ("rigid", "affine", "bspline")


def _prepare(_task: Task) -> Register:
    import itk

    # Its modules are loaded when they are first asked for, which takes seconds.
    parameters, register_images, field_of = (
        itk.ParameterObject.New(),
        itk.elastix_registration_method,
        itk.transformix_deformation_field,
    )
    for name in MAPS:
        parameters.AddParameterMap(parameters.GetDefaultParameterMap(name))

    def register(pair: Pair, folder: Path) -> Callable[[], Displacement]:
        fixed, moving = (itk.imread(str(path), itk.F) for path in (pair.fixed, pair.moving))
        _, found = register_images(fixed, moving, parameter_object=parameters)
        # It leaves a copy in the folder where it runs.
        with contextlib.chdir(folder):
            field = field_of(moving, found)

        def displacement() -> Displacement:
            itk.imwrite(field, str(folder / f"{stems(pair)[0]}_deformationField.mha"))
            return written_by("elastix", folder, pair)

        return displacement

    return register


ELASTIX = Method("elastix", True, installed("itk-elastix", f"default maps {', '.join(MAPS)}"), _prepare)
