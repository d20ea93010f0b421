"""Faults of the surroundings: one line and an exit code; faults of the program keep their traceback."""

import pytest

from pairs.process.surroundings import exit_code_of, known_error

__all__: list[str] = []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/data/closed"), 2, "got Permission denied; ask its owner"),
        (OSError(36, "File name too long", "x" * 300), 2, "got File name too long"),
        (FileNotFoundError(2, "No such file or directory", "/gone"), 2, "/gone"),
        (OSError(28, "No space left on device"), 5, "cannot write; got No space left on device"),
        (OSError(122, "Disk quota exceeded", "/home/a"), 5, "cannot write: /home/a; got Disk quota exceeded"),
        (OSError(30, "Read-only file system", "/ro/a"), 5, "cannot write: /ro/a; got Read-only file system"),
        (MemoryError(), 1, "too little memory; give more"),
        (RuntimeError("can't start new thread"), 1, "too little memory; got can't start new thread"),
        (ImportError("libtorch.so: failed to map segment from shared object"), 1, "too little memory"),
        (KeyboardInterrupt(), 75, "stopped by a signal"),
    ],
)
def test_surroundings_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    def command() -> int:
        raise error

    assert exit_code_of(command) == code
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("error: ")
    assert words in written.err
    assert written.err.count("\n") == 1


def test_faults_of_the_program_keep_their_traceback() -> None:
    def command() -> int:
        raise RuntimeError("shapes differ")

    assert known_error(RuntimeError("shapes differ")) is None
    with pytest.raises(RuntimeError, match="shapes differ"):
        exit_code_of(command)
