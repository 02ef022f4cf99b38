"""Preference pairs: from a vote and the responses to what training reads."""
