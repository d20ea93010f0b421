"""What Apptainer imposes, tried with Docker: the host's user and home, a read-only root, a shared /tmp."""

from collections.abc import Callable
from pathlib import Path

__all__: list[str] = []

USER = 54321


def test_host_user_with_a_mounted_home_and_a_shared_temporary_folder(
    contained: Callable, demo_task: Path, fields: Path, tmp_path: Path
) -> None:
    home, shared_temporary = tmp_path / "home", tmp_path / "shared"
    # What the user has installed at home must not stand in for what is in the image.
    own_packages = home / ".local" / "lib" / "python3.11" / "site-packages"
    own_packages.mkdir(parents=True)
    (own_packages / "numpy.py").write_text("raise RuntimeError('numpy of the home folder')", encoding="utf-8")
    shared_temporary.mkdir()
    shared_temporary.chmod(0o1777)
    # Another user's cache, closed to this one.
    (shared_temporary / ".matplotlib").mkdir(mode=0o700)
    before = sorted(home.rglob("*"))
    done = contained(
        *("/input", "/output"),
        mounts={
            demo_task: "/input:ro",
            fields: "/output",
            home: "/home/somebody",
            shared_temporary: "/tmp",
        },
        tmpfs={},
        user=f"{USER}:{USER}",
        working_dir="/home/somebody",
        environment={"HOME": "/home/somebody", "USER": "somebody", "LANG": "de_DE.UTF-8"},
    )
    assert (done.code, done.err) == (0, "")
    assert len(list(fields.glob("disp_*"))) == 3
    assert sorted(home.rglob("*")) == before
    assert [path.name for path in shared_temporary.iterdir()] == [".matplotlib"]
