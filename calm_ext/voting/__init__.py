"""The vote: from answers in several languages to one elected answer."""
