"""One pair from its files to its field and its record; whatever is wrong with it stays with it."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pairs.errors import KnownError, OutputError, Stopped, VolumeError
from pairs.fields.displacement import WrittenField
from pairs.images.header import read_header
from pairs.process.surroundings import known_error
from pairs.tasks.pair import Pair
from pipeline.machine.gpufailure import GpuFailure, gpu_failure_reported
from pipeline.machine.memory import as_shortage
from pipeline.machine.memorylimit import require_room
from pipeline.machine.stopping import interruptible
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.masks import TaskMasks
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import peak_memory_mib, restart_peak
from pipeline.registration.pairwise import Registration
from pipeline.weights.bundle import file_hash

__all__ = ["PairRegistration"]

log = logging.getLogger(__name__)

# Bytes a voxel: both images with the regions of one; the displacement, and its copies while it is written.
_IMAGES, _FIELD = 12, 36

Shape = tuple[int, int, int]


class InternalError(KnownError):
    """An unknown error in one pair; its traceback is in the log."""

    exit_code = 1
    code = "internal"


@dataclass
class _Outcome:
    """What became of a pair, filled in on the way."""

    fingerprint: str = ""
    written: WrittenField | None = None
    error: KnownError | None = None
    segmentations: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PairRegistration:
    """All that a pair needs besides its files.

    Attributes:
        register: what makes the displacement.
        fields: where the fields go.
        fingerprints: hashes of the inputs.
        masks: of the task; None where the method uses none.
        root: the task folder; messages name files from there.
        shape: the task's shape, used for a zero field where no header can be read.
        identity_on_error: whether a failed pair gets a zero field.
    """

    register: Registration
    fields: FieldFolder
    fingerprints: Fingerprints
    masks: TaskMasks | None
    root: Path
    shape: Shape | None = None
    identity_on_error: bool = False

    def __call__(self, pair: Pair, earlier: PairRecord | None = None) -> PairRecord:
        """Register a pair; a field that an earlier run left for it is replaced or removed.

        Raises:
            Stopped: a signal arrived; nothing of the pair is written.
            OutputError: the output folder cannot be written to.
            GpuFailure: the GPU does not work, and would not for the pairs after this one.
        """
        start = time.monotonic()
        restart_peak(self.register.device)
        return self._recorded(pair, earlier, self._attempt(pair), start)

    def given_up(self, pair: Pair, earlier: PairRecord | None, error: KnownError) -> PairRecord:
        """Record a pair as failed without trying it; it gets a zero field where failed pairs do.

        Raises:
            OutputError: the output folder cannot be written to.
        """
        start, outcome = time.monotonic(), _Outcome(error=error)
        with suppress(VolumeError):
            outcome.fingerprint = self.fingerprints.of(pair)
        if self.identity_on_error:
            outcome.written = self._identity(pair, outcome.warnings)
        return self._recorded(pair, earlier, outcome, start)

    def _recorded(
        self, pair: Pair, earlier: PairRecord | None, outcome: "_Outcome", start_s: float
    ) -> PairRecord:
        device = self.register.device
        written, error = outcome.written, outcome.error
        self.fields.clear(pair, earlier, keep=written.path.name if written else None)
        return PairRecord(
            pair=pair.name,
            status="done" if error is None else "identity" if written else "failed",
            fingerprint=outcome.fingerprint,
            file=written.path.name if written else None,
            file_sha256=file_hash(written.path) if written else None,
            seconds=round(time.monotonic() - start_s, 3),
            peak_memory_mib=peak_memory_mib(device),
            device=str(device),
            decode_error_mean_vox=written.decode_error_mean_vox if written else None,
            decode_error_max_vox=written.decode_error_max_vox if written else None,
            error_code=error.code if error else None,
            error=self._from_root(str(error)) if error else None,
            warnings=tuple(self._from_root(text) for text in outcome.warnings),
            segmentations=outcome.segmentations,
        )

    def _attempt(self, pair: Pair) -> "_Outcome":
        outcome = _Outcome()
        try:
            outcome.fingerprint = self.fingerprints.of(pair)
            # The field is written outside: a signal then waits, and the finished pair is recorded.
            with interruptible(), gpu_failure_reported():
                displacement = self._displacement(pair, outcome)
            outcome.written = self.fields.write(pair, displacement)
        except (GpuFailure, OutputError, Stopped):
            raise
        except Exception as error:
            outcome.error = _as_known(error)
            if self.identity_on_error:
                outcome.written = self._identity(pair, outcome.warnings)
        return outcome

    def _displacement(self, pair: Pair, outcome: "_Outcome") -> np.ndarray:
        grid = read_header(pair.fixed)
        self.fields.require_storable(grid.shape)
        voxels = int(np.prod(grid.shape, dtype=np.int64))
        require_room(
            self.register.footprint(grid),
            f"a pair of {grid.shape} voxels",
            self.register.device,
            beside=voxels * _IMAGES,
            afterwards=voxels * _FIELD,
        )
        mask, told = (None, ()) if self.masks is None else self.masks.read(pair, grid)
        registered = self.register(pair.moving, pair.fixed, mask=mask)
        outcome.warnings += (*told, *registered.warnings)
        outcome.segmentations = registered.segmentations
        return registered.displacement

    def _identity(self, pair: Pair, warnings: list[str]) -> WrittenField | None:
        """A zero field on the grid of whichever header can be read, or none."""
        try:
            return self.fields.write(pair, np.zeros((*self._shape(pair), 3), np.float32))
        except OutputError:
            raise
        except KnownError as error:
            warnings.append(f"no zero field either: {error}")
            return None

    def _shape(self, pair: Pair) -> Shape:
        for image in (pair.fixed, pair.moving):
            try:
                return read_header(image).shape
            except VolumeError:
                continue
        if self.shape is None:
            raise VolumeError("the grid is unknown", remedy="state tensorImageShape in the dataset JSON")
        return self.shape

    def _from_root(self, text: str) -> str:
        """File names as the task has them: the folders above may name a person or a hospital."""
        return text if self.root == Path() else text.replace(f"{self.root}/", "")


def _as_known(error: Exception) -> KnownError:
    if (shortage := as_shortage(error, "this pair")) is not None:
        return shortage
    known = known_error(error)
    if known is not None:
        # A folder that may not be searched is a fault of this pair, not of the arguments.
        return VolumeError(str(known)) if isinstance(error, OSError) else known
    log.error("unknown error", exc_info=error)
    return InternalError("unknown error", got=f"{type(error).__name__}: {error}")
