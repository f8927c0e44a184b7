"""An agent that shows a model some answered questions first. The task hands them over, from its train split."""

PROMPT = """Answer the last question as the others were answered. End with a line "Answer: " followed by the answer
alone."""


def show(question, answer):
    """One answered question as the model reads it."""
    return "Question: " + question + "\nAnswer: " + answer


def extract_answer(reply):
    """The answer in a model's reply."""
    return reply.split("Answer:")[-1].strip()


def answer(question, llm, shots=()):
    shown = [show(each["question"], each["answer"]) for each in shots]
    return extract_answer(llm("\n\n".join([PROMPT, *shown, "Question: " + question])))
