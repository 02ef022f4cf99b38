"""The proof that the rows of several files translate one another."""
