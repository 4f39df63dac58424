"""Pages for people: one self-contained HTML file, readable without a script and without a network.

`vhashdb.report.page.render` makes any such page from a template of this package.
"""
