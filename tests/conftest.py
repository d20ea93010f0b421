"""What several test files share: the real data beside the checkout, and what killed writers leave."""

from collections.abc import Callable
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from pairs.files.temporary import locked_temporary

__all__ = ["left_behind", "shared"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--device cuda` runs what has tensors on a GPU; without one every such test ends in an error."""
    parser.addoption("--device", choices=("cpu", "cuda"), default="cpu", help="of the tests of the pipeline")


class _OneForTheEngine(LoadScopeScheduling):
    """Tests go to whichever process is free, those of the container to one: it builds the image once."""

    def _split_scope(self, nodeid: str) -> str:
        return "docker" if nodeid.startswith("tests/docker/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Takes the place of what `--dist` names. xdist's own groups do not work with this pytest."""
    return _OneForTheEngine(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared` of the checkout: real data and official numbers, which are never committed."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real data of ../shared, which is not beside this checkout")
    return folder


@pytest.fixture
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Puts into a folder what a writer of this machine leaves there that is killed."""

    def leave(folder: Path) -> Path:
        with locked_temporary(tmp_path_factory.mktemp("writer"), "") as path:
            leftover = folder / f"{path.name[:-12]}{0:012x}"
        leftover.write_bytes(b"half")
        return leftover

    return leave
