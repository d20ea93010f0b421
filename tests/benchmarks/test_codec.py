"""The field and the two references of the codec benchmark."""

import numpy as np
import pytest

from benchmarks.codec import main, mean_pool, smooth_field, zoom_half
from pairs.fields.displacement import PROFILES

__all__: list[str] = []


def test_field_is_smooth_and_reaches_about_its_amplitude() -> None:
    field = smooth_field((32, 24, 16), 13)
    assert field.dtype == np.float32
    assert 11 < np.abs(field).max() <= 13
    assert max(np.abs(np.diff(field, axis=axis)).max() for axis in range(3)) < 13 * (2 * np.pi + 1) / 15


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.half])
def test_references_keep_a_constant_in_the_layout_of_the_profile(name: str) -> None:
    field = np.full((4, 6, 8, 3), 2, np.float32) * np.arange(3, dtype=np.float32)
    profile = PROFILES[name]
    for encoder in (mean_pool, zoom_half):
        stored = np.moveaxis(encoder(field, profile), 0 if profile.channel_first else -1, -1)
        assert stored.dtype == profile.dtype
        assert np.allclose(stored, np.broadcast_to([0, 2, 4], (2, 3, 4, 3)), atol=1e-3)


def test_every_profile_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shape", "8", "10", "12", "--repeats", "1"]) == 0
    table = capsys.readouterr().out
    assert all(f"| {name}" in table for name in PROFILES)
