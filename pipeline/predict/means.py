"""What a run registers its pairs with: by this process, or handed to workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline.machine.stopping import interruptible
from pipeline.predict.choice import Choice
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.masks import TaskMasks
from pipeline.predict.onepair import PairRegistration
from pipeline.predict.plan import Plan
from pipeline.predict.recipe import PredictRecipe
from pipeline.predict.sight import sight_of
from pipeline.regions.kept import CACHE_NAME

__all__ = ["Means"]


@dataclass(frozen=True)
class Means:
    """All that the pairs of a run have in common.

    Attributes:
        method: what registers them.
        weights: the bundle that was asked for; None for the one that ships.
        device: where this process works.
        fields: where the fields go.
        masks: of the task; None where the method uses none.
        fingerprints: hashes of the inputs.
        identity_on_error: whether a failed pair gets a zero field.
    """

    method: Choice
    weights: Path | None
    device: torch.device
    fields: FieldFolder
    masks: TaskMasks | None
    fingerprints: Fingerprints
    identity_on_error: bool

    def registration(self) -> PairRegistration:
        """Makes this process ready.

        Raises:
            KnownError: as the method says.
        """
        with interruptible():
            kept = self.fields.path / CACHE_NAME
            registration = self.method.registration(self.device, self.fields.profile, kept)
        task, identity = self.method.task, self.identity_on_error
        prints = self.fingerprints
        return PairRegistration(
            registration, self.fields, prints, self.masks, task.root, task.shape, identity
        )

    @contextmanager
    def recipe(self, plan: Plan) -> Iterator[PredictRecipe]:
        """How workers get ready for the pairs of a plan, while the block lasts.

        Raises:
            OutputError: the output folder cannot be written to.
        """
        method = self.method
        with sight_of(plan, self.fingerprints, method.segmentations, self.fields.path) as sight:
            yield PredictRecipe(
                method=method.portable(),
                weights=self.weights,
                weights_sha256="" if method.bundle is None else method.bundle.sha256,
                device=self.device.type,
                fields=self.fields,
                masks=self.masks,
                identity_on_error=self.identity_on_error,
                sight=sight,
            )
