"""How a worker of a cluster registers pairs: how it gets ready, and the jobs that it knows."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cluster.hand import Recipe
from cluster.sight import Sight
from pairs.errors import KnownError, WeightsError
from pairs.images.volume import read_image
from pairs.tasks.pair import Pair
from pipeline.machine.device import choose_device
from pipeline.predict.choice import Choice
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.masks import TaskMasks
from pipeline.predict.onepair import PairRegistration
from pipeline.predict.pairrecord import PairRecord
from pipeline.regions.kept import CACHE_NAME
from pipeline.regions.source import SegmentedRegions
from pipeline.weights.bundle import read_bundle
from pipeline.weights.folders import bundle_of

__all__ = ["KilledPair", "PairJob", "PredictRecipe", "SegmentJob"]


class KilledWorkers(KnownError):
    """Too many workers died of a pair."""

    exit_code = 1
    code = "killed"


@dataclass(frozen=True)
class SegmentJob:
    """An image that pairs need the regions of, which are kept for them."""

    image: Path


@dataclass(frozen=True)
class PairJob:
    """A pair, and its record of an earlier run."""

    pair: Pair
    earlier: PairRecord | None


@dataclass(frozen=True)
class KilledPair:
    """A pair that workers died of, which is not tried again."""

    pair: Pair
    earlier: PairRecord | None
    deaths: int


@dataclass(frozen=True)
class PredictRecipe(Recipe):
    """One run of `predict`; all paths are absolute.

    Attributes:
        method: The method without its bundle.
        weights: The bundle's file; None where it is the one that ships for the task, wherever that lies.
        weights_sha256: Hash of the file; empty where the method goes without.
        device: What `--device` says.
        fields: Where the fields go.
        masks: Of the task; None where the method uses none.
        identity_on_error: Whether a failed pair gets a zero field.
        sight: What a worker has to see.
    """

    method: Choice
    weights: Path | None
    weights_sha256: str
    device: str
    fields: FieldFolder
    masks: TaskMasks | None
    identity_on_error: bool
    sight: Sight

    def prepare(self) -> Callable[[Any], object]:
        """See `Recipe`.

        Raises:
            WeightsError: The weights are missing here, or others.
            KnownError: As the parts say.
        """
        self.sight.require()
        method, fields = self._method(), self.fields
        kept = fields.path / CACHE_NAME
        registration = method.registration(choose_device(self.device), fields.profile, kept)
        prints = Fingerprints(method.sha256, method.segmentations, fields, self.masks)
        task, identity = method.task, self.identity_on_error
        return _Jobs(
            PairRegistration(registration, fields, prints, self.masks, task.root, task.shape, identity)
        )

    def _method(self) -> Choice:
        if not self.weights_sha256:
            return self.method
        path = self.weights or bundle_of(self.method.task.name)
        bundle = read_bundle(path)
        if bundle.sha256 != self.weights_sha256:
            raise WeightsError(
                "it has other weights", where=path, expected=self.weights_sha256, got=bundle.sha256
            )
        return replace(self.method, weights=path, bundle=bundle)


@dataclass(frozen=True)
class _Jobs:
    """Does one job after the other."""

    registration: PairRegistration

    def __call__(self, job: SegmentJob | PairJob | KilledPair) -> PairRecord | None:
        """A record for a pair; an image has its result in the folder of kept segmentations."""
        if isinstance(job, PairJob):
            return self.registration(job.pair, job.earlier)
        if isinstance(job, KilledPair):
            error = KilledWorkers(
                "the workers that registered it were killed",
                got=f"{job.deaths} in a row",
                remedy="give them more memory, or crop the images",
            )
            return self.registration.given_up(job.pair, job.earlier, error)
        regions = self.registration.register.regions
        # What is wrong with the image is said of its pairs.
        with suppress(Exception):
            if isinstance(regions, SegmentedRegions):
                regions(read_image(job.image))
        return None
