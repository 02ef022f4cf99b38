"""Reading answers: from a model's response to the index of an option, or None where the parser is unsure."""
