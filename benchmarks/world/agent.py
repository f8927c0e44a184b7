"""A program that asks its model once: as little work of its own as a program can have."""

PROMPT = "Answer. Try 0."


def answer(question: str, llm) -> str:
    return llm(PROMPT + "\n" + question)
