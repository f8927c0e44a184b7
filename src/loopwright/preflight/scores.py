"""Checks of the scores: how much of them is noise, whether they can rise, whether the splits tell the same story."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean, variance

from loopwright.paired import within
from loopwright.preflight.finding import Finding
from loopwright.preflight.sample import Sample
from loopwright.trial import Split, Trial

_Z95, _Z99 = 1.96, 2.576


def noise(sample: Sample) -> Finding:
    """`noise`: the smallest step that the gate can tell from chance, against the step one hopes for.

    The noise is that between two trials of the same program on the same example with different seeds.
    """
    first = {trial.spec.index: trial.score for trial in sample.train}
    pairs = [(first[trial.spec.index], trial.score) for trial in sample.again]
    if not pairs:
        return Finding("noise", "note", "no example was run twice, so the noise of the score is not known")
    search = sample.loop.search
    deviation = math.sqrt(fmean((one - other) ** 2 / 2 for one, other in pairs))
    size = sample.card.sizes["validation"] if search.gate == "validation" else sample.loop.evidence.batch.size
    size = max(1, size)
    floor = _Z95 * math.sqrt(2 / size) * deviation
    hope = _hope(sample)
    details = {"deviation": deviation, "pairs": len(pairs), "gate": size, "floor": floor, "hope": hope}
    if deviation == 0:
        text = f"the same program scores the same again ({len(pairs)} examples, other seeds): no noise was seen"
        return Finding("noise", "ok", text, details=details)
    gate = f"the {search.gate} gate ({size} {'trial' if size == 1 else 'trials'})"
    text = (
        f"equal programs differ by chance: on {gate} a step below {floor:.2g} cannot be told from noise "
        f"(standard deviation {deviation:.2g} between seeds, {len(pairs)} examples)"
    )
    if hope <= 0 or floor <= hope:
        return Finding("noise", "ok", f"{text}; the step hoped for is {hope:.2g}", details=details)
    wanted = math.ceil(2 * (_Z95 * deviation / hope) ** 2)
    level = "note" if search.accept == "always" else "warning"
    advice = f"for steps of {hope:.2g} (--hope says another) the gate needs about {wanted} trials, or a steadier score"
    return Finding("noise", level, text, advice, details)


def _hope(sample: Sample) -> float:
    """The step one hopes for: as given, else a fifth of the way to the target, else a tenth of the scores' spread."""
    if sample.hope is not None:
        return sample.hope
    scores = [trial.score for trial in sample.trials]
    if sample.loop.search.target is not None:
        return max(0.0, (sample.loop.search.target - fmean(scores)) / 5)
    return (max(scores) - min(scores)) / 10


def seed(sample: Sample) -> Finding:
    """`seed`: whether the same trial gives the same score again."""
    if sample.twin is None or not sample.train:
        return Finding("seed", "note", "nothing was run twice")
    one, other = sample.train[0].score, sample.twin.score
    if one == other:
        return Finding("seed", "ok", "the same trial with the same seed scored the same again")
    return Finding(
        "seed",
        "note",
        f"the same trial with the same seed scored {one:g} and {other:g}",
        "draw everything random from trial.seed, so that candidates are compared on equal ground",
        {"scores": [one, other]},
    )


def target(sample: Sample) -> Finding:
    """`target`: whether there is anything to reach."""
    wanted = sample.loop.search.target
    scores = [trial.score for trial in sample.validation]
    if wanted is None or not scores:
        return Finding("target", "ok", "no target is set" if wanted is None else "no validation example to reach it on")
    mean = fmean(scores)
    details = {"target": wanted, "mean": mean, "n": len(scores)}
    if mean >= wanted:
        text = f"the start reaches search.target = {wanted:g} already: {mean:.4g} on validation (n = {len(scores)})"
        return Finding("target", "error", text, "raise the target, or leave it out: the run would end at once", details)
    return Finding(
        "target",
        "ok",
        f"the start has {mean:.4g} on validation (n = {len(scores)}), the target is {wanted:g}",
        details=details,
    )


