"""Fewer dimensions for a column of embeddings, learned on training rows alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_pipeline.encoders import unit_rows
from feature_pipeline.encoders.config import ProjectionConfig
from feature_pipeline.errors import UserError

# A direction along which rows vary less than this share of the first one's variance is rounding.
_LEAST_VARIANCE = 1e-6


class ProjectionError(UserError):
    """Embeddings have fewer dimensions, or training rows fewer directions, than the projection asks for."""


@dataclass(frozen=True)
class Projection:
    """A fitted PCA or whitening.

    Attributes:
        mean: of the training rows `[width]` float32.
        components: orthonormal directions of largest variance, that one first `[dimension, width]` float32.
        scale: what each direction is divided by `[dimension]` float32: its standard deviation (whitening), or
            one.
    """

    mean: np.ndarray
    components: np.ndarray
    scale: np.ndarray

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Projects rows, and scales them to length one again, so that dot products stay cosines.

        Args:
            vectors: `[n, width]` float32, no missing rows among them.

        Returns:
            `[n, dimension]` float32 rows of length one.
        """
        projected = (vectors - self.mean) @ self.components.T / self.scale
        return unit_rows(projected).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, as `from_arrays` takes them."""
        return {"mean": self.mean, "components": self.components, "scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Projection":
        """The projection whose `to_arrays` gave `arrays`."""
        return cls(arrays["mean"], arrays["components"], arrays["scale"])


def fit_projection(config: ProjectionConfig, vectors: np.ndarray, column: str) -> Projection:
    """Learns directions by principal component analysis (Pearson, 1901).

    Args:
        config: kind and dimension.
        vectors: embeddings of training rows `[n, width]` float32, no missing ones among them.
        column: names the embeddings in errors.

    Raises:
        ProjectionError: `dimension` is more than the width, or than the directions in which the rows differ.
    """
    from sklearn.decomposition import PCA  # here, so that importing the module is quick

    num_rows, width = vectors.shape
    most = max(0, min(num_rows - 1, width))
    if config.dimension > most:
        raise ProjectionError(
            f"{column}: projection.dimension is {config.dimension}, but there are {num_rows} training rows "
            f"of {width} dimensions. Remedy: choose at most {most}, or no projection"
        )
    with np.errstate(invalid="ignore"):  # shares of a variance of zero, which is refused below
        pca = PCA(config.dimension, svd_solver="full").fit(vectors.astype(np.float64))
    variance = pca.explained_variance_
    num_directions = int((variance > _LEAST_VARIANCE * variance[0]).sum()) if variance[0] > 0 else 0
    if num_directions < config.dimension:
        raise ProjectionError(
            f"{column}: projection.dimension is {config.dimension}, but the {num_rows} training rows differ "
            f"in {num_directions} directions only. Remedy: choose at most {num_directions}, or no projection"
        )
    scale = np.sqrt(variance) if config.kind == "whitening" else np.ones_like(variance)
    mean, components, scale = (array.astype(np.float32) for array in (pca.mean_, pca.components_, scale))
    return Projection(mean, components, scale)
