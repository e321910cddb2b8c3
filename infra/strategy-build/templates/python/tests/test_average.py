import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from average import Average


class AverageTest(unittest.TestCase):
    def test_there_is_no_average_until_the_window_is_full(self):
        average = Average(3)
        self.assertEqual([average.update(value) for value in (3.0, 6.0, 9.0, 12.0)], [None, None, 6.0, 9.0])


if __name__ == "__main__":
    unittest.main()
