"""The CLIP text tower: the real open_clip with random weights, small where that is enough."""

import importlib.util
import json
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file

from pairs.errors import UsageError, WeightsError
from pipeline.text.embedders import DEFAULT_MODEL, build_embedder
from pipeline.text.openclip import OpenClipEmbedder, build_tower, import_open_clip, load_tower

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed"
)

PROMPTS = ("A computerized tomography of a liver in human abdomen.", "A photo of a spleen.")
TINY = "tiny-textscf-quickgelu"
CONFIG = {
    "embed_dim": 12,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 8, "layers": 1, "width": 64, "patch_size": 4},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    module = import_open_clip()
    folder = tmp_path_factory.mktemp("configs")
    (folder / f"{TINY}.json").write_text(json.dumps(CONFIG))
    (folder / "tiny-textscf.json").write_text(json.dumps(CONFIG | {"quick_gelu": False}))
    module.add_model_config(folder)
    return module


@pytest.fixture(scope="module")
def clip(open_clip: ModuleType) -> torch.nn.Module:
    torch.manual_seed(0)
    model = open_clip.CLIP(**CONFIG).eval()
    for parameter in model.parameters():  # random biases too, so that a forgotten one shows
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def saved(clip: torch.nn.Module, path: Path) -> Path:
    save_file({name: tensor.clone() for name, tensor in clip.state_dict().items()}, path)
    return path


def test_tokens_of_the_real_vocabulary(open_clip: ModuleType) -> None:
    tokens = open_clip.SimpleTokenizer(context_length=77)([PROMPTS[0], "A photo of a liver."])
    assert tokens.shape == (2, 77)
    long = [49406, 320, 11639, 704, 7690, 999, 22399, 539, 320, 12639, 530, 2751, 596, 2164, 576, 269, 49407]
    short = [49406, 320, 1125, 539, 320, 12639, 269, 49407]
    assert tokens[0].tolist() == long + [0] * (77 - len(long))
    assert tokens[1].tolist() == short + [0] * (77 - len(short))


def test_text_tower_alone_gives_what_the_whole_clip_gives(
    open_clip: ModuleType, clip: torch.nn.Module, tmp_path: Path
) -> None:
    embedder = OpenClipEmbedder(TINY, saved(clip, tmp_path / "clip.safetensors"))
    with torch.no_grad():
        expected = clip.encode_text(open_clip.tokenize(list(PROMPTS)))
    found = embedder(PROMPTS)
    assert found.dtype == torch.float32
    assert not found.is_inference()
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found.norm(dim=1), torch.ones(2), atol=0.1)
    assert torch.equal(found, embedder(PROMPTS))
    assert not hasattr(embedder._tower, "visual")


