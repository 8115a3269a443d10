"""Long work that outlives the process that began it: issuing, re-issuing, rendering, checking of thousands.

The engine (DBOS Transact) says who works at what. It never says how far the work is: that stands in the certificates'
own states, so a piece of work may be begun anew by anybody, at any time, even twice at once, and by a newer program.
"""
