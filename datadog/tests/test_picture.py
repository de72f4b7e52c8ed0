"""The picture of the dashboard in the documentation is what its queries give."""

import pathlib
import unittest

import picture

FILE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/dashboard.svg"


class Picture(unittest.TestCase):
    def test_is_drawn_of_the_queries_as_they_are(self):
        self.assertEqual(FILE.read_text(), picture.picture(), "datadog/tests/picture.py > docs/dashboard.svg")

    def test_shows_the_bad_night_and_the_nights_without_a_verdict(self):
        drawn = picture.graph(picture.tile("Verdicts: "), picture.nights(), picture.START + 29 * 86400, picture.ALL)
        orders = drawn["valid", ("prod", "ib-orders.example.com")]
        self.assertEqual((len(orders), list(orders.values()).count(0)), (27, 2))


if __name__ == "__main__":
    unittest.main()
