"""A program with one number to be found."""

NUMBER = "0"


def guess(question: str) -> int:
    return int(NUMBER)


def talk(question: str, llm) -> str:
    return llm(question)
