"""Accuracy, consistency and their statistics, from answers to questions in several languages."""
