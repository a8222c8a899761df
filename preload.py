"""Our command-line flags; the webui calls preload() before anything else of ours."""

from argparse import ArgumentParser


def preload(parser: ArgumentParser) -> None:
    """Add the --facechain-* flags to the webui's own."""
    parser.add_argument(
        "--facechain-data-dir",
        metavar="FOLDER",
        default=None,
        help="where FaceChain keeps people and their photos, instead of the webui's data folder",
    )
    parser.add_argument(
        "--facechain-offline",
        action="store_true",
        help="FaceChain connects to nothing: it neither installs packages nor fetches models",
    )
