"""Compiles the candidate's C files, runs them on a number, and scores how fast the right answer came.

The answers stay here, with the task: the compiled program runs in the candidate's sandbox and cannot see them.
"""

import loopwright as lw


def primes_below(n):
    """The right answer, by a sieve."""
    sieve = bytearray([1]) * n
    sieve[:2] = bytes(2)
    for number in range(2, int(n**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, n, number)))
    return sum(sieve)


# Other numbers in each split: a table of the answers to some would not help with the others.
@lw.task(
    train=[300_007, 450_001, 600_011],
    validation=[350_003, 500_009, 650_011],
    test=[400_009, 550_007, 700_001, 900_007],
)
def speed(program, n, trial):
    """Make count_primes(n) fast in plain C99 (cc -O2). n is below 1,000,000; memory is limited to some megabytes.

    The score is in million numbers a second, the fastest of five runs, each with the start of the process in it.
    A wrong answer or a program that does not compile scores 0.
    """
    built = program.run(["cc", "-O2", "-std=c99", "-Wall", "-o", "primes", "primes.c", "main.c", "-lm"])
    if built.status != 0:
        return 0.0, f"the compiler refuses it:\n{built.stderr}"
    runs = [program.run(["./primes"], stdin=str(n)) for _ in range(5)]
    failed = next((run for run in runs if run.status != 0), None)
    if failed is not None:
        return 0.0, f"the program failed for n = {n} with status {failed.status}\n{failed.stderr}"
    right = primes_below(n)
    if any(run.stdout.strip() != str(right) for run in runs):
        return 0.0, f"wrong for n = {n}: {runs[0].stdout.strip()!r}, but it is {right}"
    seconds = min(run.seconds for run in runs)
    score = round(n / seconds / 1e6, 3)
    return score, {"text": f"right for n = {n} in {seconds * 1000:.2f} ms", "milliseconds": round(seconds * 1000, 3)}
