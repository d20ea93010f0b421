"""Pairs of images drawn from the label maps of two heads, with what a segmentor says of the fixed one."""

from collections.abc import Sequence
from functools import partial

import torch

from pairs.errors import GridMismatch
from pipeline.config import TaskConfig
from pipeline.regions.segmentor import Segmentor
from pipeline.train.drawing.heads import Heads
from pipeline.train.drawing.image import Look, Window, draw, random_window
from pipeline.train.drawing.labelmaps import LabelMap
from pipeline.train.drawing.palette import Palette
from pipeline.train.pairs import PairMaterial, TrainingPair, multiple_of
from pipeline.train.segmented import SegmentedSample, halved
from pipeline.train.subjects import Sample, halved_sample, padded

__all__ = ["drawn_pairs"]


class _Artist:
    """Draws one pair after the other."""

    def __init__(self, config: TaskConfig, palette: Palette, segmentor: Segmentor) -> None:
        of_segmentor, own = config.segmentor.grid, config.registration.grid
        self.look = Look(palette, config.drawing, config.intensity, halved=of_segmentor == "half")
        self.halves = own == "half" and not self.look.halved
        self.strength = config.registration_training.augmentation
        self.crop = config.registration_training.crop
        self.multiple = multiple_of(config.registration)
        self.segmentor = segmentor

    def any_pair(self, maps: Sequence[LabelMap], generator: torch.Generator) -> TrainingPair:
        """The same window of two different heads."""
        fixed, moving = torch.randperm(len(maps), generator=generator)[:2].tolist()
        window = None if self.crop is None else random_window(maps[fixed].values, self.crop, generator)
        return self.pair(maps[fixed], maps[moving], generator, window)

    def pair(
        self, fixed: LabelMap, moving: LabelMap, generator: torch.Generator, window: Window | None = None
    ) -> TrainingPair:
        """Two heads, each moved and shown in its own way."""
        seen = self._drawn(fixed, generator, window)
        device = self.segmentor.device
        regions, confidence = (part.cpu() for part in self.segmentor.on_own_grid(seen.image.to(device)))
        one, other = SegmentedSample(seen, regions, confidence), self._drawn(moving, generator, window)
        if self.halves:
            one, other = halved(one), halved_sample(other)
        return TrainingPair(one.padded(self.multiple), padded(other, self.multiple))

    def _drawn(self, one: LabelMap, generator: torch.Generator, window: Window | None) -> Sample:
        image, labels = draw(one.values, self.look, generator, self.strength, window)
        return Sample(one.name, image, labels)


def drawn_pairs(config: TaskConfig, heads: Heads, segmentor: Segmentor) -> PairMaterial:
    """Pairs without any scan (Hoffmann et al. 2022, SynthMorph).

    Those that are held out are whole heads in a ring, each moving onto the next, and always the same.

    Args:
        config: of the network, its training and the drawing; both networks see images of one intensity and
            grid.
        heads: label maps on grids of one shape, two or more to learn from.
        segmentor: finds the regions of the fixed image, as in use.

    Raises:
        GridMismatch: the maps differ in shape.
    """
    maps = (*heads.training, *heads.held_out)
    for other in maps[1:]:
        expected, got = tuple(maps[0].values.shape), tuple(other.values.shape)
        if got != expected:
            raise GridMismatch("label maps differ in shape", where=other.name, expected=expected, got=got)
    artist, held_out = _Artist(config, heads.palette, segmentor), heads.held_out
    count = len(held_out) if len(held_out) > 1 else 0
    ring = [
        artist.pair(held_out[(number + 1) % count], held_out[number], torch.Generator().manual_seed(number))
        for number in range(count)
    ]
    return PairMaterial(partial(artist.any_pair, heads.training), ring)
