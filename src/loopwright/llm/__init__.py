"""One protocol for every model, and one gateway through which they are all asked."""

from loopwright.llm.protocol import Ask, Message, Model, Reply, conversation

__all__ = ["Ask", "Message", "Model", "Reply", "conversation"]
