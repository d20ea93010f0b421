"""The masks of a task, one beside each image: where a method that can compares the images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pairs.errors import MissingVolume, TaskError, VolumeError
from pairs.files.regularfile import is_regular
from pairs.images.grid import affine_warnings, require_same_shape
from pairs.images.header import Header, read_header
from pairs.tasks.imagefiles import sibling_path
from pairs.tasks.pair import Pair
from pairs.tasks.pathrules import resolve_inside
from pipeline.scans.reading import read_mask

__all__ = ["TaskMasks"]


@dataclass(frozen=True)
class TaskMasks:
    """Those of the fixed images.

    Attributes:
        root: The task folder.
        follow_links: Whether symlinks may lead out of it.
    """

    root: Path
    follow_links: bool = False

    def file(self, pair: Pair) -> Path | None:
        """Returns the file of a pair's mask; None where there is none, or it may not be read."""
        try:
            return self._file(pair)
        except (MissingVolume, TaskError):
            return None

    def read(self, pair: Pair, grid: Header) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Reads the mask of a pair; one that cannot be used is left out.

        Args:
            pair: The pair.
            grid: Header of the fixed image.

        Returns:
            Booleans (X, Y, Z), None without a mask; and one sentence for each oddity.
        """
        try:
            path = self._file(pair)
            if path is None:
                return None, ()
            header = read_header(path)
            require_same_shape(grid, header)
            # Affines are compared no more than those of the two images.
            return read_mask(path), affine_warnings(grid, header)
        except (TaskError, VolumeError) as error:
            return None, (f"registered without its mask: {error}",)

    def _file(self, pair: Pair) -> Path | None:
        """Returns the mask's file; None where the task has no folder of masks.

        Raises:
            MissingVolume: The folder lacks this mask.
            TaskError: A symlink leads out of the task folder.
        """
        if not pair.fixed.parent.name.startswith("images"):
            return None
        path = sibling_path(pair.fixed, "masks")
        if not path.parent.is_dir():
            return None
        inside = resolve_inside(
            self.root, path.relative_to(self.root).as_posix(), follow_links=self.follow_links
        )
        if not is_regular(inside):
            raise MissingVolume("no mask of the image", where=path)
        return inside
