"""What is compared: order of entries, fill-ins, the hardest 30 %, and files that do not fit together."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from evaluation.ranking.agreement import common_pairs, in_common_names, require_same_initial
from evaluation.ranking.results import Entry, MethodResults
from evaluation.ranking.samples import Samples, collect_samples
from pairs.errors import UsageError

Rows = Sequence[Sequence[float]]


def _entry(values: Sequence[float]) -> Entry:
    return Entry(float(np.mean(values)), tuple(values))


def _method(name: str, *, first: int = 1, **metrics: Rows) -> MethodResults:
    """A method with pairs "1", "2", ... and for each metric a row of values for each pair."""
    count = max(len(rows) for rows in metrics.values())
    after = {
        str(first + index): {metric: _entry(rows[index]) for metric, rows in metrics.items()}
        for index in range(count)
    }
    return MethodResults(name, Path(f"{name}.json"), "Toy", after, {}, {}, frozenset())


def _collected(
    methods: Sequence[MethodResults],
    initial: Mapping[str, Entry] | None = None,
    seconds: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Samples]:
    samples = collect_samples(methods, common_pairs(methods), initial or {}, seconds or {})
    return {sample.title: sample for sample in samples}


def test_entries_are_pairs_and_labels_and_gaps_are_filled_as_in_the_challenge() -> None:
    nan, inf = math.nan, math.inf
    one = _method("one", dice=[[0.1, nan], [0.3, 0.4]], hd95=[[1, inf], [nan, 4]], sdlogj=[[0.1], [nan]])
    two = _method("two", dice=[[0.5, 0.6], [0.7, 0.8]], hd95=[[5, 6], [7, 8]], sdlogj=[[0.3], [0.4]])
    samples = _collected([one, two], seconds={"one": {"1": 2.0}})
    assert samples["Dice"].values.tolist() == [[0.1, 0, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]]
    assert samples["HD95"].values.tolist() == [[1, 10, 10, 4], [5, 6, 7, 8]]
    assert samples["SDlogJ"].values.tolist() == [[0.1, 1.5], [0.3, 0.4]]
    assert samples["runtime"].values.tolist() == [[2, 5000], [5000, 5000]]
    assert samples["Dice"].filled.tolist() == [[False, True, False, False], [False] * 4]
    assert samples["runtime"].absent.tolist() == [False, True]
    assert not samples["HD95"].absent.any()
    assert samples["Dice"].means == pytest.approx([0.2, 0.65])
    assert [sample.higher_is_better for sample in samples.values()] == [True, False, False, False]


def test_a_pair_missing_from_one_file_is_filled_in_and_told(caplog: pytest.LogCaptureFixture) -> None:
    whole, partial = _method("whole", dice=[[0.1], [0.2], [0.3]]), _method("partial", dice=[[0.4], [0.5]])
    with caplog.at_level(logging.WARNING):
        samples = _collected([whole, partial])
    assert samples["Dice"].values.tolist() == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.0]]
    assert "partial.json lacks 1 pair: 3" in caplog.text


def test_a_metric_that_one_method_lacks_is_absent_and_one_that_all_lack_is_left_out() -> None:
    samples = _collected([_method("one", dice=[[0.5]], sdlogj=[[0.1]]), _method("two", dice=[[0.4]])])
    assert list(samples) == ["Dice", "SDlogJ"]
    assert samples["SDlogJ"].absent.tolist() == [False, True]
    with pytest.raises(UsageError, match="no metric can be ranked"):
        _collected([_method("one", tre=[[1.0]]), _method("two", tre=[[1.0]])])


def test_the_hardest_entries_are_those_of_the_lowest_known_initial_dice() -> None:
    initial = {"1": _entry([0.9, 0.2, math.nan]), "2": _entry([0.1, 0.8, 0.7]), "3": _entry([0.3, 0.6, 0.5])}
    rows = [[0.11, 0.12, 0.13], [0.21, 0.22, 0.23], [0.31, 0.32, 0.33]]
    samples = _collected([_method("one", dice=rows), _method("two", dice=rows)], initial)
    # 30 % of 8 known entries are 2: the first label of pair 2 and the second of pair 1.
    assert samples["Dice30"].values.tolist() == [[0.21, 0.12]] * 2


def test_case_means_are_compared_as_soon_as_one_file_has_no_more() -> None:
    detailed = _method("detailed", dice=[[0.2, 0.4]])
    plain = MethodResults(
        "plain", Path("plain.json"), None, {"1": {"dice": Entry(0.5, None)}}, {}, {}, frozenset()
    )
    samples = _collected([detailed, plain], {"1": _entry([0.1, 0.1])})
    assert samples["Dice"].values == pytest.approx(np.array([[0.3], [0.5]]))
    assert samples["Dice30"].values.shape == (2, 1)


def test_other_pairs_labels_and_images_are_refused_with_the_difference() -> None:
    one = _method("one", dice=[[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(UsageError, match=r"(one|other)\.json.*different|different pairs: (one|other)\.json"):
        _collected([one, _method("other", first=2, dice=[[0.1, 0.2], [0.3, 0.4]])])
    with pytest.raises(UsageError, match=r"different labels .*expected 2 values as in one.json, got 3"):
        _collected([one, _method("other", dice=[[1, 1, 1], [1, 1, 1]])])
    labelled = [
        MethodResults(name, Path(name), "Toy", one.after, {}, {"dice": labels}, frozenset())
        for name, labels in (("a", (1, 2)), ("b", (1, 3)))
    ]
    with pytest.raises(UsageError, match=r"expected \[1, 2\] as in a, got \[1, 3\]"):
        _collected(labelled)
    with pytest.raises(UsageError, match="the initial Dice has other pairs"):
        _collected([one, one], {"9": _entry([0.1, 0.2])})
    with pytest.raises(UsageError, match="the initial Dice has other labels"):
        _collected([one, one], {"1": _entry([0.1, 0.2]), "2": _entry([0.1])})


def test_files_must_agree_on_the_scores_before_registration() -> None:
    befores = ([0.1, math.nan], [0.1 + 1e-9, math.nan], [0.2, math.nan])
    one, same, other = (
        MethodResults(
            str(index), Path(f"{index}.json"), None, {}, {"p": {"dice": _entry(values)}}, {}, frozenset()
        )
        for index, values in enumerate(befores)
    )
    assert require_same_initial([one, same])["p"].detailed == one.before["p"]["dice"].detailed
    with pytest.raises(UsageError, match=r"2\.json, pair p"):
        require_same_initial([one, other])


def test_pairs_are_named_without_modalities_as_soon_as_one_file_does_so() -> None:
    def named(*pairs: str) -> MethodResults:
        after = {pair: {"dice": _entry([0.5])} for pair in pairs}
        return MethodResults("m", Path("m.json"), None, after, after, {}, frozenset())

    full, short = named("0001_0000<--0002_0000"), named("0001<--0002")
    assert [list(method.after) for method in in_common_names([full, short])] == [["0001<--0002"]] * 2
    assert in_common_names([full, full]) == [full, full]
    twins = named("0001_0000<--0001_0001", "0001_0001<--0001_0000")
    assert in_common_names([twins, short])[0].after == twins.after
