"""The sources of questions: one file a source."""
