"""Which client opens which export: one line each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """A library that people read a format with.

    Attributes
    ----------
    script : str
        In `clients/`, without its suffix.
    package : str
        As the package index names it.
    formats : tuple of str
        Exports that the script opens.
    venv : str
        Its environment: `.acceptance`, or the name of one below `.acceptance-all/`.
    """

    script: str
    package: str
    formats: tuple[str, ...]
    venv: str = ".acceptance"


ALL = ".acceptance-all"
CLIENTS = (
    Client("kitti_db", "nuscenes-devkit", ("kitti-object",)),
    Client("nuscenes_devkit", "nuscenes-devkit", ("nuscenes",)),
    Client("av2_loader", "av2", ("argoverse2",)),
    Client("waymo_v2", "waymo-open-dataset-tf-2-12-0", ("waymo",), ".acceptance-all/waymo"),
    Client("pykitti_raw", "pykitti", ("kitti-raw",)),
    Client("datumaro_kitti_raw", "datumaro", ("kitti-raw",)),
    Client("openlabel_vcd", "vcd", ("openlabel",)),
    Client("openlabel_uai", "uai-openlabel", ("openlabel",)),
    Client("trackeval_kitti", "trackeval", ("kitti-tracking",)),
    Client("datasets_hub", "datasets", ("huggingface",)),
    Client("croissant_ml", "mlcroissant", ("croissant", "huggingface")),
    Client("datumaro_own", "datumaro", ("datumaro",)),
    Client("tfrecord_reader", "tfrecord", ("tfrecord",)),
    Client("pycocotools_coco", "pycocotools", ("coco",)),
    Client("datumaro_flat", "datumaro", ("coco", "voc", "yolo", "cvat", "mot")),
    Client("trackeval_mot", "trackeval", ("mot",)),
    Client("motmetrics_mot", "motmetrics", ("mot",)),
    Client("mcap_foxglove", "mcap", ("mcap",)),
    Client("label_studio_sdk_video", "label-studio-sdk", ("label-studio",), f"{ALL}/label-studio"),
    Client("frictionless_tables", "frictionless", ("csv", "parquet"), f"{ALL}/frictionless"),
    Client("tensorflow_records", "tensorflow-cpu", ("tfrecord",), f"{ALL}/tensorflow"),
    Client("rerun_recording", "rerun-sdk", ("rerun",), f"{ALL}/rerun"),
    Client("rerun_mcap", "rerun-sdk", ("mcap",), f"{ALL}/rerun"),
    Client("ultralytics_yolo", "ultralytics", ("yolo",), f"{ALL}/ultralytics"),
    Client("supervisely_episodes", "supervisely", ("supervisely",), f"{ALL}/supervisely"),
)
