"""Bringing a trained adapter to others: merge it into its model, push it to the hub."""
