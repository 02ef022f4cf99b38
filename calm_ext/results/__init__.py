"""Reading files that lm-eval and others wrote."""
