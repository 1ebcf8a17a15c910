"""Raw tables in, feature store out: the contract, the encoders, the point-in-time features."""

import warnings

# pandera imports PySpark's pandas API wherever PySpark is installed; nothing here uses it.
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
