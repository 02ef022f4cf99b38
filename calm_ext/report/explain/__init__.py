"""What an alignment changed, and why: the answers before and after, question by question (``calm-ext explain``).

:mod:`.parts` joins the two evaluations, :mod:`.factors` names what a gain may depend on, :mod:`.depends` tests it,
:mod:`.effects`, :mod:`.towards`, :mod:`.alike` count, :mod:`.telling` picks the questions to read, and :mod:`.explain`
puts it all together.
"""
