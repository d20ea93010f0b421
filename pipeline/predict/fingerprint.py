"""What a pair's field depends on, as one hash: a finished pair is kept while it stays the same."""

from hashlib import sha256
from pathlib import Path

from pairs.errors import MissingVolume, VolumeError
from pairs.files.regularfile import NotRegularFile, is_regular, require_regular
from pairs.tasks.pair import Pair
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.masks import TaskMasks
from pipeline.programversion import program_version
from pipeline.regions.source import segmentation_file
from pipeline.weights.bundle import file_hash

__all__ = ["Fingerprints"]


class Fingerprints:
    """Hashes of pairs; each file is read once, in however many pairs it is.

    Args:
        weights_sha256: hash of the bundle, which holds the configuration too.
        segmentations: folder of the user's own segmentations, None where the bundle's segmentor works.
        fields: what the fields are written as.
        masks: of the task; None where the method uses none.
    """

    def __init__(
        self,
        weights_sha256: str,
        segmentations: Path | None,
        fields: FieldFolder,
        masks: TaskMasks | None = None,
    ) -> None:
        self._settings = (program_version(), weights_sha256, fields.profile.name, str(fields.short_names))
        self._segmentations = segmentations
        self._masks = masks
        self._known: dict[tuple[Path, int, int], str] = {}

    def of(self, pair: Pair) -> str:
        """The pair's fingerprint.

        Raises:
            VolumeError: an input is missing or cannot be read.
        """
        inputs = [pair.fixed, pair.moving]
        if self._segmentations is not None:
            inputs.append(segmentation_file(self._segmentations, pair.fixed))
            # That of the moving image serves the refinement only and may be absent.
            moving = self._segmentations / pair.moving.name
            inputs += [moving] if is_regular(moving) else []
        mask = None if self._masks is None else self._masks.file(pair)
        if mask is not None:
            inputs.append(mask)
        parts = (*self._settings, *(self.content(path) for path in inputs))
        return sha256("\n".join(parts).encode()).hexdigest()

    def content(self, path: Path) -> str:
        """Hash of a file's bytes, read again only where size or time of change differ.

        Raises:
            VolumeError: the file is missing or cannot be read.
        """
        try:
            require_regular(path)
            status = path.stat()
            key = (path, status.st_size, status.st_mtime_ns)
            if key not in self._known:
                self._known[key] = file_hash(path)
        except (FileNotFoundError, NotADirectoryError, NotRegularFile) as error:
            raise MissingVolume("volume does not exist or is not a file", where=path) from error
        except OSError as error:
            raise VolumeError("volume cannot be read", where=path, got=error.strerror) from error
        return self._known[key]
