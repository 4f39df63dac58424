"""The figures of a database as charts: what they say, where their bars go, and the pages they are on.

`vhashdb.charts.figures` makes charts of figures, `vhashdb.charts.pages` an HTML page or an SVG of them.
"""
