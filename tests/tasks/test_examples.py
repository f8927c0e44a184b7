"""Reading and splitting examples: nothing lost, nothing twice, the same everywhere, and clear words for bad files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.tasks.examples import examples

ROWS = [{"input": f"q{i}", "target": "ab"[i % 2]} for i in range(20)]


def flat(parts: Any) -> list[Any]:
    return [*parts["train"], *parts["validation"], *parts["test"]]


@given(
    st.integers(1, 200), st.integers(0, 5), st.sampled_from([(0.6, 0.2, 0.2), (0.5, 0.5, 0.0), (1 / 3, 1 / 3, 1 / 3)])
)
def test_full_shares_lose_no_example_and_repeat_none(count: int, seed: int, split: tuple[float, float, float]) -> None:
    parts = examples(list(range(count)), split, seed=seed)
    assert sorted(flat(parts)) == list(range(count))
    for part, share in zip(parts.values(), split, strict=True):
        assert abs(len(part) - share * count) <= 1  # type: ignore[arg-type]


@given(st.integers(10, 100), st.integers(0, 3))
def test_counts_and_the_rest(count: int, seed: int) -> None:
    parts = examples(list(range(count)), (5, 3, None), seed=seed)
    assert (len(parts["train"]), len(parts["validation"]), len(parts["test"])) == (5, 3, count - 8)
    assert sorted(flat(parts)) == list(range(count))


def test_the_split_of_a_seed_is_the_same_on_every_machine() -> None:
    assert (
        examples(list(range(10)), (4, 3, 3), seed=7)["train"] == examples(list(range(10)), (4, 3, 3), seed=7)["train"]
    )
    assert examples(list(range(10)), seed=0) != examples(list(range(10)), seed=1)
    assert examples(list(range(10)), (4, 3, 3))["train"] == [0, 9, 1, 2]  # pinned: a change breaks users' runs


def test_without_shuffling_the_order_stays() -> None:
    assert flat(examples(ROWS, (15, 3, None), shuffle=False)) == ROWS


@pytest.mark.parametrize("stratify", ["target", lambda row: row["target"]])
def test_stratified_splits_hold_each_kind_in_its_share(stratify: Any) -> None:
    rows = [{"target": "rare" if i % 5 == 0 else "common"} for i in range(100)]
    parts = examples(rows, (0.5, 0.2, 0.3), stratify=stratify)
    for part in parts.values():
        rare = sum(row["target"] == "rare" for row in part)  # type: ignore[union-attr]
        assert abs(rare - len(part) / 5) <= 1  # type: ignore[arg-type]


def written(folder: Path, kind: str) -> Path:
    path = folder / f"rows{kind}"
    if kind == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n", encoding="utf-8")
    elif kind == ".json":
        path.write_text(json.dumps(ROWS), encoding="utf-8")
    elif kind == ".csv":
        path.write_text("input,target\n" + "".join(f"{r['input']},{r['target']}\n" for r in ROWS), encoding="utf-8-sig")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv", ".parquet"])
def test_every_kind_of_file_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    assert examples(written(tmp_path, kind)) == examples(ROWS)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", '{"x": 1}\n{"x": \n', "line 2 is not JSON"),
        ("a.json", '[{"x": 1},\n oops]', "line 2 is not JSON"),
        ("a.json", '{"x": 1}', "must hold a list"),
        ("a.csv", "x,y\n1,2\n1,2,3\n", "line 3 has 3 fields, the first line names 2"),
        ("a.csv", "x,x\n1,2\n", "same name"),
        ("a.csv", "", "holds no example"),
        ("a.jsonl", "", "holds no example"),
        ("a.json", "[]", "holds no example"),
        ("a.yaml", "x", r"from \.jsonl, \.json, \.csv or \.parquet"),
    ],
)
def test_a_bad_file_is_told_with_its_place(name: str, text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TaskError, match=words):
        examples(path)


def test_a_missing_file_a_folder_and_other_bytes_are_told(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="does not exist"):
        examples(tmp_path / "none.jsonl")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(TaskError, match="is a folder"):
        examples(tmp_path / "folder.json")
    (tmp_path / "latin.csv").write_bytes(b"x\n\xe9\n")
    with pytest.raises(TaskError, match="not UTF-8"):
        examples(tmp_path / "latin.csv")
    pytest.importorskip("pyarrow")
    (tmp_path / "no.parquet").write_bytes(b"nothing")
    with pytest.raises(TaskError, match="not a Parquet file"):
        examples(tmp_path / "no.parquet")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ((15, 10, 5), "asks for 30 examples; the list of examples holds 20"),
        ((0.9, 0.9, 0.1), "more than 1"),
        ((None, None, 3), "only one part"),
        ((-1, 2, 3), "a part is"),
        ((1.5, 0.1, 0.1), "a part is"),
    ],
)
def test_a_split_that_cannot_be_is_told(split: Any, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        examples(ROWS, split)
