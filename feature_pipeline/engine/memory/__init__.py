"""The engine of serving: Ibis expressions over arrays, in this process, a few milliseconds a query.

An expression is compiled once to a plan, a list of steps over columns (`compiler`, `expressions`, `plan`).
What the steps do stands in `values`, `groups`, `aggregates`, `windows`, `joins` and `states`.
"""
