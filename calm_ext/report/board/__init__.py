"""The leaderboard: many result folders as one ranked table."""
