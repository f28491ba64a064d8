"""The time that a run still takes: right where the plan is, corrected where it is not, and always falling."""

import itertools

import numpy as np
import pytest

from napari_blind_deconv._types import Progress
from napari_blind_deconv.pipeline.time_left import TimeLeft

COURSE = (("preparing", 2.0), ("estimating the kernel", 5.0), ("restoring", 8.0), ("checking", 2.0))
STEPS = 20


def events(course, seconds):
    """A run whose stages take so long: (time, what is seen)."""
    now = 0.0
    for (stage, _), length in zip(course, seconds, strict=True):
        counted = stage == "restoring"
        for step in range(STEPS):
            # What a step yields comes when it is done; the first says that the stage has begun.
            done = step if counted and step else 0
            yield now + length * step / STEPS, Progress(stage, done, STEPS if done else 0)
        now += length


def watched(course, seconds, moment):
    """How long a run is said to take when it has taken ``moment``."""
    watch = TimeLeft(course)
    for time, progress in events(course, seconds):
        if time > moment:
            break
        watch.follow(progress, now=time)
    return moment + watch.left(now=moment)


@pytest.mark.parametrize("seed", range(8))
def test_a_plan_that_is_right_is_believed_from_the_start(seed):
    random = np.random.default_rng(seed)
    course = tuple((stage, seconds * random.uniform(0.3, 3)) for stage, seconds in COURSE)
    seconds = [length for _, length in course]
    for moment in random.uniform(0, 0.9, 6) * sum(seconds):
        assert watched(course, seconds, moment) == pytest.approx(sum(seconds), rel=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_a_machine_that_is_slower_or_faster_is_found_out_by_the_first_stage(seed):
    random = np.random.default_rng(seed)
    rate = float(np.exp(random.uniform(np.log(0.4), np.log(4))))
    seconds = [length * rate for _, length in COURSE]
    moment = seconds[0] + 0.01
    assert watched(COURSE, seconds, moment) == pytest.approx(sum(seconds), rel=0.3)


@pytest.mark.parametrize("seed", range(8))
def test_between_steps_the_time_falls_and_never_below_nothing(seed):
    random = np.random.default_rng(seed)
    watch, now = TimeLeft(COURSE), 0.0
    for time, progress in events(COURSE, random.uniform(0.5, 9, len(COURSE))):
        said = [watch.left(now=t) for t in np.linspace(now, time, 5)] if now else []
        assert all(0 <= later < sooner or sooner < 0.1 for sooner, later in itertools.pairwise(said))
        watch.follow(progress, now=time)
        now = time + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_the_share_that_is_done_never_falls(seed):
    random = np.random.default_rng(seed)
    watch, shares = TimeLeft(COURSE), []
    for time, progress in events(COURSE, random.uniform(0.5, 9, len(COURSE))):
        watch.follow(progress, now=time)
        shares.append(watch.share(now=time))
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert 0.8 < shares[-1] <= 1


@pytest.mark.parametrize("channels", [2, 3])
def test_channels_come_one_after_the_other(channels):
    each = tuple((stage, seconds) for stage, seconds in COURSE[1:])
    course = (COURSE[0], *each * channels)
    total = sum(seconds for _, seconds in course)
    for moment in np.linspace(0.1, 0.9, 5) * total:
        assert watched_channels(course, moment, channels) == pytest.approx(total, rel=0.2)


def watched_channels(course, moment, channels):
    watch, now, seen = TimeLeft(course), 0.0, 0
    for stage, length in course:
        for step in range(STEPS):
            time = now + length * step / STEPS
            if time > moment:
                return moment + watch.left(now=moment)
            counted = stage == "restoring" and step
            done = (seen * STEPS + step) if counted else 0
            watch.follow(Progress(stage, done, channels * STEPS if counted else 0), now=time)
        seen += stage == "restoring"
        now += length
    return moment + watch.left(now=moment)


@pytest.mark.parametrize("seed", range(4))
def test_a_machine_that_others_use_is_felt_before_a_stage_has_ended(seed):
    rate = np.random.default_rng(seed).uniform(1, 12)
    watch = TimeLeft(COURSE)
    watch.follow(Progress("preparing", 0, 0), now=0.0, busy=0.0)
    watch.follow(Progress("preparing", 0, 0, message="more"), now=1.5, busy=1.5 / rate)
    assert 1.5 + watch.left(now=1.5) == pytest.approx(17 * rate, rel=0.1)


@pytest.mark.parametrize("seed", range(8))
def test_on_a_busy_machine_as_well_a_right_plan_is_believed_from_the_second_second(seed):
    random = np.random.default_rng(seed)
    rate = float(np.exp(random.uniform(0, np.log(12))))
    course = tuple((stage, seconds * random.uniform(0.3, 3)) for stage, seconds in COURSE)
    seconds = [length for _, length in course]
    watch, total = TimeLeft(course), rate * sum(seconds)
    for computed, progress in events(course, seconds):
        now = rate * computed
        watch.follow(progress, now=now, busy=computed)
        if now >= 2:
            assert now + watch.left(now=now) == pytest.approx(total, rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_window_does_itself_waits_for_no_other_thread(seed):
    rate = np.random.default_rng(seed).uniform(2, 12)
    watch = TimeLeft([*COURSE, ("adding", 3.0)])
    for computed, progress in events(COURSE, [seconds for _, seconds in COURSE]):
        watch.follow(progress, now=rate * computed, busy=computed)
        assert rate * computed + watch.left(now=rate * computed) < 1.3 * (17 * rate + 3)
    watch.follow(Progress("adding", 0, 0), now=17 * rate, busy=17.0)
    assert watch.left(now=17 * rate) == pytest.approx(3, rel=0.1)
    assert watch.left(now=17 * rate + 1) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_concluded_from_what_comes_before_the_plan(seed):
    """Packages may come from a disk that is slow, or be there already."""
    took = float(np.random.default_rng(seed).uniform(0.2, 30))
    watch = TimeLeft([("starting", 3.0), *COURSE])
    watch.follow(Progress("starting", 0, 0), now=0.0)
    watch.follow(Progress("preparing", 0, 0), now=took)
    assert watch.left(now=took) == pytest.approx(17)


def test_without_a_plan_nothing_is_said():
    watch = TimeLeft()
    watch.follow(Progress("preparing", 0, 0), now=0.0)
    assert watch.left(now=1.0) is None
    assert watch.share(now=1.0) == 0


def test_steps_that_are_counted_need_no_plan():
    """The plan may be lost on the way, as from a worker on another machine."""
    watch = TimeLeft()
    for step in range(1, 6):
        watch.follow(Progress("restoring", step, 5), now=float(step))
        assert watch.steps() == (step, 5)
        assert watch.left(now=float(step)) is None


def test_a_plan_that_comes_later_is_taken():
    watch = TimeLeft([("starting", 3.0)])
    watch.follow(Progress("starting", 0, 0), now=0.0)
    watch.follow(Progress("planning", 0, 0, expected=COURSE), now=3.0)
    assert watch.left(now=3.0) == pytest.approx(17, rel=0.1)
