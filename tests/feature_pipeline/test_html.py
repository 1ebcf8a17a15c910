"""Pages are escaped, refuse what is not given, and carry their files with them."""

import base64

import pytest
from jinja2 import UndefinedError

from feature_pipeline.html import render, to_data_uri


@pytest.fixture
def template(tmp_path):
    file = tmp_path / "page.html.j2"
    file.write_text("<p>{{ text }}</p>")
    return file


def test_values_are_escaped(template):
    assert render(template, text="<b> & 'Łódź'") == "<p>&lt;b&gt; &amp; &#39;Łódź&#39;</p>"


def test_a_value_that_is_not_given_is_refused(template):
    with pytest.raises(UndefinedError, match="text"):
        render(template)


def test_data_uri_holds_the_bytes():
    head, data = to_data_uri(b"\x00\xffpng", "image/png").split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == b"\x00\xffpng"
