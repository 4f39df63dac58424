"""Answer a query: is any part of an input a known video, and why is a record said to match or not to match?

``matcher`` is the pipeline, from an input to a verdict; ``query_fingerprinter`` makes the fingerprints it searches with;
``sufficiency`` says whether what was seen is enough to say "no match"; ``results`` is what comes back.
"""
