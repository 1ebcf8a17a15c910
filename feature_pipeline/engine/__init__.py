"""The engines that run the feature expressions: DuckDB on one machine, Spark on a cluster."""
