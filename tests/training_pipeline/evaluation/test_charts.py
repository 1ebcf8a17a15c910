import pytest

from training_pipeline.evaluation.charts import Part, fit_log_scale, fit_scale, stack


class TestFitScale:
    def test_the_largest_takes_the_whole_length(self):
        scale = fit_scale([0.1, 0.4])
        assert [scale.place(number) for number in (0, 0.1, 0.4)] == [0, 25, 100]

    def test_numbers_below_zero_make_room_for_zero(self):
        scale = fit_scale([-0.1, 0.3])
        assert [scale.place(number) for number in (-0.1, 0, 0.3)] == [0, 25, 100]

    def test_an_axis_may_rise_from_the_bottom(self):
        scale = fit_scale([2.0], start=190, end=10)
        assert [scale.place(number) for number in (0, 1, 2)] == [190, 100, 10]

    @pytest.mark.parametrize("numbers", [[], [0.0, 0.0]])
    def test_nothing_to_show_stands_at_the_start(self, numbers):
        assert fit_scale(numbers).place(0) == 0

    @pytest.mark.parametrize(
        ("largest", "ticks"),
        [
            (0.29, [0, 0.05, 0.1, 0.15, 0.2, 0.25]),
            (0.6, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
            (0.95, [0, 0.2, 0.4, 0.6, 0.8]),
            (42, [0, 10, 20, 30, 40]),
        ],
    )
    def test_ticks_are_round_numbers(self, largest, ticks):
        assert fit_scale([largest]).ticks == pytest.approx(ticks)


class TestFitLogScale:
    def test_decades_are_equally_long(self):
        scale = fit_log_scale([0.002, 0.5])
        assert [scale.place(number) for number in (0.001, 0.01, 0.1, 1)] == [0, 33.33, 66.67, 100]
        assert scale.ticks == pytest.approx([0.001, 0.01, 0.1, 1])

    def test_zero_stands_at_the_low_end(self):
        assert fit_log_scale([0.0, 0.002, 0.5], start=300, end=0).place(0) == 300

    @pytest.mark.parametrize("numbers", [[], [0.0], [1.0]])
    def test_without_a_range_it_is_one_decade(self, numbers):
        assert fit_log_scale(numbers).ticks == pytest.approx([0.1, 1])

    def test_many_decades_have_every_second_tick(self):
        assert fit_log_scale([1e-8, 1]).ticks == pytest.approx([1e-8, 1e-6, 1e-4, 1e-2, 1])


class TestStack:
    def test_parts_lie_end_to_end(self):
        assert stack({"a": 1, "b": 0, "c": 3}) == [
            Part("a", 1, 0, 0.25), Part("b", 0, 0.25, 0), Part("c", 3, 0.25, 0.75)
        ]  # fmt: skip

    @pytest.mark.parametrize("counts", [{}, {"a": 0}])
    def test_nothing_counted_has_no_parts(self, counts):
        assert stack(counts) == []
