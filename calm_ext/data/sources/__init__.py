"""The sources of questions: one file a source, with a ``SOURCE`` (:class:`calm_ext.data.Source`)."""
