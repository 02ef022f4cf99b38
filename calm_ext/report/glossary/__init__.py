"""The statistical words of the pages in plain English: one list, linked where a word stands and printed at the end."""
