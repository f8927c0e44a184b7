"""A program with one number to be found; it asks a model before it answers."""

NUMBER = "0"


def guess(question: str, llm) -> int:
    hint = llm(f"{question} My number is {NUMBER}.")
    return int(NUMBER) + len(hint) % 2
