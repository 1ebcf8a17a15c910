"""Small invented MovieLens folders, one in each format."""

from pathlib import Path

import pytest

from tests.feature_pipeline.sources.movielens_folders import GENRES, write_latin1, write_utf8


@pytest.fixture
def folder_100k(tmp_path: Path) -> Path:
    root = tmp_path / "100k"
    root.mkdir()
    write_latin1(root / "u.genre", *(f"{name}|{place}" for place, name in enumerate(GENRES)), "")
    write_latin1(root / "u.user", "2|41|F|librarian|00001", "1|19|M|none|00002")
    write_latin1(
        root / "u.item",
        "7|Café Zug, The (1994)|01-Jan-1994||http://x/a::b|0|0|1|1",
        '8|unknown "film"||||1|0|0|0',
    )
    write_latin1(root / "u.data", "1\t8\t3\t880000002", "2\t7\t5\t880000001", "1\t7\t4\t880000001")
    return root


@pytest.fixture
def folder_1m(tmp_path: Path) -> Path:
    root = tmp_path / "1m"
    root.mkdir()
    write_latin1(root / "users.dat", "5::F::1::10::00001", "6::M::56::0::00002", "9::M::25::99::00003")
    write_latin1(
        root / "movies.dat",
        "3::Löwe: A Tale, Der (1987)::Drama|War",
        '4::"Tab\tand Quote" (2001)::Comedy',
    )
    write_latin1(root / "ratings.dat", "9::4::2::960000009", "5::3::5::960000001")
    return root


@pytest.fixture
def folder_latest(tmp_path: Path) -> Path:
    root = tmp_path / "latest"
    root.mkdir()
    write_utf8(
        root / "movies.csv",
        "movieId,title,genres",
        '11,"Naïve Fox, A (2003)",Comedy',
        "12,Dust,(no genres listed)",
    )
    write_utf8(
        root / "ratings.csv",
        "userId,movieId,rating,timestamp",
        "4,12,0.5,1500000003",
        "4,11,4.5,1500000001",
        "2,11,3,1500000002",
    )
    return root
