"""The deliveries to learn from, and how an estimate is scored. The program that is improved never sees this file."""

import json
from pathlib import Path

import loopwright as lw

TRIPS = [json.loads(line) for line in Path(__file__).with_name("trips.jsonl").read_text().splitlines()]


# Learning reads the first split, the choice of the best uses the second, the third is touched once, at the end.
@lw.task(train=TRIPS[:40], validation=TRIPS[40:70], test=TRIPS[70:], ceiling=1.0)
def deliveries(program, trip, trial):
    """Estimate how many minutes a delivery takes. The score is 1 minus the relative error, at least 0."""
    known = {name: value for name, value in trip.items() if name != "minutes"}
    estimate, took = float(program.estimate(known)), trip["minutes"]
    score = max(0.0, 1 - abs(estimate - took) / took)
    return lw.Feedback(score, f"estimated {estimate:.0f} minutes, it took {took}")
