"""Tables as arrays, and in files."""

from pathlib import Path

import numpy as np

from feature_pipeline.arrays import join_tables, read_arrays, take_rows, write_arrays


def test_what_is_written_is_read(tmp_path: Path):
    arrays = {
        "whole": np.arange(5),
        "a/b ..": np.array([True, False]),
        "..": np.array([[0.5, np.nan]]),
        "Ünïcode " * 40: np.empty(0, np.int64),
        "WHOLE": np.array([1], np.int32),
    }
    write_arrays(tmp_path / "new" / "folder", arrays)
    read = read_arrays(tmp_path / "new" / "folder")
    assert list(read) == list(arrays)
    for name, values in arrays.items():
        assert read[name].dtype == values.dtype
        np.testing.assert_array_equal(read[name], values)


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path):
    write_arrays(tmp_path / "empty", {})
    assert read_arrays(tmp_path / "empty") == {}


def test_arrays_are_mapped_and_cannot_be_changed(tmp_path: Path):
    write_arrays(tmp_path / "arrays", {"x": np.arange(3)})
    x = read_arrays(tmp_path / "arrays")["x"]
    assert type(x) is np.ndarray
    assert isinstance(x.base, np.memmap)
    assert not x.flags.writeable


def test_rows_are_taken_and_tables_joined():
    table = {"a": np.array([1, 2, 3]), "b": np.array([4, 5, 6])}
    taken = take_rows(table, np.array([2, 0]))
    assert {name: values.tolist() for name, values in taken.items()} == {"a": [3, 1], "b": [6, 4]}
    joined = join_tables([taken, {"b": np.array([7]), "a": np.array([8]), "c": np.array([9])}])
    assert {name: values.tolist() for name, values in joined.items()} == {"a": [3, 1, 8], "b": [6, 4, 7]}
