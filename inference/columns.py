"""Names of the columns of answers."""

RANK = "rank"
RANKING_SCORE = "ranking_score"
CHANCE = "chance"
REASONS = "reasons"
SCORE = "score"
FUSED = "fused"
