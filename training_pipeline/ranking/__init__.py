"""Retrieved candidates in, their order out: ranking rows and the CatBoost ranker."""
