"""The shell's side: click commands, one file a verb. They translate; the library decides.

Results go to stdout, chatter and progress to stderr. A :class:`~calm_ext.errors.CalmError` ends with exit code 2 and
its one line, an interrupt with 130.
"""
