"""Lets open_clip be imported where torchvision is not installed or does not fit the installed torch.

open_clip imports torchvision for its image side at the top of its package. The text side, the only one used
here, never calls it, and torchvision's wheels would bring a CUDA build of torch along. So empty classes stand
in its place for as long as the import runs, and are taken away after it. Calling one of them is an error, not
a wrong result.
"""

import contextlib
import enum
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Never

__all__ = ["importable", "torchvision_or_standin"]

_TRANSFORMS = (
    "Normalize",
    "Compose",
    "RandomResizedCrop",
    "ToTensor",
    "Resize",
    "CenterCrop",
    "ColorJitter",
    "Grayscale",
)
# open_clip takes these only if they are there, for image towers and for text towers that CLIP does not have.
# Both would look for torchvision in their turn, and they take seconds to import.
_HIDDEN = ("timm", "transformers")


@contextlib.contextmanager
def torchvision_or_standin() -> Iterator[None]:
    """Within the block `import torchvision` works: the real one where it is usable, else the stand-in."""
    if importable("torchvision"):
        yield
        return
    # An import that broke half-way leaves submodules behind; they must not mix with the stand-in.
    _forget("torchvision")
    borrowed: dict[str, ModuleType | None] = {**_modules(), **dict.fromkeys(_HIDDEN)}
    before = {name: sys.modules[name] for name in borrowed if name in sys.modules}
    sys.modules.update(borrowed)  # type: ignore[arg-type]  # None makes an import fail, as its documentation says
    try:
        yield
    finally:
        for name in borrowed:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def importable(name: str) -> bool:
    """Whether a module can be imported; torchvision built for another torch fails with a RuntimeError."""
    try:
        importlib.import_module(name)
    except (ImportError, RuntimeError, OSError):
        return False
    return True


class _Absent:
    """Takes the place of a torchvision class; open_clip subclasses and compares it but must not make one."""

    def __init__(self, *_arguments: object, **_options: object) -> Never:
        raise ImportError(f"{type(self).__name__} needs torchvision, which is not installed")


class _InterpolationMode(enum.Enum):
    """The two modes open_clip names in the defaults of its image functions."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


def _modules() -> dict[str, ModuleType]:
    """The modules open_clip imports, with every name it takes from them."""
    root, ops, misc = (
        ModuleType("torchvision"),
        ModuleType("torchvision.ops"),
        ModuleType("torchvision.ops.misc"),
    )
    transforms = ModuleType("torchvision.transforms")
    functional = ModuleType("torchvision.transforms.functional")
    vars(misc)["FrozenBatchNorm2d"] = type("FrozenBatchNorm2d", (_Absent,), {})
    vars(transforms).update({name: type(name, (_Absent,), {}) for name in _TRANSFORMS})
    vars(transforms)["InterpolationMode"] = _InterpolationMode
    # `import a.b.c as F` walks the attributes of the parents.
    vars(root).update(ops=ops, transforms=transforms)
    vars(ops)["misc"] = misc
    vars(transforms)["functional"] = functional
    return {module.__name__: module for module in (root, ops, misc, transforms, functional)}


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]