def test_rows_do_not_depend_on_the_batch(clip: torch.nn.Module, tmp_path: Path) -> None:
    embedder = OpenClipEmbedder(TINY, saved(clip, tmp_path / "clip.safetensors"))
    prompts = [f"A photo of a {number}." for number in range(17)]
    torch.testing.assert_close(embedder(prompts)[16], embedder(prompts[16:])[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layout", ["safetensors", "torch", "checkpoint", "custom-text", "half"])
def test_every_layout_of_the_weights_gives_the_same_vectors(
    clip: torch.nn.Module, tmp_path: Path, layout: str
) -> None:
    state = {name: tensor.clone() for name, tensor in clip.state_dict().items()}
    expected = OpenClipEmbedder(TINY, saved(clip, tmp_path / "clip.safetensors"))(PROMPTS)
    path = tmp_path / ("w.safetensors" if layout in ("safetensors", "half") else "w.pt")
    if layout == "half":
        save_file({name: tensor.half() for name, tensor in state.items()}, path)
    elif layout == "safetensors":
        save_file({name: tensor for name, tensor in state.items() if not name.startswith("visual.")}, path)
    elif layout == "checkpoint":
        torch.save(
            {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}, path
        )
    elif layout == "custom-text":
        torch.save({f"text.{name}": value for name, value in state.items()}, path)
    else:
        torch.save(state, path)
    tolerance = 0.05 if layout == "half" else 0.0
    torch.testing.assert_close(
        OpenClipEmbedder(TINY, path)(PROMPTS), expected, atol=tolerance, rtol=tolerance
    )


def test_quickgelu_is_in_use(open_clip: ModuleType) -> None:
    from open_clip.transformer import QuickGELU

    tower = build_tower(open_clip, TINY)
    activations = [module for module in tower.modules() if isinstance(module, QuickGELU)]
    assert len(activations) == CONFIG["text_cfg"]["layers"]
    assert not any(isinstance(module, torch.nn.GELU) for module in tower.modules())
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(activations[0](x), x * torch.sigmoid(1.702 * x))


@pytest.mark.parametrize(
    "model", ["tiny-textscf", "ViT-L-14-336", "RN50x64", "coca_ViT-B-32", "no-such-model"]
)
def test_models_of_another_kind_are_refused(open_clip: ModuleType, model: str) -> None:
    with pytest.raises(UsageError, match="quickgelu"):
        build_tower(open_clip, model)


@pytest.mark.parametrize(
    ("model", "channels", "millions"), [(DEFAULT_MODEL, 768, 123.65), ("RN50x64-quickgelu", 1024, 202.88)]
)
def test_sizes_of_the_models_of_the_paper(
    open_clip: ModuleType, model: str, channels: int, millions: float
) -> None:
    with torch.device("meta"):  # shapes only, no memory
        tower = build_tower(open_clip, model)
        tokens = torch.zeros(2, 77, dtype=torch.long)
    assert tower(tokens).shape == (2, channels)
    assert abs(sum(parameter.numel() for parameter in tower.parameters()) / 1e6 - millions) < 0.01


@pytest.mark.slow
def test_the_real_text_tower_runs(
    open_clip: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr("pipeline.text.openclip.load_tower", lambda tower, _weights: tower)
    (tmp_path / "random").touch()
    embedder = OpenClipEmbedder(DEFAULT_MODEL, tmp_path / "random")
    vectors = embedder(PROMPTS)
    assert vectors.shape == (2, 768)
    assert vectors.isfinite().all()
    assert not torch.equal(vectors[0], vectors[1])
    assert torch.equal(vectors, embedder(PROMPTS))


def test_no_weights_is_an_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)  # not even the package is looked for
    for weights in (None, tmp_path / "missing.pt", tmp_path):
        with pytest.raises(WeightsError, match="nothing is downloaded"):
            build_embedder("open_clip", weights=weights)


def test_missing_package_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    (tmp_path / "w.pt").touch()
    with pytest.raises(WeightsError, match="pip install --no-deps open_clip_torch"):
        build_embedder("open_clip", weights=tmp_path / "w.pt")


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("unpickled",)


def test_files_that_are_not_plain_weights_are_refused(
    clip: torch.nn.Module, open_clip: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tower = build_tower(open_clip, TINY)
    (tmp_path / "empty.pt").touch()
    (tmp_path / "noise.pt").write_bytes(b"\x00\x01noise" * 9)
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 64)
    torch.save({"state_dict": _Evil()}, tmp_path / "evil.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({}, tmp_path / "nothing.pt")
    with pytest.deprecated_call():  # as OpenAI's own files are
        torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "script.pt")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(WeightsError, match="TorchScript archive" if path.stem == "script" else None):
            load_tower(tower, path)
    assert "unpickled" not in capsys.readouterr().out


def test_weights_of_another_model_are_refused(
    clip: torch.nn.Module, open_clip: ModuleType, tmp_path: Path
) -> None:
    state = {name: tensor.clone() for name, tensor in clip.state_dict().items()}
    lacking = {name: tensor for name, tensor in state.items() if name != "ln_final.bias"}
    wider = state | {"text_projection": torch.zeros(16, 13)}
    for content in (lacking, wider):
        save_file(content, tmp_path / "w.safetensors")
        with pytest.raises(
            WeightsError, match=r"got (no tensor ln_final.bias|text_projection of shape \(16, 13\).*12\));"
        ):
            load_tower(build_tower(open_clip, TINY), tmp_path / "w.safetensors")


def test_a_prompt_beyond_77_tokens_is_refused_by_its_exact_length(
    clip: torch.nn.Module, tmp_path: Path
) -> None:
    embedder = OpenClipEmbedder(TINY, saved(clip, tmp_path / "clip.safetensors"))
    assert embedder(["liver " * 75]).shape == (1, 12)
    with pytest.raises(UsageError, match="got 78"):
        embedder(["liver " * 76])
    # One word, many tokens: only the vocabulary can tell.
    with pytest.raises(UsageError, match="too long"):
        embedder(["qx" * 90])
