"""What several test files share: the real data beside the checkout, where there is any."""

from pathlib import Path

import pytest

__all__ = ["shared"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--device cuda` runs what has tensors on a GPU; without one every such test ends in an error."""
    parser.addoption("--device", choices=("cpu", "cuda"), default="cpu", help="of the tests of the pipeline")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared` of the checkout: real data and official numbers, which are never committed."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real data of ../shared, which is not beside this checkout")
    return folder
