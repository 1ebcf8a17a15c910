"""The engine of serving: Ibis expressions over arrays, in this process, a millisecond a query."""
