"""What people read about who pays: true, short, and without a secret."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.movies.payers import Destination, Explanation, Payer

PATH = "movie.exports[0].destinations[0]"


def payer(**fields):
    known = {"path": "movie.elements[0]", "type": "image", "model": "flux-pro", "provider": "replicate"}
    return Payer(**known | {"connection": None, "why": "no map", "credits": 20.0, "unit": "file"} | fields)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "movie.elements[0]: image by flux-pro at replicate: managed service, 20 credits per file (no map)"),
        (
            {"connection": "mine", "why": "provider map", "credits": 0.0, "unit": None},
            "movie.elements[0]: image by flux-pro at replicate: Connection 'mine' (provider map)",
        ),
        (
            {"model": None, "provider": None, "credits": None, "unit": None},
            "movie.elements[0]: image by an unknown model: managed service, price unknown (no map)",
        ),
        (
            {"model": "flux\x1b[31m\n", "provider": None, "unit": None},
            "movie.elements[0]: image by flux\\x1b[31m : managed service, 20 credits (no map)",
        ),
    ],
)
def test_who_pays_is_one_harmless_line(fields, line):
    assert str(payer(**fields)) == line


@pytest.mark.parametrize(
    ("airflow", "resolved", "line"),
    [
        (None, {"id": "my-sftp", "file": "a.mp4"}, "Connection 'my-sftp'"),
        ("sftp", {"id": "my-sftp"}, "Connection 'my-sftp' (Airflow connection 'sftp')"),
        (
            "sftp",
            {"type": "sftp", "host": "h.example.com", "username": "u", "password": "geheim"},
            "sftp to h.example.com (Airflow connection 'sftp'), its password travels in the movie",
        ),
        (None, {"type": "webhook", "endpoint": "https://hook.example.com/s3cret?x=1"}, "webhook to hook.example.com"),
        (None, {"type": "webhook", "endpoint": "https://[::bad"}, "webhook"),
        (None, {"type": "email", "to": "a@example.com"}, "email to a@example.com"),
        (None, {}, "unknown"),
        (None, {"type": 5, "id": [], "host": {}, "to": ["a"]}, "unknown"),
    ],
)
def test_where_the_file_goes_is_one_line_without_a_secret(airflow, resolved, line):
    assert str(Destination.of(PATH, airflow, resolved)) == f"{PATH}: {line}"


def test_an_explanation_is_plain_json_and_plain_lines():
    destination = Destination.of(PATH, None, {"type": "email", "to": "a@example.com"})
    explained = Explanation([payer()], [destination], ["this is wrong."], ["this is odd."])
    assert explained.to_dict() == {
        "elements": [
            {
                "path": "movie.elements[0]",
                "type": "image",
                "model": "flux-pro",
                "provider": "replicate",
                "connection": None,
                "why": "no map",
                "credits": 20.0,
                "unit": "file",
                "paid_by": "managed",
            }
        ],
        "destinations": [
            {
                "path": PATH,
                "type": "email",
                "connection": None,
                "airflow": None,
                "to": "a@example.com",
                "inline": False,
            }
        ],
        "problems": ["this is wrong."],
        "warnings": ["this is odd."],
    }
    assert str(explained).splitlines() == [
        str(payer()),
        str(destination),
        "problem: this is wrong.",
        "warning: this is odd.",
    ]


def test_an_explanation_of_nothing_says_so():
    assert str(Explanation()) == "No AI elements and no destinations."
