"""The mean of a population, with registrations whose answer is known, and the command on a tiny task."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairs.errors import BadLabels, UsageError
from pairs.files.wholefile import write_json
from pairs.images.volume import Header, Volume, write_volume
from pairs.tasks.imageid import ImageId
from pairs.tasks.task import Subject
from pipeline.config import IntensityConfig, RegistrationConfig, TaskConfig
from pipeline.network.model import build_for_inference
from pipeline.regions.segmentor import Segmentation
from pipeline.weights.bundle import Bundle, BundleHeader, write_bundle
from studies.demo.population import Member, average, load_members, mean_of, most_typical, spread_over
from studies.demo.template import read_template
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

SHAPE = (24, 24, 24)
SHIFTS = (-3, 0, 2, 4)
PLAIN = IntensityConfig(kind="window", low=0, high=100)


def _header(name: str) -> Header:
    return Header(Path(name), SHAPE, (1.0, 1.0, 1.0), np.eye(4), np.dtype(np.float32))


def _member(shift: int) -> Member:
    """A ball of radius 4, `shift` voxels along x from the centre of the grid, in grey 100 on 20."""
    x, y, z = np.indices(SHAPE) - 12
    ball = (x - shift) ** 2 + y**2 + z**2 <= 16
    image = np.where(ball, 100, 20).astype(np.float32)
    return Member(Volume(_header(str(shift)), image), image / 100, ball.astype(np.uint8))


def _centre_x(image: np.ndarray) -> float:
    return ndimage.center_of_mass(np.clip(image, 20, None) - 20)[0]


def _register(moving: Volume, fixed: Volume, segmentation: Segmentation) -> np.ndarray:
    """The exact shift of the balls, read off their centres of mass."""
    assert segmentation.labels.any()
    displacement = np.zeros((*SHAPE, 3), np.float32)
    displacement[..., 0] = _centre_x(moving.array) - _centre_x(fixed.array)
    return displacement


def test_the_template_lies_at_the_mean_of_the_subjects_and_is_sharp() -> None:
    population = mean_of([_member(shift) for shift in SHIFTS], _register, PLAIN, regions=2)
    assert _centre_x(100 * population.grey) == pytest.approx(12 + np.mean(SHIFTS), abs=0.05)
    ball = population.probabilities[1]
    assert ndimage.center_of_mass(ball)[0] == pytest.approx(12 + np.mean(SHIFTS), abs=0.05)
    assert ball.max() == 1
    assert ball.sum() == pytest.approx(_member(0).regions.sum(), rel=0.01)
    np.testing.assert_allclose(population.probabilities.sum(axis=0), 1, atol=1e-5)


def test_the_reference_is_the_one_in_the_middle() -> None:
    members = [_member(shift) for shift in (-5, 1, 0, 5)]
    assert most_typical(members, 2) in members[1:3]


def test_padding_does_not_darken_the_mean() -> None:
    whole, cut = _member(0), _member(0)
    grey = cut.grey.copy()
    grey[:8] = 0
    cut = Member(Volume(_header("cut"), 100 * grey), grey, cut.regions)
    still = np.zeros((*SHAPE, 3), np.float32)
    np.testing.assert_allclose(average([whole, cut], [still, still], 2).grey, whole.grey, atol=1e-6)


def test_voxels_that_few_subjects_show_are_left_empty() -> None:
    members = []
    for number in range(10):
        grey = _member(0).grey.copy()
        if number:
            grey[:4] = 0
        members.append(Member(Volume(_header("m"), 100 * grey), grey, _member(0).regions))
    grey = average(members, [np.zeros((*SHAPE, 3), np.float32)] * 10, 2).grey
    assert not grey[:4].any()
    assert grey[4:].all()


def _subject(folder: Path, number: int, labels: np.ndarray, image: np.ndarray) -> Subject:
    name = f"Toy_{number:04d}_0000.nii.gz"
    for part, array in (("imagesTr", image), ("labelsTr", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        write_volume(folder / part / name, array, np.eye(4))
    return Subject(ImageId(f"{number:04d}", "0000"), folder / "imagesTr" / name, folder / "labelsTr" / name)


def test_subjects_are_spread_over_the_list(tmp_path: Path) -> None:
    subjects = [Subject(ImageId(f"{n:04d}", "0000"), tmp_path, tmp_path) for n in range(9)]
    assert [int(one.id.subject) for one in spread_over(subjects, 3)] == [0, 4, 8]
    assert spread_over(subjects, 50) == tuple(subjects)
    for count in (-1, 0, 1):
        with pytest.raises(UsageError, match="too few"):
            spread_over(subjects, count)


def test_a_label_that_the_weights_do_not_know_is_refused(tmp_path: Path) -> None:
    member = _member(0)
    subject = _subject(tmp_path, 1, member.regions * np.uint8(3), member.image.array)
    assert load_members([subject], (0, 3), PLAIN)[0].regions.max() == 1
    with pytest.raises(BadLabels, match="unknown labels"):
        load_members([subject], (0, 1), PLAIN)


def _task(folder: Path) -> None:
    for number, shift in enumerate((-1, 0, 1, 0)):
        _subject(folder, number + 1, _member(shift).regions, _member(shift).image.array)
    paths = [f"./imagesTr/Toy_{number:04d}_0000.nii.gz" for number in range(1, 5)]
    training = [{"image": path, "label": path.replace("images", "labels")} for path in paths]
    document = {
        "name": "Toy",
        "modality": {"0": "MR"},
        "labels": {"0": {"1": "ball"}},
        "training": training,
        "registration_val": [{"fixed": paths[3], "moving": paths[3]}],
    }
    write_json(folder / "Toy_dataset.json", document)


def _bundle(path: Path) -> None:
    torch.manual_seed(0)
    config = TaskConfig(task="Toy", registration=RegistrationConfig(start_channels=1, decoder_stride=1))
    net = build_for_inference(config.registration, 2)
    header = BundleHeader(
        task="Toy", modality="MR", regions=(0, 1), region_names=("background", "ball"), config=config
    )
    write_bundle(path, Bundle(header, registration=net.state_dict()))


def test_the_command_makes_a_template_of_the_training_subjects(tmp_path: Path) -> None:
    _task(tmp_path / "task")
    _bundle(tmp_path / "w.safetensors")
    arguments = ["template", "--task", str(tmp_path / "task"), "--weights", str(tmp_path / "w.safetensors")]
    for name in ("a", "b"):
        assert main([*arguments, "--out", str(tmp_path / name), "--device", "cpu"]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    template = read_template(tmp_path / "a")
    assert (template.header.task, template.header.region_names) == ("Toy", ("ball",))
    assert template.header.made_from.startswith("3 training subjects")
    assert template.image.shape == SHAPE
    drawn = ["demo-task", str(tmp_path / "drawn"), "--subjects", "2", "--template", str(tmp_path / "a")]
    assert main(drawn) == 0


def test_weights_for_other_labels_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _task(tmp_path / "task")
    document = tmp_path / "task" / "Toy_dataset.json"
    document.write_text(document.read_text().replace('"1": "ball"', '"2": "ball"'))
    _bundle(tmp_path / "w.safetensors")
    arguments = ["--weights", str(tmp_path / "w.safetensors"), "--out", str(tmp_path / "t.safetensors")]
    assert main(["template", "--task", str(tmp_path / "task"), *arguments]) == 4
    assert "other labels" in capsys.readouterr().err
    assert not (tmp_path / "t.safetensors").exists()
