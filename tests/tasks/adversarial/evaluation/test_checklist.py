"""The rules of an audit, on counts whose answer is known on paper."""

import pytest
import torch

from tasks.adversarial.evaluation.checklist import ORDERS, SHARES, UNSURE, Order, Share, exceeds

RULE = Order("rule", "weak", "strong", 0.0, "as it should be", "not as it should be", "not made")


def marks(*counts: int) -> torch.Tensor:
    """So many images that withstood, so many that fell, and so on in turn."""
    return torch.cat([torch.full((count,), place % 2 == 0) for place, count in enumerate(counts)])


class TestExceeds:
    @pytest.mark.parametrize(
        ("more", "fewer", "answer"), [(6, 0, True), (5, 0, False), (20, 8, False), (30, 12, True)]
    )
    def test_with_no_allowance_is_mcnemars_test(self, more, fewer, answer):
        assert ((more - fewer) / (more + fewer) ** 0.5 > 2.326) is answer
        assert exceeds(more, fewer, 200, 0.0) is answer
        assert exceeds(more, fewer, 10_000, 0.0) is answer

    def test_tangos_statistic_by_hand(self):
        """8 against none of 200, 2 allowed: A = 400, B = 3.92 - 8, C = 0, p = 0.0102; z = 6 / sqrt(6.06) = 2.44."""
        assert exceeds(8, 0, 200, 0.01)
        assert not exceeds(7, 0, 200, 0.01)  # z = 5 / sqrt(5.05) = 2.22

    @pytest.mark.parametrize(("more", "answer"), [(123, False), (124, True)])
    def test_many_images_against_none_is_a_test_of_one_share(self, more, answer):
        """With p = 0, z = (more - 100) / sqrt(10,000 * 0.01 * 0.99), and 23.14 above 100 is 2.326."""
        assert exceeds(more, 0, 10_000, 0.01) is answer

    @pytest.mark.parametrize(("more", "fewer"), [(0, 0), (3, 3), (2, 40), (10, 0)])
    def test_what_does_not_lie_above_the_allowance(self, more, fewer):
        assert not exceeds(more, fewer, 200, 0.05)

    def test_chance_alone_fails_one_in_a_hundred(self):
        """20,000 pairs of attacks that are equally strong: each image on which they differ is a fair coin."""
        generator = torch.Generator().manual_seed(0)
        heads = torch.bernoulli(torch.full((20_000, 40), 0.5), generator=generator).sum(1).int().tolist()
        failed = sum(exceeds(more, 40 - more, 200, 0.0) for more in heads)
        assert 100 < failed < 300


class TestOrder:
    def test_numbers_and_outcome(self):
        item = RULE.judge({"weak": marks(80, 120), "strong": marks(100, 100)})
        assert (item.name, item.outcome, item.meaning) == ("rule", "failed", "not as it should be")
        assert item.numbers == {
            "weak": pytest.approx(0.4),
            "strong": pytest.approx(0.5),
            "only_weak": 20,
            "only_strong": 0,
            "images": 200,
        }

    def test_the_stronger_one_may_find_more(self):
        item = RULE.judge({"weak": marks(100, 100), "strong": marks(80, 120)})
        assert (item.outcome, item.meaning) == ("passed", "as it should be")

    def test_few_images_do_not_fail_by_chance(self):
        item = RULE.judge({"weak": marks(5, 5), "strong": marks(8, 2)})
        assert (item.outcome, item.meaning) == ("passed", UNSURE)

    @pytest.mark.parametrize("missing", ["weak", "strong"])
    def test_an_attack_that_was_not_made(self, missing):
        survived = {"weak": marks(1), "strong": marks(1)}
        del survived[missing]
        item = RULE.judge(survived)
        assert (item.outcome, item.numbers, item.meaning) == ("not applicable", {}, "not made")


class TestShare:
    def test_a_fact_needs_one_image(self):
        fact = Share("fact", "odd", 0.0, "none", "some")
        assert fact.judge({"odd": marks(1, 99)}).outcome == "failed"
        assert fact.judge({"odd": marks(0, 99)}).outcome == "passed"

    def test_a_sample_needs_more_than_chance(self):
        sample = Share("sample", "odd", 0.05, "few", "many")
        few, many = sample.judge({"odd": marks(5, 95)}), sample.judge({"odd": marks(20, 80)})
        assert (few.outcome, few.meaning, few.numbers) == (
            "passed",
            "few",
            {"odd": pytest.approx(0.05), "images": 100},
        )
        perhaps = sample.judge({"odd": marks(8, 92)})
        assert (perhaps.outcome, perhaps.meaning) == ("passed", UNSURE)
        assert (many.outcome, many.meaning) == ("failed", "many")


def test_every_check_has_a_name_of_its_own():
    names = [rule.name for rule in (*ORDERS, *SHARES)]
    assert len(set(names)) == len(names) == 14
