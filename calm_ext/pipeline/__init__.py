"""A recipe run from questions to a report."""