def labels(sample: Sample) -> Finding:
    """`labels`: whether the splits have the same balance of the task's labels."""
    strata = {split: found for split, found in sample.card.strata.items() if found}
    train = strata.get("train")
    if not train:
        return Finding("labels", "ok", "the task gives no labels (strata) to compare")
    if len(set(train)) > len(train) / 2:
        return Finding("labels", "ok", "nearly every train example has a label of its own: there is no balance to keep")
    details: dict[str, object] = {split: dict(Counter(found)) for split, found in strata.items()}
    for split, found in strata.items():
        if split != "train" and _differ(train, found):
            text = f"train and {split} have different labels: {_shares(train)} against {_shares(found)}"
            advice = 'shuffle the examples before they are split (a seed in lw.examples), or draw = "stratified"'
            return Finding("labels", "warning", text, advice, details)
    return Finding("labels", "ok", f"the labels of the splits agree: {_shares(train)} in train", details=details)


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two lists of labels differ beyond chance: a chi-square test at about one in a thousand."""
    names = sorted({*one, *other})
    if len(names) < 2:
        return False
    first, second = Counter(one), Counter(other)
    total = len(one) + len(other)
    statistic = sum(
        (counts[name] - size * (first[name] + second[name]) / total) ** 2
        / (size * (first[name] + second[name]) / total)
        for counts, size in ((first, len(one)), (second, len(other)))
        for name in names
    )
    free = len(names) - 1
    # Wilson and Hilferty: the cube root of chi-square over its freedom is nearly normal.
    z = ((statistic / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free))
    return z > 3.09


def _shares(found: Sequence[str]) -> str:
    return (
        ", ".join(f"{name} {count / len(found):.0%}" for name, count in Counter(found).most_common(4))
        + f" (n = {len(found)})"
    )


def splits(sample: Sample) -> Finding:
    """`splits`: whether train and validation are equally hard for the start, and whether there are any."""
    sizes = sample.card.sizes
    if not sizes["validation"]:
        return Finding(
            "splits",
            "warning",
            "there are no validation examples, so no candidate can be chosen as the best",
            "give the task some",
        )
    train, validation = _means(sample.train, "train"), _means(sample.validation, "validation")
    details: dict[str, object] = {
        "train": fmean(train),
        "validation": fmean(validation),
        "n": [len(train), len(validation)],
    }
    text = f"the start has {_mean(train)} on train and {_mean(validation)} on validation"
    if min(len(train), len(validation)) < 3:
        return Finding("splits", "note", f"{text}: too few to compare", details=details)
    difference = fmean(validation) - fmean(train)
    half = (
        _Z99
        * _small(len(train), len(validation))
        * math.sqrt(variance(train) / len(train) + variance(validation) / len(validation))
    )
    low, high = within(difference - half, difference + half, sample.card.span)
    details["interval"] = [low, high]
    if abs(difference) > half:
        advice = (
            "shuffle before splitting: what helps on train may not help on validation, and the gate would not see it"
        )
        return Finding(
            "splits",
            "warning",
            f"{text}: different beyond chance (99 % interval {low:+.2g} to {high:+.2g})",
            advice,
            details,
        )
    if not sizes["test"]:
        return Finding(
            "splits",
            "note",
            f"{text}; there are no test examples, so the end cannot say whether the gain is real",
            "keep some back",
            details,
        )
    return Finding("splits", "ok", f"{text}: no difference beyond chance", details=details)


def _mean(scores: Sequence[float]) -> str:
    return f"{fmean(scores):.4g} (n = {len(scores)})"


def _means(trials: Sequence[Trial], split: Split) -> list[float]:
    return [trial.score for trial in trials if trial.spec.split == split]


def _small(one: int, other: int) -> float:
    """How much wider an interval by Student's t is than by the normal distribution, for so few values."""
    free = max(1, min(one, other) - 1)
    return 1 + 2.2 / free


def coverage(sample: Sample) -> Finding:
    """`coverage`: how much of the train split the run will look at."""
    loop, size = sample.loop, sample.card.sizes["train"]
    looked = min(size, loop.budget.steps * loop.evidence.batch.size)
    text = f"{loop.budget.steps} updates of {loop.evidence.batch.size} look at {looked} of {size} train examples"
    if looked < size / 2 and loop.evidence.batch.draw in {"order", "shuffle"}:
        return Finding(
            "coverage", "note", text, "a larger batch or more updates would see more", {"looked": looked, "size": size}
        )
    return Finding("coverage", "ok", text, details={"looked": looked, "size": size})
