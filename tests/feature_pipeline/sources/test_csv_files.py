"""CSV to the letter: cells as text, records at their lines, what is no record set aside."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources.csv_files import read_csv
from feature_pipeline.sources.file_part import FilePart


def read(tmp_path: Path, content: bytes | str, *wanted: str, delimiter: str = ",") -> FilePart:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path, wanted, delimiter)


def get_refused(part: FilePart) -> list[tuple[Any, ...]]:
    return list(part.refused.itertuples(name=None))


def read_error(tmp_path: Path, content: bytes | str, *wanted: str) -> str:
    with pytest.raises(SchemaError) as error:
        read(tmp_path, content, *wanted)
    return str(error.value).removeprefix(f"{tmp_path / 't.csv'}: ")


def test_cells_are_text_at_their_lines_and_empty_ones_missing(tmp_path: Path) -> None:
    part = read(tmp_path, 'a,b,c\n007,"x\ny",1\r\n\n NA ,"",2\n"1""2",é,3', "b", "a")

    assert part.table.to_pydict() == {"b": ["x\ny", None, "é"], "a": ["007", " NA ", '1"2']}
    assert part.rows.tolist() == [2, 5, 6]
    assert part.length == 6
    assert part.refused.empty


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n", "a").table.to_pydict() == {"a": ["1"]}


def test_the_delimiter_may_be_another(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,5;2\n", "a", delimiter=";").table.to_pydict() == {"a": ["1,5"]}


def test_gzipped_files_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n"))

    assert read_csv(path, ["a"], ",").table.to_pydict() == {"a": ["1"]}


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + bytes(range(32, 127)) * 50)[:60])

    with pytest.raises(SchemaError, match=r"expected a whole gzip file, .* Remedy: copy or download"):
        read_csv(path, ["a"], ",")


def test_ragged_and_broken_records_are_refused_at_their_lines(tmp_path: Path) -> None:
    part = read(tmp_path, 'a,b\n1,2\n3\n"4\n4",5,6\n7,8\n"9"9,9\n10,11\n', "a")

    assert part.table.to_pydict() == {"a": ["1", "7", "10"]}
    assert part.rows.tolist() == [2, 6, 8]
    assert get_refused(part) == [
        (3, "3", "expected 2 fields, found 1"),
        (4, "4\n4,5,6", "expected 2 fields, found 3"),
        (7, "", "not CSV: ',' expected after '\"'"),
    ]


def test_of_a_long_refused_record_the_beginning_is_kept(tmp_path: Path) -> None:
    part = read(tmp_path, b"a,b\n\xe9" + b"x" * 300_000 + b"\n1,2\n", "a")

    assert part.refused["value"].tolist() == ["?" + "x" * 199]


def test_a_very_long_cell_is_a_cell(tmp_path: Path) -> None:
    assert read(tmp_path, f"a\n{'x' * 300_000}\n", "a").table["a"][0].as_py() == "x" * 300_000


def test_a_quote_that_is_never_closed_stops_the_build(tmp_path: Path) -> None:
    assert read_error(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n', "a") == (
        "line 3: expected CSV with balanced double quotes, found a quote that is opened here, or in a later "
        "line of the same record, and never closed. Remedy: close it, or double the quotes within a cell"
    )


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    assert read_error(tmp_path, b"a,b\n1,2\n3,caf\xe9\n", "b") == (
        "line 3: expected UTF-8 text, found the byte 0xe9. "
        "Remedy: save the file again as UTF-8, as with iconv -f LATIN1 -t UTF-8"
    )
    assert read_error(tmp_path, "a,b\n1,2\n".encode("utf-16"), "b").startswith(
        "line 1: expected UTF-8 text, found the byte 0xff."
    )
    assert read(tmp_path, b"a,b\n3,caf\xe9\n", "a").table.to_pydict() == {"a": ["3"]}  # b is not read


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_named(tmp_path: Path, content: bytes | str) -> None:
    assert read_error(tmp_path, content, "a") == (
        "line 1: expected a header, found an empty file. Remedy: give a file that has rows"
    )


def test_a_header_without_the_column_or_with_two_is_named(tmp_path: Path) -> None:
    assert read_error(tmp_path, "prize,title\n1,2\n", "price") == (
        "header: expected one column 'price', found prize, title. Remedy: mend the file or the data set's "
        "YAML: unknown key 'price', did you mean 'prize'? Choices: prize, title"
    )
    assert "Remedy: mend the file or the data set's YAML: its name stands twice" in read_error(
        tmp_path, "a,b,a\n1,2,3\n", "a"
    )
    assert read(tmp_path, "a,b,a\n1,2,3\n", "b").table.to_pydict() == {
        "b": ["2"]
    }  # no harm where it is not read


def test_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n", "b", "a").table.to_pydict() == {"b": [], "a": []}
