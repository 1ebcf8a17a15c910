"""How often an item is chosen: by its count, or by a moving average that finds the same."""

import numpy as np
import tensorflow as tf

from training_pipeline.retrieval.negatives.frequency import Counted, Streaming

# Chances of items, from one in a batch of 4 to one in hundreds.
SHARES = np.array([0.16, 0.08, 0.04, 0.02, 0.01, 0.69 / 2, 0.69 / 2])
BATCH = 4


def find_share(gap: np.ndarray | float, batch_size: int = 4) -> np.ndarray:
    """Of what every batch of so many holds with the chance 1 / gap."""
    return np.asarray(1 - (1 - 1 / np.asarray(gap)) ** (1 / batch_size))


class TestCounted:
    def test_shares_of_events(self) -> None:
        frequency = Counted(np.array([5, 0, 15]))
        np.testing.assert_allclose(frequency.estimate(tf.constant([2, 0, 1, 2])), [0.75, 0.25, 0, 0.75])

    def test_batches_change_nothing(self) -> None:
        frequency = Counted(np.array([5, 15]))
        frequency.observe(tf.constant([0, 0, 0]))
        np.testing.assert_allclose(frequency.estimate(tf.range(2)), [0.25, 0.75])

    def test_no_events_are_no_shares(self) -> None:
        assert Counted(np.zeros(2, int)).estimate(tf.range(2)).numpy().tolist() == [0, 0]


class TestStreaming:
    def test_worked_by_hand(self) -> None:
        """Eight items in batches of 4: at first one in two batches each. Half of each gap is the latest."""
        frequency = Streaming(8, batch_size=4, rate=0.5)
        np.testing.assert_allclose(frequency.estimate(tf.range(8)), np.full(8, find_share(2)), rtol=1e-5)
        for batch in ([0, 0, 1, 2], [0, 3, 3, 3], [3, 4, 5, 6], [0, 1, 1, 1]):
            frequency.observe(tf.constant(batch))
        # Item 0 in batches 1, 2 and 4: gaps of 1, 1 and 2: (((2 + 1) / 2 + 1) / 2 + 2) / 2.
        # Item 1 in 1 and 4, gaps of 1 and 3: ((2 + 1) / 2 + 3) / 2. Item 7 never.
        gaps = [1.625, 2.25, 2]
        np.testing.assert_allclose(
            frequency.estimate(tf.constant([0, 1, 7])), find_share(np.array(gaps)), rtol=1e-5
        )

    def test_equals_a_moving_average_in_numpy(self) -> None:
        rng = np.random.default_rng(0)
        frequency = Streaming(30, batch_size=6)
        gap, last = np.full(30, 5.0), np.zeros(30)
        for step in range(1, 200):
            batch = rng.integers(0, 25, 6)
            frequency.observe(tf.constant(batch))
            for item in np.unique(batch):
                gap[item] = 0.95 * gap[item] + 0.05 * (step - last[item])
                last[item] = step
        expected = find_share(np.maximum(gap, 1.007), batch_size=6)
        np.testing.assert_allclose(frequency.estimate(tf.range(30)), expected, rtol=1e-4)

    def test_finds_the_share_on_a_stream_that_stays_as_it_is(self) -> None:
        """Of items that every batch holds as of those that few do; moving averages are a little biased."""
        np.testing.assert_allclose(self.watch(), SHARES, rtol=0.15)

    @staticmethod
    def watch(steps: int = 20_000) -> np.ndarray:
        """The estimate, on average over the second half of a stream."""
        frequency = Streaming(len(SHARES), BATCH)
        stream = np.random.default_rng(0).choice(len(SHARES), (steps, BATCH), p=SHARES).astype(np.int32)

        @tf.function
        def run(batches: tf.Tensor) -> tf.Tensor:
            total = tf.zeros([len(SHARES)])
            for batch in batches:
                frequency.observe(batch)
                total += frequency.estimate(tf.range(len(SHARES)))
            return total

        run(tf.constant(stream[: steps // 2]))
        return run(tf.constant(stream[steps // 2 :])).numpy() / (steps // 2)

    def test_follows_a_change(self) -> None:
        """Item 1 takes the place of item 0: 100 batches later it counts as one that every batch holds."""
        frequency = Streaming(1000, batch_size=1)
        for item in [0] * 100 + [1] * 100:
            frequency.observe(tf.constant([item]))
        assert frequency.estimate(tf.constant([1])).numpy()[0] > 0.1
