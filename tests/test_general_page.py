"""The examples of docs/general-method.md hold, and its tables have every setting with its default."""

import doctest
import json
import re
from pathlib import Path

from pydantic import BaseModel

from pairs.tasks.known import KnownTask
from pipeline.config import TaskConfig
from pipeline.general.config import GeneralConfig

__all__: list[str] = []

PAGE = Path(__file__).resolve().parents[1] / "docs" / "general-method.md"
TEXT = PAGE.read_text(encoding="utf-8")


def table_of(name: str) -> dict[str, object]:
    """The defaults in the table that begins with a name."""
    _, rest = TEXT.split(f"| `{name}` | default | |\n", 1)
    rows = [line.split("|") for line in rest.split("\n\n", 1)[0].splitlines()[1:]]
    return {row[1].strip(" `"): json.loads(row[2].strip(" `")) for row in rows}


def defaults(model: BaseModel) -> dict[str, object]:
    """Of the settings that are no stage."""
    document = json.loads(model.model_dump_json())
    return {name: document[name] for name, value in model if not isinstance(value, BaseModel)}


def test_the_tables_have_every_setting_with_its_default() -> None:
    general = GeneralConfig()
    assert table_of("general") == defaults(general)
    stages = {name: stage for name, stage in general if isinstance(stage, BaseModel)}
    assert len(stages) == 4
    for name, stage in stages.items():
        assert table_of(name) == defaults(stage), name


def test_the_example_is_a_task_with_settings() -> None:
    found = re.search(r"^```json\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    known = KnownTask.model_validate_json(found[1])
    assert known.configuration is not None
    config = TaskConfig.model_validate_json(json.dumps({"task": known.name, **known.configuration}))
    assert config.general.discrete_stage is None
    assert config.general != GeneralConfig()


def test_the_lines_of_python_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
