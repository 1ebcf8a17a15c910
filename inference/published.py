"""The bundles that are there, in the order in which they were published."""

from pathlib import Path

from feature_pipeline.artefact import MANIFEST


def list_published(bundles: Path) -> list[Path]:
    """The published bundles of a data set, the newest first.

    A bundle was published when its manifest was last touched, which publishing the same content again does.

    Args:
        bundles: `artifacts/<dataset>/bundles`.
    """
    manifests = [file for file in bundles.glob(f"*/{MANIFEST}") if not file.parent.name.startswith(".")]
    return [file.parent for file in sorted(manifests, key=lambda file: file.stat().st_mtime_ns, reverse=True)]
