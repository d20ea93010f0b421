"""What several test files share: the real data beside the checkout, where there is any."""

from pathlib import Path

import pytest

__all__ = ["shared"]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared` of the checkout: real data and official numbers, which are never committed."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real data of ../shared, which is not beside this checkout")
    return folder
