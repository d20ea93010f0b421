"""The stand-in for torchvision is there during the import only."""

import importlib.util
import subprocess
import sys

import pytest

from pipeline.text.torchvision_standin import importable, torchvision_or_standin

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is not None,
    reason="torchvision is installed, no stand-in is used",
)


def test_standin_goes_away_and_its_classes_cannot_be_made() -> None:
    with torchvision_or_standin():
        from torchvision.ops.misc import FrozenBatchNorm2d
        from torchvision.transforms import InterpolationMode, Resize

        assert InterpolationMode.BICUBIC != InterpolationMode.BILINEAR
        for absent in (FrozenBatchNorm2d, Resize):
            with pytest.raises(ImportError, match="torchvision"):
                absent(3)
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
    assert not importable("torchvision")


def test_standin_goes_away_when_the_import_fails() -> None:
    before = dict(sys.modules)
    with pytest.raises(KeyError), torchvision_or_standin():
        raise KeyError
    assert dict(sys.modules) == before


def test_a_torchvision_that_does_not_fit_torch_counts_as_absent(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("site") / "torchvision"
    (folder / "ops").mkdir(parents=True)
    (folder / "ops" / "__init__.py").touch()
    (folder / "__init__.py").write_text(
        "from . import ops\nraise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    monkeypatch.syspath_prepend(folder.parent)
    with torchvision_or_standin():
        assert "torchvision.ops.misc" in sys.modules
    assert "torchvision.ops" not in sys.modules


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed")
def test_open_clip_imports_in_a_fresh_process_without_timm_and_transformers() -> None:
    program = (
        "import sys; from pipeline.text.openclip import import_open_clip; m = import_open_clip();"
        "print(m.__name__, [n for n in ('torchvision', 'timm', 'transformers') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "open_clip []\n"
