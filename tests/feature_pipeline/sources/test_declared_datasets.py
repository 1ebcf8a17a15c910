"""The YAML files of data sets that need no reader of their own, on tiny invented files of their layout."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from feature_pipeline.config import ConfigError, read_section
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.entry import CONF
from feature_pipeline.sources import read_source
from feature_pipeline.tables import ContractTables, map_tables

ARTICLES = """article_id,prod_name,product_type_name,product_group_name,graphical_appearance_name,\
colour_group_name,department_name,index_name,section_name,garment_group_name,detail_desc
0123,Cap,Hat,Accessories,Solid,Red,Hats,Men,Men Hats,Headwear,Keeps the rain off.
0456,Sock,Socks,Socks,Dots,Blue,Feet,Kids,Kids Feet,Socks,
"""
CUSTOMERS = """customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code
c1,,,ACTIVE,NONE,21.0,x
c2,1,1,,Regularly,,y
"""
TRANSACTIONS = """t_dat,customer_id,article_id,price,sales_channel_id
2020-01-02,c2,0123,0.02,2
2020-01-01,c1,0123,0.02,1
2020-01-02,c2,0123,0.01,2
"""


def compose_dataset(*overrides: str) -> DatasetConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return read_section(DatasetConfig, compose("features", list(overrides)), "dataset")


def read_hm(root: Path, transactions: str = "transactions.csv", *overrides: str) -> ContractTables:
    for name, text in {
        "articles.csv": ARTICLES,
        "customers.csv": CUSTOMERS,
        transactions: TRANSACTIONS,
    }.items():
        (root / name).write_text(text)
    config = compose_dataset("dataset=hm", f"dataset.root={root}", *overrides)
    return map_tables(read_source(config), config)


def test_hm_adds_up_the_pieces_of_one_day(tmp_path: Path) -> None:
    mapped = read_hm(tmp_path)

    columns = ["user_id", "item_id", "weight", "event_order", "sales_channel"]
    assert mapped.interactions[columns].to_numpy().tolist() == [
        ["c1", "0123", 1.0, 1, ["1"]],
        ["c2", "0123", 2.0, 0, ["2"]],
    ]
    assert mapped.merged == 1
    assert mapped.quarantine.empty


def test_hm_keeps_cold_articles_and_says_nothing_where_nothing_is_known(tmp_path: Path) -> None:
    mapped = read_hm(tmp_path)

    assert mapped.items[["item_id", "description", "picture"]].to_numpy().tolist() == [
        ["0123", "Cap. Hat, Red. Keeps the rain off.", "images/0123.jpg"],
        ["0456", "Sock. Socks, Blue. ", "images/0456.jpg"],
    ]
    assert mapped.users["profile"].tolist() == [
        "Customer aged 21. Club member: ACTIVE. Fashion news: NONE.",
        "Customer aged . Club member: . Fashion news: Regularly.",
    ]


def test_hm_reads_the_layout_of_kaggle_with_the_overrides_its_yaml_names(tmp_path: Path) -> None:
    comment = [
        line.removeprefix("#").strip() for line in (CONF / "dataset" / "hm.yaml").read_text().splitlines()
    ]
    overrides = [line.strip("'") for line in comment if line.strip("'").startswith("dataset.")]

    mapped = read_hm(tmp_path, "transactions_train.csv", *overrides)

    assert len(overrides) == 2
    assert mapped.items["picture"].tolist() == ["images/012/0123.jpg", "images/045/0456.jpg"]


def test_amazon_reviews_keep_what_was_liked_and_what_was_said(tmp_path: Path) -> None:
    reviews = [
        {
            "reviewerID": "u",
            "asin": "x",
            "overall": 4.0,
            "unixReviewTime": 86400,
            "summary": "Good",
            "reviewText": "So",
        },
        {"reviewerID": "u", "asin": "y", "overall": 3.0, "unixReviewTime": 86400, "summary": "Bad"},
    ]
    (tmp_path / "r.json").write_text("\n".join(map(json.dumps, reviews)))
    config = compose_dataset("dataset=amazon_reviews", f"dataset.root={tmp_path}")

    mapped = map_tables(read_source(config), config)

    assert mapped.interactions[["item_id", "weight", "review"]].to_numpy().tolist() == [
        ["x", 4.0, "Good. So"]
    ]
    assert mapped.interactions["event_time"].tolist() == [pd.Timestamp("1970-01-02")]
    assert mapped.left_out == 1
    assert mapped.items["title"].tolist() == ["x", "y"]
    assert mapped.items["description"].isna().all()


def test_the_template_asks_for_what_is_left_open() -> None:
    with pytest.raises(ConfigError, match=r"dataset.* Missing mandatory value: \w+\. Remedy: give dataset"):
        compose_dataset("dataset=tables")
