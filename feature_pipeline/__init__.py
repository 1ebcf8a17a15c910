"""Raw tables in, feature store out: the contract, the encoders, the point-in-time features."""

import warnings

# Said where PySpark is imported: by the Spark engine and by pandera, of whose pandas API ours uses nothing.
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
