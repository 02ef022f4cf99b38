"""The view: runs and result folders as one static page, from the leaderboard down to every answer in every language."""
